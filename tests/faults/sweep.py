"""One machine that is put back as it was before each fault, and what is wrong with it afterwards."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Iterable, Iterator
from pathlib import Path

from attrs import evolve, frozen

from tests.faults.lines import Point, reached, signalled
from tests.faults.oracle import Act, Promise, Told, held, promise
from tests.faults.scenes import SCENES, Scene, played
from tests.faults.score import Score
from tests.sim.machine import MachineSim


@frozen
class Met:
    """A machine that met a fault: what was told, nothing if the work died, and whether the fault came at all."""

    machine: MachineSim
    told: Told
    struck: bool


class Copies:
    """`scene.ready` makes the machine that each fault begins with, `scene.work` is what it strikes."""

    def __init__(self, folder: Path, scene: Scene = SCENES["upgrade"]) -> None:
        self._start, self.place = folder / "start", folder / "work"
        self.scene = scene
        self.place.mkdir(exist_ok=True)
        machine = MachineSim(self.place, scene.bundle)
        scene.ready(machine)
        self.forge = machine.forge
        shutil.copytree(self.place, self._start, symlinks=True)

    def machine(self) -> MachineSim:
        """The machine as it begins."""
        return self.restored(self._start)

    def keep(self, name: str) -> Path:
        """Remember the machine as it stands, to be restored as often as one likes."""
        kept = self._start.with_name(name)
        shutil.copytree(self.place, kept, symlinks=True)
        return kept

    def restored(self, kept: Path) -> MachineSim:
        """The machine as it was kept."""
        shutil.rmtree(self.place)
        shutil.copytree(kept, self.place, symlinks=True)
        return self.opened()

    def opened(self) -> MachineSim:
        """The machine whose files were just put there. Its stamps no longer fit, as after a restore."""
        machine = MachineSim(self.place, self.scene.bundle)
        machine.world.moved()
        machine.forge = self.forge
        return machine

    def points(self, work: Act | None = None) -> list[Point]:
        """Every line that the work reaches."""
        machine = self.machine()
        return reached(lambda: (work or self.scene.work)(machine))

    def signal(self, number: int, point: Point) -> Met:
        """The machine after the work got the signal there."""
        machine = self.machine()
        struck, answer = signalled(number, point, lambda: played(self.scene, machine))
        return Met(machine, answer or Told(), struck)

    def kill(self, point: Point) -> MachineSim:
        """The machine after the work was killed there; it must be a line that every run reaches."""
        met = self.signal(signal.SIGKILL, point)
        assert met.struck, f"the work does not reach {point}"
        return met.machine

    def killed(self, points: Iterable[Point], score: Score) -> Iterator[tuple[Point, MachineSim]]:
        """The machine after each kill; of a line that was not reached this time, the score is told."""
        for point in points:
            met = self.signal(signal.SIGKILL, point)
            if met.struck:
                yield point, met.machine
            else:
                score.point(point, [], struck=False)


class Sweep(Copies):
    """`promise` is what the scene may end as. It is made before anything else, by one run without a fault: a machine
    that met one lies in the same place.
    """

    def __init__(self, folder: Path, scene: Scene = SCENES["upgrade"]) -> None:
        super().__init__(folder, scene)
        made = promise(self.machine(), scene.work, scene.apart, scene.secrets, scene.code)
        self.promise: Promise = evolve(made, passing=scene.passing)

    def wrong(
        self,
        machine: MachineSim,
        what: Told = Told(),  # noqa: B008 - it is frozen
        promised: Promise | None = None,
        again: bool = False,
    ) -> list[str]:
        """The broken promises of a machine that met a fault; it is recovered twice. `again`: where it is not done yet,
        the work is done once more."""
        return held(machine, promised or self.promise, what, self.scene.work if again else None)
