"""What every forge must do, asked of each: Forgejo's adapter over real HTTP, and a folder.

To put another forge under it, write a `Stage` and add it to STAGES.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import pytest
from attrs import evolve

from cockpitpm.errors import AssetBroken, ForgeError, ReleaseNotFound, ReleaseNotReady
from cockpitpm.forges import open_forge
from cockpitpm.model.bundle import Repo
from cockpitpm.model.release import Ancestry, Asset, CommitSource
from cockpitpm.model.settings import ForgeSettings
from cockpitpm.ports import Forge
from cockpitpm.sandbox.forge import Fault, ForgeServer, ForgeState, Publisher, write_release
from cockpitpm.sandbox.forge.content import content_of
from cockpitpm.sandbox.forge.release import ReleaseRow
from tests.sim.forge import ForgeSim

REPO = Repo(name="beta", owner="alpha")
FULL = "alpha/beta"


class Stage(Protocol):
    """A forge, and the hands that change what it holds. `directions`: it knows a step back and a fork as such."""

    forge: Forge
    directions: bool

    def publish(self, tag: str, assets: Mapping[str, bytes]) -> str:
        """Publish and return the commit, which has everything that the ones before it had."""
        ...

    def stranger(self) -> str:
        """A commit that shares nothing with the published ones."""
        ...

    def draft(self, tag: str) -> None:
        """Make the release of the tag a draft."""
        ...

    def withdraw(self, tag: str) -> None:
        """Remove the release of the tag."""
        ...

    def twin(self, tag: str, name: str, data: bytes) -> None:
        """Add an asset under a name that is taken."""
        ...

    def cut(self, tag: str, name: str, size: int) -> None:
        """From now on the asset's body ends after `size` bytes, or goes on to so many, unannounced."""
        ...


class ForgejoStage:
    directions = True

    def __init__(self, url: str, state: ForgeState) -> None:
        self.state = state
        self.publisher = Publisher(state)
        self.forge = open_forge("default", ForgeSettings(kind="forgejo", url=url), None)

    def publish(self, tag: str, assets: Mapping[str, bytes]) -> str:
        published = self.publisher.publish(FULL, tag, assets, annotated=True)
        # What its author wrote as target lies from the next commit on.
        self.state.repo(FULL).commit("later")
        return published.commit

    def stranger(self) -> str:
        return self.state.repo(FULL).commit("a history of its own", parents=(), branch="other")

    def draft(self, tag: str) -> None:
        self.row(tag).draft = True

    def withdraw(self, tag: str) -> None:
        self.state.repo(FULL).delete_release(self.row(tag))

    def twin(self, tag: str, name: str, data: bytes) -> None:
        self.state.repo(FULL).upload(self.row(tag), name, content_of(data))

    def cut(self, tag: str, name: str, size: int) -> None:
        known = self.row(tag).named(name)[0].size
        cut = Fault(path=f"/{name}", truncate=size) if size < known else Fault(path=f"/{name}", surplus=size - known)
        # With parts to be had, one byte that is missing would just be fetched.
        self.state.faults.append(evolve(cut, chunked=size > known, headers={"Accept-Ranges": "none"}))

    def row(self, tag: str) -> ReleaseRow:
        row = self.state.repo(FULL).row(tag)
        assert row is not None
        return row


class DirectoryStage:
    directions = False

    def __init__(self, root: Path) -> None:
        self.root = root
        self.forge = open_forge("default", ForgeSettings(kind="directory", url=str(root)), None)
        self.count = 0

    def publish(self, tag: str, assets: Mapping[str, bytes]) -> str:
        before = [f"{number:040x}" for number in range(1, self.count + 1)]
        self.count += 1
        commit = f"{self.count:040x}"
        write_release(self.root, FULL, tag, assets, commit=commit, ancestors=before, digests=False)
        return commit

    def stranger(self) -> str:
        return "f" * 40

    def draft(self, tag: str) -> None:
        self.edit(tag, '"draft": false', '"draft": true')

    def withdraw(self, tag: str) -> None:
        place = self.root / FULL / tag
        place.rename(place.with_name("withdrawn"))

    def twin(self, tag: str, name: str, data: bytes) -> None:
        # A folder holds a name once, but its list can say it twice.
        self.edit(tag, '"assets": [', f'"assets": [{{"name": "{name}"}},')

    def cut(self, tag: str, name: str, size: int) -> None:
        path = self.root / FULL / tag / name
        times = path.stat()
        os.truncate(path, size)
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))

    def edit(self, tag: str, old: str, new: str) -> None:
        path = self.root / FULL / tag / "release.json"
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new, 1))


@contextmanager
def forgejo(_root: Path) -> Iterator[Stage]:
    state = ForgeState()
    with ForgeServer(state) as server:
        yield ForgejoStage(server.url, state)
    assert not state.mishaps


@contextmanager
def directory(root: Path) -> Iterator[Stage]:
    yield DirectoryStage(root)


class SimStage:
    """The forge that transactions are tested on."""

    directions = True

    def __init__(self) -> None:
        self.forge = self.sim = ForgeSim(owner="alpha")

    def publish(self, tag: str, assets: Mapping[str, bytes]) -> str:
        return self.sim.publish("beta", tag, dict(assets)).commit

    def stranger(self) -> str:
        for known in self.sim.commits["beta"]:
            self.sim.lineage |= dict.fromkeys(((known, "f" * 40), ("f" * 40, known)), Ancestry.DIVERGED)
        return "f" * 40

    def draft(self, tag: str) -> None:
        self.sim.drafts.add(("beta", tag))

    def withdraw(self, tag: str) -> None:
        del self.sim.releases["beta", tag]

    def twin(self, tag: str, name: str, data: bytes) -> None:
        self.sim.change("beta", tag, *self.sim.releases["beta", tag].assets, self.sim.upload(name, data))

    def cut(self, tag: str, name: str, size: int) -> None:
        (asset,) = self.sim.releases["beta", tag].named(name)
        self.sim.bytes[asset.uuid] = bytes(size)


@contextmanager
def sim(_root: Path) -> Iterator[Stage]:
    yield SimStage()


STAGES = {"forgejo": forgejo, "directory": directory, "sim": sim}


@pytest.fixture(params=sorted(STAGES))
def stage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stage]:
    with STAGES[request.param](tmp_path) as found:
        yield found


def fetched(forge: Forge, asset: Asset) -> bytes:
    pieces: list[bytes] = []
    forge.fetch(asset, lambda piece: pieces.append(bytes(piece)))
    assert all(0 < len(piece) <= 1024 * 1024 for piece in pieces)
    return b"".join(pieces)


def test_a_release_tells_what_its_tag_leads_to(stage: Stage) -> None:
    commit = stage.publish("latest", {"one": b"1", "two": b"22"})
    release = stage.forge.release(REPO, "latest")
    assert (release.forge, release.repo, release.tag) == ("default", FULL, "latest")
    assert (release.commit, release.commit_known_by) == (commit, CommitSource.TAG)
    assert {a.name: a.size for a in release.assets} == {"one": 1, "two": 2}
    assert all(a.uuid and a.url and a.created_at and not a.external for a in release.assets)
    assert len({a.uuid for a in release.assets}) == 2


def test_a_tag_with_a_slash(stage: Stage) -> None:
    commit = stage.publish("rolling/x86", {"one": b"1"})
    release = stage.forge.release(REPO, "rolling/x86")
    assert release.commit == commit
    assert fetched(stage.forge, release.assets[0]) == b"1"


def test_a_moved_tag_tells_the_new_commit_and_a_new_upload_a_new_uuid(stage: Stage) -> None:
    stage.publish("latest", {"one": b"old"})
    before = stage.forge.release(REPO, "latest")
    commit = stage.publish("latest", {"one": b"new"})
    after = stage.forge.release(REPO, "latest")
    assert after.commit == commit != before.commit
    assert after.assets[0].uuid != before.assets[0].uuid
    assert fetched(stage.forge, after.assets[0]) == b"new"


def test_two_reads_of_the_same_release_are_equal(stage: Stage) -> None:
    stage.publish("latest", {"one": b"1", "two": b"2"})
    assert stage.forge.release(REPO, "latest") == stage.forge.release(REPO, "latest")


def test_a_release_that_was_seen_and_did_not_change_is_that_very_value(stage: Stage) -> None:
    stage.publish("latest", {"one": b"1", "two": b"2"})
    seen = stage.forge.release(REPO, "latest")
    assert stage.forge.release(REPO, "latest", seen) is seen
    stage.publish("latest", {"one": b"1", "two": b"3"})
    found = stage.forge.release(REPO, "latest", seen)
    assert found != seen and found == stage.forge.release(REPO, "latest")


def test_what_was_seen_of_another_tag_changes_nothing(stage: Stage) -> None:
    stage.publish("latest", {"one": b"1"})
    commit = stage.publish("nightly", {"one": b"1"})
    seen = stage.forge.release(REPO, "latest")
    assert stage.forge.release(REPO, "nightly", seen).commit == commit
    with pytest.raises(ReleaseNotFound):
        stage.forge.release(REPO, "absent", seen)


@pytest.mark.parametrize("how", ["draft", "withdraw"])
def test_a_release_that_was_seen_and_is_away_is_not_ready(stage: Stage, how: str) -> None:
    stage.publish("latest", {"one": b"1"})
    seen = stage.forge.release(REPO, "latest")
    stage.draft("latest") if how == "draft" else stage.withdraw("latest")
    with pytest.raises(ReleaseNotReady):
        stage.forge.release(REPO, "latest", seen)
    with pytest.raises(ReleaseNotReady if how == "draft" else ReleaseNotFound):
        stage.forge.release(REPO, "latest")


UNTOLD = {Ancestry.UNKNOWN, Ancestry.UNTOLD}
"""What a source without a history may say."""


def test_a_later_commit_is_an_upgrade_of_every_one_before_it(stage: Stage) -> None:
    commits = [stage.publish("latest", {"one": bytes([n])}) for n in range(3)]
    for n, old in enumerate(commits[:-1]):
        assert stage.forge.ancestry(REPO, old, commits[-1]) is Ancestry.UPGRADE
        back = stage.forge.ancestry(REPO, commits[-1], old)
        assert back is (Ancestry.DOWNGRADE if stage.directions else Ancestry.UNKNOWN), n
    assert {stage.forge.ancestry(REPO, commit, commit) for commit in commits} == {Ancestry.SAME}


def test_what_shares_nothing_is_no_upgrade_either_way(stage: Stage) -> None:
    commit, stranger = stage.publish("latest", {"one": b"1"}), stage.stranger()
    for pair in [(commit, stranger), (stranger, commit)]:
        found = stage.forge.ancestry(REPO, *pair)
        assert found in ({Ancestry.DIVERGED} if stage.directions else UNTOLD)


@pytest.mark.parametrize("odd", ["0" * 40, "", "abc", "latest", "HEAD", "F" * 40, "0" * 41, "../x", "a" * 39 + "&"])
def test_a_commit_that_nobody_knows_is_unknown(stage: Stage, odd: str) -> None:
    commit = stage.publish("latest", {"one": b"1"})
    assert stage.forge.ancestry(REPO, odd, commit) in (UNTOLD if not stage.directions else {Ancestry.UNKNOWN})
    assert stage.forge.ancestry(REPO, commit, odd) is Ancestry.UNKNOWN


@pytest.mark.parametrize("repo", [REPO, Repo(name="gamma", owner="alpha")])
def test_what_is_not_there_is_named(stage: Stage, repo: Repo) -> None:
    stage.publish("latest", {"one": b"1"})
    with pytest.raises(ReleaseNotFound, match=rf"alpha/{repo.name}.*nightly|nightly.*alpha/{repo.name}"):
        stage.forge.release(repo, "nightly")


def test_another_case_of_the_tag_is_another_tag(stage: Stage) -> None:
    stage.publish("latest", {"one": b"1"})
    with pytest.raises(ReleaseNotFound):
        stage.forge.release(REPO, "Latest")


def test_a_draft_is_not_ready(stage: Stage) -> None:
    stage.publish("latest", {"one": b"1"})
    stage.draft("latest")
    with pytest.raises(ReleaseNotReady, match="draft"):
        stage.forge.release(REPO, "latest")


def test_a_release_without_assets_is_not_ready(stage: Stage) -> None:
    stage.publish("latest", {})
    with pytest.raises(ReleaseNotReady, match="no asset"):
        stage.forge.release(REPO, "latest")


def test_two_assets_of_one_name_are_both_told(stage: Stage) -> None:
    stage.publish("latest", {"one": b"1", "two": b"2"})
    stage.twin("latest", "one", b"1")
    assert len(stage.forge.release(REPO, "latest").named("one")) == 2


@pytest.mark.parametrize("tag", ["", "..", "a..b", "-x", "a b", "a\nb", "a~1", "x/", "a/../../b", "é\u202e", "a?b"])
def test_what_git_would_not_take_is_no_tag(stage: Stage, tag: str) -> None:
    with pytest.raises(ForgeError, match="tag"):
        stage.forge.release(REPO, tag)


@pytest.mark.parametrize("owner,name", [("..", "x"), ("a/b", "x"), ("a", "..%2f"), ("", "x"), ("a", "x\n")])
def test_what_is_no_repository_is_refused(stage: Stage, owner: str, name: str) -> None:
    with pytest.raises(ForgeError):
        stage.forge.release(Repo(name=name, owner=owner), "latest")


@pytest.mark.parametrize("size", [0, 1, 65_536, 65_537, 3_000_000])
def test_an_asset_arrives_whole(stage: Stage, size: int) -> None:
    data = os.urandom(size)
    stage.publish("latest", {"one": data})
    assert fetched(stage.forge, stage.forge.release(REPO, "latest").assets[0]) == data


@pytest.mark.parametrize("size", [0, 1, 99_999, 100_001, 400_000])
def test_a_body_of_another_length_is_broken_and_never_over_the_announced_size(stage: Stage, size: int) -> None:
    stage.publish("latest", {"one": bytes(100_000)})
    asset = stage.forge.release(REPO, "latest").assets[0]
    stage.cut("latest", "one", size)
    given: list[int] = []
    with pytest.raises(ForgeError):
        stage.forge.fetch(asset, lambda piece: given.append(len(piece)))
    assert sum(given) <= 100_000


def test_a_replaced_asset_is_not_given_for_the_planned_one(stage: Stage) -> None:
    stage.publish("latest", {"one": b"old"})
    asset = stage.forge.release(REPO, "latest").assets[0]
    stage.publish("latest", {"one": b"new"})
    with pytest.raises(AssetBroken):
        fetched(stage.forge, asset)


def test_a_withdrawn_asset_is_told_as_such(stage: Stage) -> None:
    stage.publish("latest", {"one": b"1"})
    asset = stage.forge.release(REPO, "latest").assets[0]
    gone = evolve(asset, name="two", url=asset.url.removesuffix("one") + "two")
    with pytest.raises(ForgeError, match="two"):
        fetched(stage.forge, gone)


def test_what_the_sink_raises_passes_through(stage: Stage) -> None:
    stage.publish("latest", {"one": bytes(300_000)})
    asset = stage.forge.release(REPO, "latest").assets[0]

    class Full(OSError):
        pass

    def sink(_piece: bytes | memoryview) -> None:
        raise Full(28, "no space left")

    with pytest.raises(Full):
        stage.forge.fetch(asset, sink)
    assert len(fetched(stage.forge, asset)) == 300_000


def test_several_fetches_at_once(stage: Stage) -> None:
    assets = {f"file{n}": os.urandom(200_000 + n) for n in range(6)}
    stage.publish("latest", assets)
    release = stage.forge.release(REPO, "latest")
    gate = threading.Barrier(6)

    def one(asset: Asset) -> bool:
        gate.wait(5)
        return fetched(stage.forge, asset) == assets[asset.name]

    with ThreadPoolExecutor(6) as pool:
        assert all(pool.map(one, release.assets))
