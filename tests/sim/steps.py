"""What tests of a machine on simulators do again and again."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from cockpitpm.errors import ExitCode
from cockpitpm.model.receipt import Verb
from tests.sim.machine import DUO, MachineSim
from tests.sim.world import World


class InWorld(Protocol):
    """Whatever lives in a simulated world."""

    world: World


def installed(root: Path, *builds: str, offered: str = "", bundle: str = DUO) -> MachineSim:
    """A machine to which these builds of duo came one after another; its forge may offer another one."""
    made = MachineSim(root, bundle)
    for number, build in enumerate(builds):
        made.publish(build)
        assert made.code(Verb.UPGRADE if number else Verb.INSTALL, "duo") is ExitCode.DONE
    if offered:
        made.publish(offered)
    return made


def later(machine: InWorld, seconds: float) -> None:
    """Nothing happens but that time goes by."""
    with machine.world.changing() as state:
        state["time"] += seconds


def version(machine: MachineSim) -> str:
    """The build that duo's server really runs; empty for none."""
    return machine.versions()["duo_server"].partition("-")[0]
