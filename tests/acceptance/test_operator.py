"""What an operator does beside us is respected, mended, or refused with a way out."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path
from xmlrpc.client import ServerProxy

import pytest
from supervisor.xmlrpc import SupervisorTransport

from cockpitpm.app.services import stop
from cockpitpm.errors import ExitCode, LockedError
from cockpitpm.model.receipt import Verb
from cockpitpm.sandbox.daemons import compiler
from cockpitpm.sandbox.forge.fault import Fault
from tests.acceptance.kernel import inode, programs
from tests.acceptance.scene import CHAIN, COMPUTE, ROWS, VOICE, Scene
from tests.conftest import heroes
from tests.waiting import until

pytestmark = pytest.mark.real
TESTNET = "my_compute_zos_testnet_server"
MAIN = "my_compute_zos_main_server"


@pytest.fixture(scope="module", autouse=True)
def installed(scene: Scene) -> None:
    scene.install(COMPUTE, VOICE)


def supervisord(scene: Scene) -> int:
    return int((scene.machine.layout.supervisor / "supervisord.pid").read_text())


def test_a_second_upgrade_is_told_who_holds_the_lock(scene: Scene) -> None:
    scene.publish(COMPUTE)
    scene.world.state.faults.append(Fault(path="/releases/download/", delay=1.5, times=1))
    first = subprocess.Popen(
        scene.command("upgrade", COMPUTE, "--yes"), env=scene.environment(), stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )  # fmt: skip
    until(lambda: not scene.world.state.faults[0].times)
    with pytest.raises(LockedError) as told:
        scene.run(Verb.UPGRADE, COMPUTE)
    second = scene.cli("upgrade", COMPUTE, "--yes")
    scene.world.state.faults.clear()
    assert first.wait(30) == 0
    assert f"process {first.pid}" in told.value.message and "upgrade" in told.value.message
    assert second.returncode == ExitCode.LOCKED and str(first.pid) in second.stderr


def test_what_was_stopped_stays_stopped(scene: Scene) -> None:
    assert stop(scene.host(), TESTNET) == (TESTNET,)
    commit = scene.publish(COMPUTE)
    assert scene.code(Verb.UPGRADE, COMPUTE) is ExitCode.DONE
    assert scene.pids()[TESTNET] is None
    assert scene.health(ROWS[MAIN])["commit"] == commit
    assert len(programs(scene.root, "my_compute_zos")) == 2, "one daemon each of the other two"
    assert scene.code(Verb.CONVERGE, COMPUTE) is ExitCode.DONE
    assert scene.pids()[TESTNET] is None
    assert scene.code(Verb.START, TESTNET) is ExitCode.DONE
    assert scene.commits() == dict.fromkeys(ROWS, commit)


def test_a_killed_service_is_mended(scene: Scene) -> None:
    old = scene.pids()
    with ServerProxy(
        "http://s", SupervisorTransport(None, None, f"unix://{scene.machine.layout.supervisor}/rpc.sock")
    ) as s:
        s.supervisor.stopProcess(MAIN)
    os.kill(old[TESTNET] or 0, signal.SIGKILL)
    assert "failed" in scene.notes()
    assert scene.code(Verb.CONVERGE, COMPUTE) is ExitCode.DONE
    assert len(set(scene.commits().values())) == 1
    assert scene.pids()[CHAIN] == old[CHAIN]
    # The wrapper was killed and its daemon was not: until it notices, two listen at the socket, and status says so.
    until(lambda: scene.notes() == [])


@pytest.mark.parametrize("verb", [Verb.CONVERGE, Verb.UPGRADE])
def test_a_killed_supervisor_is_replaced(scene: Scene, verb: Verb) -> None:
    old, commit = programs(scene.root, "my_compute_zos"), scene.commits()[CHAIN]
    os.kill(supervisord(scene), signal.SIGKILL)
    if verb is Verb.UPGRADE:
        commit = scene.publish(COMPUTE)
    assert scene.code(verb, COMPUTE) is ExitCode.DONE
    assert scene.commits() == dict.fromkeys(ROWS, commit)
    assert not set(old) & set(programs(scene.root, "my_compute_zos")), "what the dead one had started is ended"
    until(lambda: all(scene.pids(app).popitem()[1] for app in (VOICE, "hero_db")))
    assert scene.notes() == []


class TestByHand:
    """Somebody changes `bin/x` behind our back."""

    MINE = "#!/bin/sh\n# mine\nexec sleep 1000\n"

    def change(self, scene: Scene, how: str, binary: str) -> str:
        """Do it; gives what stands there now."""
        mine = scene.home / "mine"
        mine.write_text(self.MINE)
        mine.chmod(0o755)
        path = scene.root / "bin" / binary
        words = {
            "cp": ["cp", str(mine), str(path)],
            "mv": ["mv", str(mine), str(path)],
            "install": ["install", str(mine), str(path)],
            "sed": ["sed", "-i", "s/listening in/l1stening in/", str(path)],
        }
        subprocess.run(words[how], check=True, capture_output=True)
        return path.read_bytes().decode("latin-1")

    def check(self, scene: Scene, how: str, app: str, binary: str) -> None:
        path = scene.root / "bin" / binary
        good, current = path.read_bytes(), scene.services(app)[binary]["build"]
        foreign = self.change(scene, how, binary).encode("latin-1")
        assert foreign != good
        row = scene.services(app)[binary]
        assert [n["note"] for n in row["notes"]] == ["drifted"] and row["truths"]["file"]["is"] == "drifted"
        scene.publish(app)
        refused = scene.attempt(Verb.UPGRADE, app)
        assert refused.code is ExitCode.REFUSED and f"bin/{binary}" in refused.message
        assert f"rollback {app} --to " in refused.hint, "the way out is named"
        assert path.read_bytes() == foreign, "it was not touched"
        number = int(refused.hint.partition("--to ")[2].split("`")[0])
        assert scene.code(Verb.ROLLBACK, app, to=number) is ExitCode.DONE
        assert path.is_symlink() and path.read_bytes() == good
        row = scene.services(app)[binary]
        notes = [n["note"] for n in row["notes"]]
        assert notes == ["behind"] and row["build"]["md5"] == current["md5"]
        kept = [p.read_bytes() for p in scene.machine.layout.aside.glob("*")]
        assert foreign in kept, "the way out says that the bytes are kept aside"
        assert scene.code(Verb.UPGRADE, app) is ExitCode.DONE, "the machine follows its channel again"

    @pytest.mark.parametrize("how", ["cp", "mv", "install", "sed"])
    def test_a_script(self, scene: Scene, how: str) -> None:
        self.check(scene, how, VOICE, VOICE)

    @pytest.mark.parametrize("how", ["mv", "install", "sed"])
    def test_an_elf_file(self, scene: Scene, how: str) -> None:
        self.check(scene, how, COMPUTE, CHAIN)
        assert len(set(scene.commits().values())) == 1

    def test_an_elf_file_that_runs_cannot_be_written(self, scene: Scene) -> None:
        before = inode(scene.root / "bin" / CHAIN)
        if compiler():
            with pytest.raises(subprocess.CalledProcessError):
                self.change(scene, "cp", CHAIN)
        assert inode(scene.root / "bin" / CHAIN) == before
        assert scene.notes() == []


def test_nothing_touches_the_real_home(scene: Scene) -> None:
    """The commands above had a home of their own; what we start gets none at all."""
    kept = heroes()
    scene.publish(VOICE)
    for words in (("upgrade", VOICE, "--yes"), ("status",), ("history",), ("rollback", VOICE, "--yes"), ("lint",)):
        done = scene.cli(*words)
        assert done.returncode == 0, done.stderr
    assert [p.name for p in scene.home.rglob("*")] in ([], ["mine"])
    assert heroes() == kept
    assert not any(Path(f"/proc/{pid}/cwd").readlink().is_relative_to("/root") for pid in programs(scene.root, "bin/"))
