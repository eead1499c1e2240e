"""SIGKILL at every line of `act` and `record` that an upgrade reaches: recovery ends old or new, and whole."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cockpitpm.app.recover import recover
from cockpitpm.errors import LockedError
from cockpitpm.model.receipt import Verb
from cockpitpm.record.journal import Journal
from tests.faults.lines import Point, Tracer, in_child, killed_at, reached
from tests.faults.oracle import picture, violations
from tests.sim.machine import MachineSim

MEMORY = Path("/dev/shm")
PARTS = 4


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder in memory where there is one: a sweep writes and syncs thousands of files."""
    place = MEMORY if os.access(MEMORY, os.W_OK) else None
    made = Path(tempfile.mkdtemp(prefix="cp", dir=place))
    yield made
    shutil.rmtree(made)


class Sweep:
    """One machine that is put back as it was before each point."""

    def __init__(self, folder: Path) -> None:
        self._start, self._work = folder / "start", folder / "work"
        self._work.mkdir()
        machine = MachineSim(self._work)
        machine.publish("1")
        machine.run(Verb.INSTALL, "duo")
        machine.publish("2")
        self.forge = machine.forge
        shutil.copytree(self._work, self._start, symlinks=True)

    def machine(self) -> MachineSim:
        """The machine with version 1 running and version 2 published. Its stamps no longer fit, as after a restore."""
        shutil.rmtree(self._work)
        shutil.copytree(self._start, self._work, symlinks=True)
        machine = MachineSim(self._work)
        machine.world.moved()
        machine.forge = self.forge
        return machine

    def points(self) -> list[Point]:
        """Every line that the upgrade reaches."""
        machine = self.machine()
        return reached(lambda: machine.run(Verb.UPGRADE, "duo"))

    def kill(self, point: Point) -> MachineSim:
        """The machine after an upgrade that was killed there."""
        machine = self.machine()
        status = killed_at(point, lambda: machine.run(Verb.UPGRADE, "duo"))
        # A line that only some runs reach (a download that waits for another) may be passed: then it just upgraded.
        assert status in (-9, 0), f"the upgrade failed by itself at {point}"
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


@pytest.mark.parametrize("part", range(PARTS))
def test_killed_at_every_line(folder: Path, part: int) -> None:
    sweep = Sweep(folder)
    points = sweep.points()[part::PARTS]
    found = [(point, wrong) for point in points if (wrong := recovered_wrong(sweep.kill(point)))]
    print(f"\nSIGKILL at lines, part {part + 1} of {PARTS}: {len(points)} points, {len(found)} violations")
    assert not found, "\n".join(f"{Path(f).name}:{n} #{c}: {w}" for (f, n, c), w in found[:20])
    assert len(points) > 100, "the sweep reached next to nothing"


def test_killed_again_while_recovering(folder: Path) -> None:
    sweep = Sweep(folder)
    first = [p for p in sweep.points() if p[0].endswith(("transaction.py", "swap.py"))]
    found = []
    for number, point in enumerate(first):
        machine = sweep.kill(point)
        again = reached_by_recovery(machine)
        if again:
            machine = sweep.kill(point)
            host = machine.host()
            killed_at(again[number * 7 % len(again)], lambda host=host: recover(host))
            found += [(point, wrong) for wrong in recovered_wrong(machine)]
    assert not found, found[:10]


def reached_by_recovery(machine: MachineSim) -> list[Point]:
    """The lines of a recovery, which is done for it."""
    host = machine.host()
    return reached(lambda: recover(host))


class TestMutants:
    """Builds of ours with one safeguard taken out: if the sweep does not see them, it is worth nothing."""

    def test_no_recovery(self, folder: Path) -> None:
        sweep = Sweep(folder)
        assert any(broken(sweep.kill(point)) for point in sweep.points()[::10])

    def test_flip_before_intent(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        sweep = Sweep(folder)
        points = sweep.points()
        begin, write = Journal.begin, Journal.write
        late: list[tuple[Any, ...]] = []

        def no_begin(folder: Path, transaction: str, intent: dict[str, Any], room: int = 0) -> Journal:
            late.append((folder, transaction, intent))
            return Journal(folder / f"{transaction}.journal", [{"phase": "intent", **intent}], 0)

        def late_write(self: Journal, phase: str, **facts: Any) -> None:
            self.records.append({"phase": phase, **facts})
            if phase == "flipped":
                fresh = begin(*late.pop())
                self._end = fresh._end
                for record in self.records[1:-1]:
                    write(fresh, record["phase"], **{k: v for k, v in record.items() if k != "phase"})
                self._end = fresh._end
                self.records.pop()
                write(self, phase, **facts)
            elif not late:
                self.records.pop()
                write(self, phase, **facts)

        monkeypatch.setattr(Journal, "begin", staticmethod(no_begin))
        monkeypatch.setattr(Journal, "write", late_write)
        near = [p for p in points if p[0].endswith(("swap.py", "generations.py", "durable.py"))]
        assert any(recovered_wrong(sweep.kill(point)) for point in near)

    def test_no_lock(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """One upgrade stands still in its middle while another one runs; without a lock they meet."""
        assert self._meeting(Sweep(folder)) == []
        monkeypatch.setattr("fcntl.flock", lambda *_: None)
        (folder / "again").mkdir()
        assert self._meeting(Sweep(folder / "again"))

    def _meeting(self, sweep: Sweep) -> list[str]:
        """What is wrong after the second one tried and the first one went on."""
        middle = next(p for p in sweep.points() if p[0].endswith("swap.py"))
        machine = sweep.machine()

        def second() -> None:
            sys.settrace(None)
            with contextlib.suppress(LockedError):
                machine.run(Verb.UPGRADE, "duo")

        tracer = Tracer(middle, second)
        in_child(lambda: tracer.run(lambda: machine.run(Verb.UPGRADE, "duo")))
        return broken(machine)
