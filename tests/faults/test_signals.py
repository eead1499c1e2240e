"""F2: SIGKILL, SIGTERM and SIGINT at the lines of `act` and `record` that each verb reaches, first and last time."""

from __future__ import annotations

import signal
from functools import partial
from pathlib import Path

import pytest

from cockpitpm.app.recover import recover
from tests.faults.lines import Point, killed_at, reached
from tests.faults.oracle import done_again
from tests.faults.scenes import SCENES
from tests.faults.score import Score
from tests.faults.sweep import Sweep
from tests.sim.machine import MachineSim

SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
QUICK = {signal.SIGKILL: 8, signal.SIGTERM: 4, signal.SIGINT: 3}
"""Points of each verb in the quick form."""
EVERY = {signal.SIGKILL: 2, signal.SIGTERM: 8, signal.SIGINT: 8}
"""In the full form: every second line that is reached, of an upgrade every single one."""


def named(point: Point) -> str:
    file, line, count = point
    return f"{Path(file).name}:{line} #{count}"


def sweep_with(sweep: Sweep, number: signal.Signals, points: list[Point], score: Score) -> set[int | None]:
    """Signal the work at each point. Gives how it ended: the exit codes, None where it died."""
    ends = set()
    for position, point in enumerate(points):
        machine, told = sweep.signal(number, point)
        wrong = sweep.wrong(machine, told)
        if number is not signal.SIGKILL and told.code not in (0, 10, 130):
            wrong.append(f"it ended with {told.code}: {told.text[-300:]}")
        if not wrong and position % 4 == 0:
            wrong = done_again(machine, sweep.promise, sweep.scene.work)
        score.point(f"{named(point)} ended {told.code}", wrong)
        ends.add(told.code)
    return ends


@pytest.mark.parametrize("name", SCENES)
def test_some_lines_of_every_verb(folder: Path, name: str) -> None:
    sweep = Sweep(folder, SCENES[name])
    points = sweep.points()
    with Score("F2", f"{name}: three signals, some lines") as score:
        for shift, number in enumerate(SIGNALS):
            chosen = points[shift * 7 :: max(1, len(points) // QUICK[number])]
            sweep_with(sweep, number, chosen, score)
    score.hold(at_least=sum(QUICK.values()))


@pytest.mark.parametrize(
    ("name", "number", "file"),
    [("adopt", signal.SIGTERM, "act/swap.py"), ("remove", signal.SIGKILL, "act/conclude.py")],
    ids=lambda value: str(value).partition("/")[2] or str(value),
)
def test_lines_that_once_lost_something(folder: Path, name: str, number: signal.Signals, file: str) -> None:
    """An adoption that goes back gives the bytes back; a removal is finished though its own records are gone."""
    sweep = Sweep(folder, SCENES[name])
    with Score("F2", f"{name}: {number.name} at lines of {file}") as score:
        sweep_with(sweep, number, [p for p in sweep.points() if p[0].endswith(file)][::3], score)
    score.hold(at_least=10)


@pytest.mark.slow
@pytest.mark.parametrize("number", SIGNALS, ids=lambda n: n.name)
@pytest.mark.parametrize("name", SCENES)
def test_lines_of_every_verb(folder: Path, name: str, number: signal.Signals) -> None:
    sweep = Sweep(folder, SCENES[name])
    step = 1 if (name, number) == ("upgrade", signal.SIGKILL) else EVERY[number]
    points = sweep.points()[SIGNALS.index(number) :: step]
    with Score("F2", f"{name}: {number.name} at lines") as score:
        ends = sweep_with(sweep, number, points, score)
    score.hold(at_least=60)
    # Signals that can be refused went back somewhere and came too late elsewhere; a kill tells nothing, ever.
    assert ends >= ({None} if number is signal.SIGKILL else {130}), ends


@pytest.mark.parametrize("part", [0, *(pytest.param(n, marks=pytest.mark.slow) for n in range(1, 8))])
def test_killed_again_while_recovering(folder: Path, part: int) -> None:
    """A kill in the middle, then one in the middle of the recovery from it."""
    sweep = Sweep(folder, SCENES["upgrade"])
    first = [p for p in sweep.points() if p[0].endswith(("transaction.py", "swap.py"))]
    with Score("F2", f"SIGKILL during recovery, part {part + 1} of 8") as score:
        for number, point in list(enumerate(first))[part::8]:
            again = reached_by_recovery(sweep.kill(point))
            if again:
                machine = sweep.kill(point)
                second = again[number * 7 % len(again)]
                killed_at(second, partial(recover, machine.host()))
                score.point(f"{named(point)}, then {named(second)}", sweep.wrong(machine))
    score.hold(at_least=5)


def reached_by_recovery(machine: MachineSim) -> list[Point]:
    """The lines of a recovery, which is done for it."""
    host = machine.host()
    return reached(lambda: recover(host))
