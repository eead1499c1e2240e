"""F11: whatever a forge answers is read into a release that is fit to use, or one line, soon and in little memory."""

from __future__ import annotations

import json
import time
import tracemalloc
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cockpitpm.errors import ForgeError
from cockpitpm.forges import fields, words
from cockpitpm.forges.patience import Patience
from cockpitpm.forges.reading import Reading
from cockpitpm.model.release import Release
from tests.faults.answers import ANSWERS, UUID
from tests.faults.lane import swept
from tests.faults.score import tell

COMMIT = "c" * 40
WHEN = "2026-06-11T23:53:53+02:00"
ASSET = {"id": 1, "name": "one", "size": 3, "download_count": 0, "created_at": WHEN, "uuid": UUID, "type": "attachment"}
GOOD: dict[str, Any] = {
    "repos/owner/duo/releases/tags/latest": {
        "id": 7,
        "tag_name": "latest",
        "target_commitish": "main",
        "body": "what is new",
        "draft": False,
        "prerelease": False,
        "created_at": WHEN,
        "author": {"id": 1, "login": "ci"},
        "assets": [
            {**ASSET, "browser_download_url": "https://forge.test/one"},
            {**ASSET, "name": "two", "sha256": "a" * 64, "browser_download_url": "https://forge.test/two"},
        ],
    },
    "repos/owner/duo/tags/latest": {"name": "latest", "id": "d" * 40, "commit": {"sha": COMMIT, "created": WHEN}},
    f"repos/owner/duo/git/commits/{COMMIT}": {"sha": COMMIT, "created": WHEN, "parents": []},
}
PLAIN = Patience(pause=0.0, sleep=lambda _: None)
ODD = st.one_of(
    st.none() | st.booleans() | st.floats() | st.integers(-(2**70), 2**70) | st.text(max_size=8),
    st.sampled_from(["", "..", "a/b", "a\n", "\u202e", "\ud800", "x" * 300, 2**53, 2**53 + 1, -1, "1", 1e308, [], {}]),
    st.sampled_from(["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", UUID.upper(), "external", "A" * 40]),
    st.lists(st.just({}), min_size=1001, max_size=1002),
)


def places(tree: object, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The way to everything in the tree."""
    inside = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    return [path, *(found for key, one in inside for found in places(one, (*path, key)))]


PLACES = [(name, place) for name, tree in GOOD.items() for place in places(tree) if place]


@st.composite
def answers(draw: st.DrawFn) -> dict[str, bytes]:
    """The good answers after some changes to what they hold, and perhaps to their bytes."""
    trees = json.loads(json.dumps(GOOD))
    for name, (*way, last) in draw(st.lists(st.sampled_from(PLACES), max_size=3)):
        holder = trees[name]
        try:
            for key in way:
                holder = holder[key]
            match draw(st.integers(0, 3)):
                case 0:
                    holder[last] = draw(ODD)
                case 1:
                    del holder[last]
                case 2 if isinstance(holder, list):
                    holder += holder[last : last + 1] * draw(st.integers(1, 3))
                case _:
                    holder[last] = [holder[last]]
        except (LookupError, TypeError):
            continue  # an earlier change took the place away
    bodies = {name: json.dumps(tree).encode() for name, tree in trees.items()}
    if draw(st.booleans()):
        name = draw(st.sampled_from(sorted(bodies)))
        body = bodies[name]
        begin = draw(st.integers(0, len(body)))
        end = draw(st.integers(begin, min(begin + 9, len(body))))
        bodies[name] = body[:begin] + draw(st.binary(max_size=6)) + body[end:]
    return bodies


def read(bodies: dict[str, bytes]) -> Release | None:
    """The release that the real reader makes of the answers."""
    deadline = PLAIN.until(30, "forge default (forge.test): owner/duo at latest")

    def ask(path: str) -> fields.Fields | None:
        body = bodies.get(path.partition("?")[0])
        return None if body is None else fields.read(body, f"{deadline.who}: the answer")

    reading = Reading(ask, "default", "owner/duo", "latest", deadline)
    glance = reading.glance()
    return glance and reading.settled(glance)


def unfit(release: Release) -> str:
    """Why nobody could use such a release, empty if anybody could."""
    if not words.commit_id(release.commit) or release.tag != "latest" or not release.assets:
        return "commit, tag or assets"
    for told in (release.created_at, release.committed_at or WHEN, *(a.created_at for a in release.assets)):
        datetime.fromisoformat(told).astimezone(UTC)
    for asset in release.assets:
        whole = words.asset_name(asset.name) and words.uuid(asset.uuid) and words.url(asset.url)
        if not whole or not 0 <= asset.size <= 2**53 or len(asset.sha256) not in {0, 64}:
            return f"asset {asset.name!r}"
    return ""


def refused_in_one_line(work: Callable[[], object]) -> bool:
    """Whether it is refused; whatever else it raises goes through."""
    try:
        work()
    except ForgeError as error:
        assert str(error).isprintable() and len(str(error)) < 400 and error.hint, str(error)
        return True
    return False


def test_answers_made_by_hand(folder: Path) -> None:
    began = time.monotonic()
    wrong = swept(folder, ANSWERS)
    seconds = time.monotonic() - began
    tell("F11", "forge answers by hand", len(ANSWERS), len(wrong), seconds)
    assert not wrong, "\n".join(wrong[:40])
    assert len({mode.name for mode in ANSWERS}) == len(ANSWERS) >= 60


@pytest.mark.parametrize("points", [300, pytest.param(2000, marks=pytest.mark.slow)])
def test_answers_made_by_chance(points: int) -> None:
    seen = {"points": 0, "accepted": 0}
    slowest = [0.0]

    @settings(max_examples=points, suppress_health_check=list(HealthCheck))
    @given(answers())
    def each(bodies: dict[str, bytes]) -> None:
        began = time.process_time()
        found: list[Release | None] = []
        if not refused_in_one_line(lambda: found.append(read(bodies))):
            seen["accepted"] += 1
            assert found[0] is None or unfit(found[0]) == ""
        seen["points"] += 1
        slowest[0] = max(slowest[0], time.process_time() - began)

    begun = time.monotonic()
    each()
    # A broken answer has ended the test before this line.
    tell("F11", f"forge answers by chance, {seen['accepted']} accepted", seen["points"], 0, time.monotonic() - begun)
    assert seen["points"] >= points
    assert points / 20 < seen["accepted"] < points * 3 / 4, "the changes break next to nothing, or everything"
    assert slowest[0] < 1


SIZE = 4 * 1024 * 1024
HEAVY = {
    "brackets": b"[" * SIZE,
    "lists": b'{"x": [' + b"[]," * (SIZE // 3 - 9) + b"0]}",
    "objects": b'{"x": [' + b"{}," * (SIZE // 3 - 9) + b"0]}",
    "filled-objects": b'{"x": [' + b'{"a":1},' * (SIZE // 8 - 9) + b"0]}",
    "numbers": b'{"x": [' + b"0," * (SIZE // 2 - 9) + b"0]}",
    "fractions": b'{"x": [' + b".1e1,".replace(b".", b"1.") * (SIZE // 7) + b"0]}",
    "texts": b'{"x": [' + b'"ab",' * (SIZE // 5 - 9) + b'""]}',
    "keys": b"{" + b",".join(b'"%x":0' % n for n in range(SIZE // 10)) + b"}",
    "escapes": b'{"x": "' + b"\\u0041" * (SIZE // 6 - 9) + b'"}',
    "digits": b'{"x": ' + b"9" * (SIZE - 9) + b"}",
    "deep": b'{"x":' * 40_000 + b"1" + b"}" * 40_000,
}


@pytest.mark.parametrize("name", HEAVY)
def test_the_heaviest_answer_takes_little_time(name: str) -> None:
    body = HEAVY[name]
    assert len(body) <= SIZE
    began = time.process_time()
    refused_in_one_line(lambda: fields.read(body, "the answer"))
    assert time.process_time() - began < 3


@pytest.mark.slow
@pytest.mark.parametrize("name", HEAVY)
def test_the_heaviest_answer_takes_little_memory(name: str) -> None:
    body = HEAVY[name]
    tracemalloc.start()
    try:
        refused_in_one_line(lambda: fields.read(body, "the answer"))
        assert tracemalloc.get_traced_memory()[1] < 160 * 1024 * 1024
    finally:
        tracemalloc.stop()
