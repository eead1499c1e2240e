"""A build that does not work is taken back, and every service answers as before."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest

from cockpitpm.app.records import history
from cockpitpm.app.recover import recover
from cockpitpm.errors import ExitCode
from cockpitpm.model.receipt import Outcome, Verb
from cockpitpm.sandbox.daemons import Behaviour
from tests.acceptance.kernel import inode, programs
from tests.acceptance.scene import CHAIN, COMPUTE, EMBEDDER, ROWS, Scene, Steps
from tests.waiting import until

pytestmark = pytest.mark.real
BROKEN = (Behaviour.NEVER_STARTS, Behaviour.FAILS_PROBE, Behaviour.CRASHES)
TESTNET = "my_compute_zos_testnet_server"


@pytest.fixture(scope="module", autouse=True)
def installed(scene: Scene) -> None:
    scene.install(COMPUTE, EMBEDDER)


def files(scene: Scene, app: str) -> dict[str, bytes]:
    return {b.name: (scene.root / "bin" / b.name).read_bytes() for b in scene.world.bundle(app).binaries}


def truths(scene: Scene, app: str) -> dict[str, Any]:
    return {name: (row["truths"]["process"]["is"], row["notes"]) for name, row in scene.services(app).items()}


@pytest.mark.parametrize("behaviour", BROKEN)
@pytest.mark.parametrize("app", [COMPUTE, EMBEDDER])
def test_a_broken_build_is_taken_back(scene: Scene, app: str, behaviour: Behaviour) -> None:
    old, pids, good = files(scene, app), scene.pids(app), truths(scene, app)
    answers = scene.commits()
    bad = scene.publish(app, behaviour)
    assert scene.code(Verb.UPGRADE, app) is ExitCode.ROLLED_BACK
    assert files(scene, app) == old
    assert truths(scene, app) == good, "every service runs the old build, and nothing is left to be said"
    assert scene.commits() == answers
    first, *others = pids
    after = scene.pids(app)
    assert after[first] not in (None, pids[first])
    assert {name: after[name] for name in others} == {name: pids[name] for name in others}, "they were never cycled"
    told = history(scene.host(), (app,))[0].entry
    assert told.outcome is Outcome.ROLLED_BACK and first in told.detail
    assert scene.world.downloads()
    asked = len(scene.world.downloads())
    again = scene.attempt(Verb.UPGRADE, app)
    assert again.code is ExitCode.REFUSED and bad[:7] in again.message
    assert len(scene.world.downloads()) == asked, "it is not even fetched again"
    assert scene.pids(app) == after


def test_another_build_is_offered_again(scene: Scene) -> None:
    commit = scene.publish(COMPUTE)
    assert scene.code(Verb.UPGRADE, COMPUTE) is ExitCode.DONE
    assert scene.commits() == dict.fromkeys(ROWS, commit)


def test_a_service_that_restarted_meanwhile_ends_on_the_old_bytes(scene: Scene) -> None:
    """It is killed after the flip and before its turn; its supervisor brings it up on the bad bytes."""
    answers, pids = scene.commits(), scene.pids()
    bad = scene.publish(COMPUTE, Behaviour.FAILS_PROBE)

    def kill() -> None:
        for pid in programs(scene.root, CHAIN):
            if f"COMPUTE_SOCKET={ROWS[TESTNET]}".encode() in Path(f"/proc/{pid}/environ").read_bytes():
                os.kill(pid, signal.SIGKILL)
        until(lambda: scene.pids()[TESTNET] not in (None, pids[TESTNET]) and answers_as(scene, bad))

    assert scene.code(Verb.UPGRADE, COMPUTE, reporter=Steps(f"restarting {CHAIN}", kill)) is ExitCode.ROLLED_BACK
    assert scene.commits() == answers
    assert scene.pids()["my_compute_zos_main_server"] == pids["my_compute_zos_main_server"]
    daemons = [p for p in programs(scene.root, CHAIN).values() if len(p.words) == 1]
    assert {p.inode for p in daemons} <= {inode(scene.root / "bin" / CHAIN)}
    assert scene.notes() == []


def test_a_service_that_was_unwell_before_does_not_end_on_the_bad_bytes(scene: Scene) -> None:
    """It did not answer when the upgrade began, and is killed after the flip."""
    answers = scene.commits()
    scene.publish(COMPUTE, Behaviour.FAILS_PROBE)
    hung = scene.health(ROWS[TESTNET])["pid"]
    os.kill(hung, signal.SIGSTOP)
    killed = Steps(f"restarting {CHAIN}", lambda: os.kill(hung, signal.SIGKILL))
    assert scene.code(Verb.UPGRADE, COMPUTE, reporter=killed) is ExitCode.ROLLED_BACK
    said = scene.commits()
    assert scene.code(Verb.CONVERGE, COMPUTE) is ExitCode.DONE
    assert scene.commits() == answers
    assert said == answers, "the bad build was taken back and still answers"


def test_a_service_that_cannot_start_anyway_is_no_obstacle_on_the_way_back(scene: Scene) -> None:
    """An operator broke its wrapper; the others must be brought back all the same."""
    answers = scene.commits()
    wrapper = scene.root / "bin" / TESTNET
    good = wrapper.read_bytes()
    wrapper.write_text("#!/no/such/interpreter\n")
    os.kill(scene.pids()[TESTNET] or 0, signal.SIGKILL)
    until(lambda: scene.pids()[TESTNET] is None)
    scene.publish(COMPUTE, Behaviour.NEVER_STARTS)
    end = scene.attempt(Verb.UPGRADE, COMPUTE)
    said = [scene.services()[row]["truths"]["process"]["is"] for row in ROWS]
    wrapper.write_bytes(good)
    recover(scene.host())
    assert scene.code(Verb.CONVERGE, COMPUTE) is ExitCode.DONE
    assert scene.commits() == answers
    assert end.code is ExitCode.ROLLED_BACK, end
    assert said == ["current", "current", "nothing"]


def answers_as(scene: Scene, commit: str) -> bool:
    try:
        return bool(scene.health(ROWS[TESTNET])["commit"] == commit)
    except OSError:
        return False
