"""One binary, three services: an upgrade from any of the three rows."""

from __future__ import annotations

import hashlib

import pytest

from cockpitpm.app.records import receipts
from cockpitpm.errors import ExitCode
from cockpitpm.model.receipt import Verb
from cockpitpm.sandbox.daemons import compiler
from cockpitpm.sandbox.world import CHANNEL
from tests.acceptance.kernel import inode, programs
from tests.acceptance.scene import CHAIN, COMPUTE, ROWS, Scene

pytestmark = pytest.mark.real


@pytest.fixture(scope="module", autouse=True)
def installed(scene: Scene) -> None:
    scene.install(COMPUTE)


@pytest.mark.parametrize("row", ROWS)
def test_upgrade_from_any_row(scene: Scene, row: str) -> None:
    before = programs(scene.root, "my_compute_zos")
    commit = scene.publish(COMPUTE)
    asked = len(scene.world.downloads())
    assert scene.code(Verb.UPGRADE, row) is ExitCode.DONE
    assert scene.world.downloads()[asked:] == [f"{CHAIN}-linux-musl-x86_64"], "one asset is asked for, once"
    after = programs(scene.root, "my_compute_zos")
    assert not set(before) & set(after), "an old process, or the child of a wrapper, is left"
    assert scene.commits() == dict.fromkeys(ROWS, commit)
    assert {scene.health(path)["pid"] for path in ROWS.values()} <= set(after)
    assert scene.notes() == []


def test_every_daemon_executes_the_new_file(scene: Scene) -> None:
    daemons = [p for p in programs(scene.root, CHAIN).values() if "/sh" not in p.words[0]]
    published = scene.asset().content.data
    assert len(daemons) == 3
    if compiler():
        assert {p.inode for p in daemons} == {inode(scene.root / "bin" / CHAIN)}
        assert {p.sha256 for p in daemons} == {hashlib.sha256(published).hexdigest()}


def test_the_one_receipt_tells_the_truth(scene: Scene) -> None:
    (receipt,) = receipts(scene.host(), (COMPUTE,))["receipts"]
    published = scene.asset().content.data
    tag, release = scene.repo().tags[CHANNEL], scene.repo().row(CHANNEL)
    assert receipt["asset"] == scene.asset().name == f"{CHAIN}-linux-musl-x86_64"
    assert receipt["md5"] == hashlib.md5(published).hexdigest()
    assert receipt["md5"] == hashlib.md5((scene.root / "bin" / CHAIN).read_bytes()).hexdigest()
    assert receipt["size"] == len(published)
    assert tag.annotated and tag.sha != tag.commit and release.target == "main", "the forge does not lie any more"
    assert receipt["commit"] == tag.commit
    assert receipt["installed_at"]


def test_no_asset_of_a_restart_only_name_is_ever_asked_for(scene: Scene) -> None:
    for name in set(ROWS) - {CHAIN}:
        assert scene.world.state.count(name) == 0
    assert scene.world.state.mishaps == []
