"""One machine that is put back as it was before each fault, and what is wrong with it afterwards."""

from __future__ import annotations

import shutil
from pathlib import Path

from attrs import evolve

from tests.faults.lines import Point, reached, signalled
from tests.faults.oracle import Act, Promise, Told, held, promise
from tests.faults.scenes import SCENES, Scene, told
from tests.sim.machine import MachineSim

SIGKILL = 9


class Sweep:
    """`scene.ready` makes the machine that each fault begins with, `scene.work` is what it strikes."""

    def __init__(self, folder: Path, scene: Scene = SCENES["upgrade"]) -> None:
        self._start, self.place = folder / "start", folder / "work"
        self.scene = scene
        self.place.mkdir(exist_ok=True)
        machine = MachineSim(self.place, scene.bundle)
        scene.ready(machine)
        self.forge = machine.forge
        shutil.copytree(self.place, self._start, symlinks=True)
        self._promise: Promise | None = None

    @property
    def promise(self) -> Promise:
        """What the scene may end as. Made by one run of it without a fault."""
        if self._promise is None:
            scene = self.scene
            made = promise(self.machine(), scene.work, scene.apart, scene.secrets)
            self._promise = evolve(made, passing=scene.passing)
        return self._promise

    def machine(self) -> MachineSim:
        """The machine as it begins. Its stamps no longer fit, as after a restore."""
        shutil.rmtree(self.place)
        shutil.copytree(self._start, self.place, symlinks=True)
        machine = MachineSim(self.place, self.scene.bundle)
        machine.world.moved()
        machine.forge = self.forge
        return machine

    def points(self, work: Act | None = None) -> list[Point]:
        """Every line that the work reaches."""
        machine = self.machine()
        return reached(lambda: (work or self.scene.work)(machine))

    def kill(self, point: Point) -> MachineSim:
        """The machine after the work was killed there."""
        return self.signal(SIGKILL, point)[0]

    def signal(self, number: int, point: Point) -> tuple[MachineSim, Told]:
        """The machine after the work got the signal there, and what it told if it could."""
        machine = self.machine()
        status, answer = signalled(number, point, lambda: told(lambda: self.scene.work(machine)))
        # A line that only some runs reach (a download that waits for another) may be passed: then it was just done.
        assert status in (-9, 0), f"the work ended with {status} at {point}"
        return machine, answer if status == 0 else Told()

    def wrong(self, machine: MachineSim, what: Told = Told(), promised: Promise | None = None) -> list[str]:  # noqa: B008 - it is frozen
        """The broken promises of a machine that met a fault; it is recovered twice."""
        return held(machine, promised or self.promise, what)
