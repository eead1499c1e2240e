"""The folder of releases: its format, copies that are not finished, and links that lead out of it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from cockpitpm.errors import AssetBroken, ForgeError, ForgeUnreachable, MachineError, ReleaseNotFound, ReleaseNotReady
from cockpitpm.forges import fields, folder, open_forge
from cockpitpm.forges.manifest import Shelf
from cockpitpm.model.bundle import Repo
from cockpitpm.model.release import Ancestry, Asset, Release
from cockpitpm.model.settings import ForgeSettings
from cockpitpm.ports import Forge
from cockpitpm.sandbox.forge import write_release

COMMIT = "a" * 40
REPO = Repo(name="beta")
UUID = "7f9c24e8-3b12-4fef-91e0-a1b2c3d4e5f6"


def opened(root: Path | str) -> Forge:
    return open_forge("mirror", ForgeSettings(kind="directory", url=str(root), owner="alpha"), None)


def release(root: Path | str, tag: str = "latest") -> Release:
    return opened(root).release(Repo(name="beta"), tag)


def fetched(root: Path, asset: Asset) -> bytes:
    pieces: list[bytes] = []
    opened(root).fetch(asset, lambda piece: pieces.append(bytes(piece)))
    return b"".join(pieces)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return write_release(tmp_path, "alpha/beta", "latest", {"one": b"1", "two": b"22"}, commit=COMMIT)


def edit(place: Path, **change: Any) -> None:
    path = place / "release.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))


def test_a_file_url_is_a_folder_too(tmp_path: Path) -> None:
    odd = tmp_path / "a b%20c"
    write_release(odd, "alpha/beta", "latest", {"o n%65": b"1"}, commit=COMMIT)
    for url in (str(odd), odd.as_uri(), odd.as_uri().replace("file://", "file://localhost")):
        assert fetched(odd, release(url).assets[0]) == b"1"


@pytest.mark.parametrize("url", ["", "relative/folder", "~/x", "file://elsewhere/x", "http://127.0.0.1/x", "/a\0b"])
def test_what_is_no_full_path_is_refused(url: str) -> None:
    with pytest.raises(MachineError, match="not the full path"):
        opened(url)


def test_a_folder_that_is_not_mounted(tmp_path: Path) -> None:
    with pytest.raises(ForgeUnreachable, match="no such folder"):
        release(tmp_path / "absent")


def test_a_folder_without_its_list_is_not_ready(place: Path, tmp_path: Path) -> None:
    (place / "release.json").unlink()
    with pytest.raises(ReleaseNotReady, match=r"there is no release\.json"):
        release(tmp_path)


def test_a_file_that_is_still_being_copied(place: Path, tmp_path: Path) -> None:
    os.truncate(place / "two", 1)
    with pytest.raises(ReleaseNotReady, match="two has not the size"):
        release(tmp_path)
    (place / "two").unlink()
    with pytest.raises(ReleaseNotReady, match="there is no two"):
        release(tmp_path)


def test_a_list_of_another_tag_does_not_pass(place: Path, tmp_path: Path) -> None:
    place.rename(place.with_name("nightly"))
    with pytest.raises(ForgeError, match="tag is not nightly"):
        release(tmp_path, "nightly")
    with pytest.raises(ReleaseNotFound):
        release(tmp_path)


@pytest.mark.parametrize(
    "change",
    [
        {"commit": "abc"},
        {"commit": None},
        {"created_at": "today"},
        {"tag": 5},
        {"draft": "no"},
        {"assets": {}},
        {"assets": [{}]},
        {"assets": [{"name": "../two"}]},
        {"assets": [{"name": "one", "sha256": "00"}]},
        {"assets": [{"name": "one", "size": True}]},
        {"assets": [{"name": "one", "uuid": UUID}]},
        {"assets": [{"name": "one", "uuid": "../x", "sha256": "0" * 64}]},
        {"assets": [{"name": "one", "created_at": "today"}]},
    ],
)
def test_a_list_with_a_wrong_field_is_refused(place: Path, tmp_path: Path, change: dict[str, Any]) -> None:
    edit(place, **change)
    with pytest.raises(ForgeError) as caught:
        release(tmp_path)
    assert "release.json" in str(caught.value) or "../two" in str(caught.value)


@pytest.mark.parametrize("text", [b"", b"[]", b"{", b"\xff", b" " * (4 * 1024 * 1024 + 1)])
def test_a_list_that_is_none_is_refused(place: Path, tmp_path: Path, text: bytes) -> None:
    (place / "release.json").write_bytes(text)
    with pytest.raises(ForgeError, match=r"release\.json"):
        release(tmp_path)


def test_the_uuid_of_the_source_is_kept_where_a_digest_holds_the_bytes_to_it(place: Path, tmp_path: Path) -> None:
    entry = json.loads((place / "release.json").read_text())["assets"][0]
    edit(place, assets=[{**entry, "uuid": UUID}])
    asset = release(tmp_path).assets[0]
    assert asset.uuid == UUID
    (place / "one").write_bytes(b"X")
    assert release(tmp_path).assets[0].uuid == UUID
    with pytest.raises(AssetBroken, match="SHA-256"):
        fetched(tmp_path, asset)


def test_without_digests_the_identity_follows_the_file(tmp_path: Path) -> None:
    place = write_release(tmp_path, "alpha/beta", "latest", {"one": b"1"}, commit=COMMIT, digests=False)
    before = release(tmp_path).assets[0]
    assert release(tmp_path).assets[0] == before
    (place / "one").write_bytes(b"X")
    os.utime(place / "one", ns=(1, 1))
    assert release(tmp_path).assets[0].uuid != before.uuid
    with pytest.raises(AssetBroken, match="replaced"):
        fetched(tmp_path, before)


def test_with_digests_the_identity_follows_the_bytes_alone(place: Path, tmp_path: Path) -> None:
    before = release(tmp_path).assets[0].uuid
    os.utime(place / "one", ns=(1, 1))
    assert release(tmp_path).assets[0].uuid == before


@pytest.mark.parametrize("part", ["alpha", "alpha/beta", "alpha/beta/latest", "alpha/beta/latest/release.json"])
def test_no_link_is_followed_below_the_folder(place: Path, tmp_path: Path, part: str) -> None:
    path = tmp_path / part
    away = tmp_path / "away"
    path.rename(away)
    path.symlink_to(away)
    with pytest.raises(ForgeUnreachable, match=r"link|regular|folder"):
        release(tmp_path)


def test_no_link_is_followed_to_a_file(place: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"1")
    asset = release(tmp_path).named("one")[0]
    (place / "one").unlink()
    (place / "one").symlink_to(secret)
    with pytest.raises(ForgeError):
        release(tmp_path)
    with pytest.raises(ForgeError):
        fetched(tmp_path, asset)


def test_the_folder_itself_may_be_a_link(place: Path, tmp_path: Path) -> None:
    door = tmp_path / "door"
    door.symlink_to(tmp_path)
    assert release(door).commit == COMMIT


def test_a_pipe_is_not_waited_for(place: Path, tmp_path: Path) -> None:
    (place / "one").unlink()
    os.mkfifo(place / "one")
    with pytest.raises(ForgeUnreachable, match="regular"):
        release(tmp_path)


@pytest.mark.parametrize(
    "path", ["/one", "/alpha/beta/latest/../one", "/alpha/beta/latest/%2e%2e", "/alpha/beta/x/latest/one", ""]
)
def test_an_address_outside_its_folders_is_refused(place: Path, tmp_path: Path, path: str) -> None:
    asset = release(tmp_path).assets[0]
    for root in (tmp_path.as_uri(), "file:///etc", "http://127.0.0.1"):
        with pytest.raises(ForgeError):
            fetched(tmp_path, evolve(asset, url=root + path))


def test_what_did_not_change_is_the_same_value(place: Path, tmp_path: Path) -> None:
    seen = release(tmp_path)
    assert opened(tmp_path).release(REPO, "latest", seen) is seen
    edit(place, commit="b" * 40)
    assert opened(tmp_path).release(REPO, "latest", seen).commit == "b" * 40


def test_a_folder_that_was_seen_and_is_gone_is_not_ready(place: Path, tmp_path: Path) -> None:
    seen = release(tmp_path)
    place.rename(place.with_name("away"))
    with pytest.raises(ReleaseNotReady, match="there was one"):
        opened(tmp_path).release(REPO, "latest", seen)
    with pytest.raises(ReleaseNotFound):
        opened(tmp_path).release(REPO, "nightly", seen)


def test_a_list_that_is_written_anew_while_it_is_read_is_being_published(place: Path, tmp_path: Path) -> None:
    with folder.descend(tmp_path, ("alpha", "beta", "latest")) as held:

        class Replaced(Shelf):
            def asset(self, item: fields.Fields) -> Asset:
                found = super().asset(item)
                edit(place, created_at="2027-01-01T00:00:00Z")
                return found

        with pytest.raises(ReleaseNotReady, match="is being published"):
            Replaced(held, place, "here").release("mirror", "alpha/beta", "latest")
        assert Shelf(held, place, "here").release("mirror", "alpha/beta", "latest").created_at.startswith("2027")


def test_the_date_of_the_commit_is_told_where_the_list_has_it(place: Path, tmp_path: Path) -> None:
    assert release(tmp_path).committed_at == ""
    edit(place, committed_at="2026-01-01T00:00:00+02:00")
    assert release(tmp_path).committed_at == "2026-01-01T00:00:00+02:00"
    for wrong in ("yesterday", 5):
        edit(place, committed_at=wrong)
        with pytest.raises(ForgeError, match="committed_at"):
            release(tmp_path)


def test_ancestors_are_those_of_the_list(tmp_path: Path) -> None:
    old, older, new, other = (digit * 40 for digit in "1234")
    write_release(tmp_path, "alpha/beta", "v/1", {"one": b"1"}, commit=other, ancestors=[old])
    write_release(tmp_path, "alpha/beta", "latest", {"one": b"1"}, commit=new, ancestors=[old, older])
    (tmp_path / "alpha/beta/a-file").write_bytes(b"")
    (tmp_path / "alpha/beta/a-folder").mkdir()
    ask = opened(tmp_path).ancestry
    assert ask(REPO, old, new) is ask(REPO, older, new) is ask(REPO, old, other) is Ancestry.UPGRADE
    assert ask(REPO, new, new) is Ancestry.SAME
    for pair in [(older, other), (new, old), (new, other), (old, "5" * 40), ("", ""), ("main", new), (old[:7], new)]:
        assert ask(REPO, *pair) is Ancestry.UNKNOWN, pair
    assert ask(Repo(name="gamma"), old, new) is Ancestry.UNKNOWN
    with pytest.raises(ForgeUnreachable):
        opened(tmp_path / "absent").ancestry(REPO, old, new)


@pytest.mark.parametrize("wrong", ["1" * 40, {}, [5], ["1" * 39], [None], [["1" * 40]]])
def test_ancestors_that_are_none_are_refused(place: Path, tmp_path: Path, wrong: Any) -> None:
    edit(place, ancestors=wrong)
    with pytest.raises(ForgeError, match="ancestors"):
        release(tmp_path)
    assert opened(tmp_path).ancestry(REPO, "1" * 40, COMMIT) is Ancestry.UNKNOWN


def test_a_list_from_before_there_were_ancestors_is_good(place: Path, tmp_path: Path) -> None:
    for absent in (None, []):
        edit(place, ancestors=absent, committed_at=None)
        assert release(tmp_path).commit == COMMIT
        assert opened(tmp_path).ancestry(REPO, "1" * 40, COMMIT) is Ancestry.UNTOLD
