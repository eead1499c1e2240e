"""SIGKILL at every line of `act` and `record` that an upgrade reaches: recovery ends old or new, and whole."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import Any

import pytest

from cockpitpm.app.recover import recover
from cockpitpm.errors import LockedError
from cockpitpm.model.receipt import Verb
from cockpitpm.record.journal import Journal
from tests.faults.lines import Point, Tracer, in_child, killed_at, reached
from tests.faults.sweep import Sweep, broken, recovered_wrong
from tests.sim.machine import MachineSim

PARTS = 4


# Every second line in a quick run, the others by `make faults`.
@pytest.mark.parametrize(
    "part", [0, pytest.param(1, marks=pytest.mark.slow), 2, pytest.param(3, marks=pytest.mark.slow)]
)
def test_killed_at_every_line(folder: Path, part: int) -> None:
    sweep = Sweep(folder)
    points = sweep.points()[part::PARTS]
    found = [(point, wrong) for point in points if (wrong := recovered_wrong(sweep.kill(point)))]
    print(f"\nSIGKILL at lines, part {part + 1} of {PARTS}: {len(points)} points, {len(found)} violations")
    assert not found, "\n".join(f"{Path(f).name}:{n} #{c}: {w}" for (f, n, c), w in found[:20])
    assert len(points) > 100, "the sweep reached next to nothing"


@pytest.mark.parametrize("part", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_killed_again_while_recovering(folder: Path, part: int) -> None:
    sweep = Sweep(folder)
    first = [p for p in sweep.points() if p[0].endswith(("transaction.py", "swap.py"))]
    found = []
    for number, point in list(enumerate(first))[part::2]:
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
