"""One machine that is put back as it was before each kill, and what is wrong with it after a recovery."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from cockpitpm.app.recover import recover
from cockpitpm.model.receipt import Verb
from tests.faults.lines import Point, killed_at, reached
from tests.faults.oracle import picture, violations
from tests.sim.machine import DUO, MachineSim

Act = Callable[[MachineSim], object]
"""Something that is done to a machine."""


def installed(machine: MachineSim) -> None:
    """Version 1 runs and version 2 is published."""
    machine.publish("1")
    machine.run(Verb.INSTALL, "duo")
    machine.publish("2")


def upgraded(machine: MachineSim) -> None:
    """The change that is interrupted, unless a test says another."""
    machine.run(Verb.UPGRADE, "duo")


class Sweep:
    """`ready` makes the machine that each kill begins with, `work` is what is killed."""

    def __init__(self, folder: Path, bundle: str = DUO, ready: Act = installed, work: Act = upgraded) -> None:
        self._start, self._place = folder / "start", folder / "work"
        self._bundle, self._work = bundle, work
        self._place.mkdir()
        machine = MachineSim(self._place, bundle)
        ready(machine)
        self.forge = machine.forge
        shutil.copytree(self._place, self._start, symlinks=True)

    def machine(self) -> MachineSim:
        """The machine as it begins. Its stamps no longer fit, as after a restore."""
        shutil.rmtree(self._place)
        shutil.copytree(self._start, self._place, symlinks=True)
        machine = MachineSim(self._place, self._bundle)
        machine.world.moved()
        machine.forge = self.forge
        return machine

    def points(self) -> list[Point]:
        """Every line that the work reaches."""
        machine = self.machine()
        return reached(lambda: self._work(machine))

    def kill(self, point: Point) -> MachineSim:
        """The machine after the work was killed there."""
        machine = self.machine()
        status = killed_at(point, lambda: self._work(machine))
        # A line that only some runs reach (a download that waits for another) may be passed: then it was just done.
        assert status in (-9, 0), f"the work failed by itself at {point}"
        return machine


def broken(machine: MachineSim, versions: tuple[str, ...] = ("1", "2")) -> list[str]:
    """What is wrong with a machine, an exception of the oracle included."""
    try:
        return violations(machine, versions)
    except Exception as error:  # noqa: BLE001 - whatever cannot be read is a violation
        return [f"{type(error).__name__}: {error}"]


def recovered_wrong(machine: MachineSim) -> list[str]:
    """Recover twice: what is wrong after the first time, and whether the second time wrote anything."""
    recover(machine.host())
    wrong = broken(machine)
    before = picture(machine.root)
    recover(machine.host())
    return wrong if picture(machine.root) == before else [*wrong, "the second recovery wrote something"]
