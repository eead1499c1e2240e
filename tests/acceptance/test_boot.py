"""A machine loses power in the middle of an upgrade. Its supervisord is started, and nobody gives a command."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cockpitpm.errors import ExitCode
from cockpitpm.model.receipt import Outcome
from cockpitpm.record import generations, history
from cockpitpm.sandbox.daemons import Behaviour
from cockpitpm.sandbox.packed import APP, PackedBuilds
from cockpitpm.supervisors.boot import NAME
from cockpitpm.supervisors.daemon import own_environment
from tests.acceptance.scene import CHAIN, COMPUTE, ROWS, Scene
from tests.conftest import members
from tests.waiting import until

pytestmark = pytest.mark.real
OWN = "hero_cockpit/rpc.sock"


@pytest.fixture(scope="module")
def scene(place: Path) -> Iterator[Scene]:
    with Scene(place) as made:
        made.install(COMPUTE)
        yield made


@pytest.fixture(scope="module")
def builds(place: Path, scene: Scene) -> PackedBuilds:
    (place / "builds").mkdir()
    return PackedBuilds(place / "builds", scene.world.bundle(APP))


def lose_power(scene: Scene, command: list[str], phase: str) -> None:
    """Begin an upgrade, and end every process of the machine at once as soon as the journal has come that far."""
    begun = subprocess.Popen(
        command,
        env=scene.environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    until(lambda: f'"{phase}"' in journal(scene), within=30)
    while found := members(scene.root.parent):
        for pid in found:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        begun.wait(10)
    assert journal(scene)


def journal(scene: Scene) -> str:
    """What is written about transactions that have not ended."""
    return "".join(path.read_text(errors="replace") for path in scene.machine.layout.journal.glob("*"))


def boot(scene: Scene) -> None:
    """What an operating system does: start the supervisord, by its own configuration."""
    configuration = scene.machine.layout.supervisor / "supervisord.conf"
    subprocess.run(
        [sys.executable, "-I", "-m", "supervisor.supervisord", "-c", str(configuration)],
        env={**own_environment(), "HOME": str(scene.home)},
        cwd="/",
        timeout=20,
        check=True,
    )
    until(lambda: not journal(scene), within=30)


def ended(scene: Scene, app: str) -> Outcome:
    """How the last transaction of the app ended; the program that ran at boot is no service that anybody sees."""
    assert scene.cli("verify", app).returncode == ExitCode.DONE
    assert NAME not in {status.name for status in scene.host().supervisor.list()}
    assert NAME not in scene.cli("status", "--json").stdout
    return [line.entry for line in history.read(scene.machine.layout.history) if line.entry.app == app][-1].outcome


@pytest.mark.parametrize("behaviour", [Behaviour.WORKS, Behaviour.FAILS_PROBE])
def test_an_app_comes_right_by_itself(scene: Scene, behaviour: Behaviour) -> None:
    old, new = scene.commits()[CHAIN], scene.publish(COMPUTE, behaviour)
    lose_power(scene, scene.command("upgrade", COMPUTE, "--yes"), "flipped")
    boot(scene)
    right = behaviour is Behaviour.WORKS
    assert ended(scene, COMPUTE) is (Outcome.COMMITTED if right else Outcome.ROLLED_BACK)
    until(lambda: set(scene.commits().values()) == {new if right else old})
    assert len(set(scene.pids().values())) == len(ROWS)


def test_nothing_is_left_of_what_was_only_prepared(scene: Scene) -> None:
    old, number = scene.commits()[CHAIN], generations.numbers(scene.machine.layout, COMPUTE)[-1]
    scene.publish(COMPUTE)
    lose_power(scene, scene.command("upgrade", COMPUTE, "--yes"), "intent")
    boot(scene)
    layout = scene.machine.layout
    assert generations.numbers(layout, COMPUTE)[-1] == number and len(generations.lives(layout, COMPUTE)) == 1
    until(lambda: set(scene.commits().values()) == {old})


@pytest.mark.slow
def test_cockpit_itself_comes_right_by_its_old_build(scene: Scene, builds: PackedBuilds) -> None:
    """The command at boot is the build that was there before, which no longer is what `bin/` leads to."""
    scene.world.publish_packed(builds.build("1.0", Behaviour.WORKS), "1.0")
    scene.install(APP)
    scene.world.publish_packed(builds.build("1.1", Behaviour.NEVER_ANSWERS), "1.1")
    own = [str(scene.root / "bin/hero_cockpit"), *scene.command("upgrade", APP, "--yes")[3:]]
    lose_power(scene, own, "flipped")
    boot(scene)
    assert ended(scene, APP) is Outcome.ROLLED_BACK
    until(lambda: scene.health(OWN)["version"] == "1.0")
    assert set(scene.pids(APP).values()) and None not in scene.pids(APP).values()


def test_who_holds_the_machine_is_waited_for(scene: Scene) -> None:
    """Another command may have taken the lock first, and may leave something behind."""
    script = (scene.machine.layout.supervisor / "boot.sh").read_text()
    assert f"[ $? = {int(ExitCode.LOCKED)} ]; do sleep" in script
