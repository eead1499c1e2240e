"""The build index: read strictly, once for each upload, and what it says is what the release was built from."""

from __future__ import annotations

import json
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from cockpitpm.errors import AssetBroken
from cockpitpm.model.release import INDEX, BuildIndex, CommitSource, Indexed, Release
from cockpitpm.observe.build_index import read_index, with_index
from cockpitpm.small_assets import LIMIT
from tests.sim.forge import ForgeSim

ONE, COMMIT = "1" * 64, "c" * 40
INDEX_TREE = {"commit": COMMIT, "built_at": "2026-06-12T08:00:00Z", "assets": {"x": {"sha256": ONE, "size": 3}}}


@pytest.mark.parametrize("more", [{}, {"unchanged_since": "d" * 64}, {"assets": {}}])
def test_an_index_is_read(more: dict[str, Any]) -> None:
    tree = {**INDEX_TREE, **more}
    assert read_index(json.dumps(tree).encode()) == BuildIndex(
        commit=COMMIT,
        built_at="2026-06-12T08:00:00Z",
        assets={"x": Indexed(sha256=ONE, size=3)} if tree["assets"] else {},
        unchanged_since=more.get("unchanged_since", ""),
    )


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ("", "no JSON"),
        ("[" * 100_000, "no JSON"),
        (b"\xff\xfe\xfd".decode("latin-1"), "no JSON"),
        ("[]", "other keys"),
        ({**INDEX_TREE, "signature": ""}, "other keys"),
        ({"commit": COMMIT}, "other keys"),
        ({**INDEX_TREE, "commit": "c" * 7}, "a commit that is no full commit"),
        ({**INDEX_TREE, "commit": 1}, "a commit"),
        ({**INDEX_TREE, "unchanged_since": None}, "an? unchanged_since"),
        ({**INDEX_TREE, "built_at": "2026-06-12T08:00:00"}, "built_at"),
        ({**INDEX_TREE, "built_at": "yesterday"}, "built_at"),
        ({**INDEX_TREE, "built_at": 0}, "built_at"),
        ({**INDEX_TREE, "assets": []}, "no mapping"),
        ({**INDEX_TREE, "assets": {"x": ONE}}, "something else"),
        ({**INDEX_TREE, "assets": {"x": {"sha256": ONE}}}, "something else"),
        ({**INDEX_TREE, "assets": {"x": {"sha256": ONE, "size": 3, "md5": ""}}}, "something else"),
        ({**INDEX_TREE, "assets": {"x\n": {"sha256": "A" * 64, "size": 3}}}, "something else"),
        ({**INDEX_TREE, "assets": {"x": {"sha256": ONE, "size": -1}}}, "no number of bytes"),
        ({**INDEX_TREE, "assets": {"x": {"sha256": ONE, "size": True}}}, "no number of bytes"),
        ({**INDEX_TREE, "assets": {"x": {"sha256": ONE, "size": 3.0}}}, "no number of bytes"),
        (json.dumps(INDEX_TREE).replace("3", "NaN"), "the number NaN"),
        (json.dumps(INDEX_TREE)[:-1] + f', "commit": "{COMMIT}"}}', "a key twice"),
    ],
)
def test_an_index_that_is_not_exactly_one_is_refused(data: Any, text: str) -> None:
    written = data if isinstance(data, str) else json.dumps(data)
    with pytest.raises(AssetBroken, match=text) as caught:
        read_index(written.encode("latin-1"))
    assert caught.value.message.startswith(INDEX) and len(caught.value.message.splitlines()) == 1


@given(data=st.binary(max_size=200))
def test_any_other_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(AssetBroken):
        read_index(data)


def published(index: bytes = json.dumps(INDEX_TREE).encode()) -> tuple[ForgeSim, Release]:
    forge = ForgeSim()
    return forge, forge.publish("duo", "latest", {"x": b"123", INDEX: index})


def test_a_release_says_what_its_index_says() -> None:
    forge, release = published()
    found = with_index(forge, release, None)
    assert (found.built_from, found.known_by) == (COMMIT, CommitSource.INDEX) and found.commit == release.commit
    assert (release.built_from, release.known_by) == (release.commit, CommitSource.TAG)
    assert forge.requests == [f"fetch {INDEX}"]


def test_an_index_is_fetched_once_for_each_upload() -> None:
    forge, release = published()
    seen = with_index(forge, release, None)
    assert with_index(forge, seen, seen) is seen
    assert with_index(forge, evolve(release, id="other"), seen).index == seen.index
    assert forge.requests == [f"fetch {INDEX}"]
    other = forge.publish("duo", "latest", {INDEX: json.dumps({**INDEX_TREE, "commit": "d" * 40}).encode()})
    assert with_index(forge, other, seen).built_from == "d" * 40


def test_a_link_is_no_index() -> None:
    forge, release = published()
    links = tuple(evolve(a, external=True) for a in release.assets)
    assert with_index(forge, evolve(release, assets=links), None).index is None and not forge.requests


def test_a_large_index_is_refused() -> None:
    forge, release = published(bytes(LIMIT + 1))
    with pytest.raises(AssetBroken, match="more than the 1048576"):
        with_index(forge, release, None)
