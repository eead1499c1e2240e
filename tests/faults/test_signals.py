"""F2: SIGKILL, SIGTERM and SIGINT at the lines of `act` and `record` that each verb reaches, first and last time."""

from __future__ import annotations

import shutil
import signal
from functools import partial
from pathlib import Path

import pytest

from cockpitpm.app.recover import recover
from tests.faults.lines import Point, killed_at, reached
from tests.faults.scenes import SCENES
from tests.faults.score import Score
from tests.faults.sweep import Sweep
from tests.sim.machine import MachineSim

SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
QUICK = {signal.SIGKILL: 4, signal.SIGTERM: 2, signal.SIGINT: 2}
"""Points of each scene in the quick form."""
EVERY = {signal.SIGKILL: 8, signal.SIGTERM: 40, signal.SIGINT: 40}
"""In the full form: SIGKILL at every eighth line that is reached, of an upgrade at every single one."""
WHOLE = "upgrade"
PARTS = 12
"""Of the kills in a recovery; the quick form does one."""


def named(point: Point) -> str:
    file, line, count = point
    return f"{Path(file).name}:{line} #{count}"


def sweep_with(sweep: Sweep, number: signal.Signals, points: list[Point], score: Score) -> set[int | None]:
    """Signal the work at each point. Gives how it ended: the exit codes, None where it died."""
    ends = set()
    for position, point in enumerate(points):
        met = sweep.signal(number, point)
        wrong = sweep.wrong(met.machine, met.told, again=position % 3 == 0)
        if met.told.code not in (None, sweep.scene.code, 10, 130):
            wrong.append(f"it ended with {met.told.code}: {met.told.text[-300:]}")
        score.point(f"{named(point)} ended {met.told.code}", wrong, met.struck)
        ends |= {met.told.code} if met.struck else set()
    return ends


@pytest.mark.parametrize("name", SCENES)
def test_some_lines_of_every_verb(folder: Path, name: str) -> None:
    sweep = Sweep(folder, SCENES[name])
    points = sweep.points()
    with Score("F2", f"{name}: three signals, some lines") as score:
        for shift, number in enumerate(SIGNALS):
            chosen = points[shift * 7 :: max(1, len(points) // QUICK[number])]
            sweep_with(sweep, number, chosen, score)
    score.hold(at_least=sum(QUICK.values()) - 1)


@pytest.mark.parametrize(
    ("name", "number", "file"),
    [
        ("adopt", signal.SIGTERM, "act/swap.py"),
        ("remove", signal.SIGKILL, "act/conclude.py"),
        ("restart", signal.SIGKILL, "act/converge.py"),
    ],
    ids=lambda value: str(value).partition("/")[2] or str(value),
)
def test_lines_that_once_lost_something(folder: Path, name: str, number: signal.Signals, file: str) -> None:
    """An adoption that goes back gives the bytes back; a removal is finished though its own records are gone; a restart
    that is finished by somebody else restarts nobody twice."""
    sweep = Sweep(folder, SCENES[name])
    with Score("F2", f"{name}: {number.name} at lines of {file}") as score:
        points = [p for p in sweep.points() if p[0].endswith(file)]
        sweep_with(sweep, number, points[:: len(points) // 6], score)
    score.hold(at_least=6)


@pytest.mark.slow
@pytest.mark.parametrize("number", SIGNALS, ids=lambda n: n.name)
@pytest.mark.parametrize("name", SCENES)
def test_lines_of_every_verb(folder: Path, name: str, number: signal.Signals) -> None:
    sweep = Sweep(folder, SCENES[name])
    step = 1 if name == WHOLE and number is signal.SIGKILL else EVERY[number]
    points = sweep.points()[SIGNALS.index(number) :: step]
    with Score("F2", f"{name}: {number.name} at lines") as score:
        ends = sweep_with(sweep, number, points, score)
    score.hold(at_least=max(5, len(points) * 3 // 4))
    # Signals that can be refused went back somewhere and came too late elsewhere; a kill tells nothing, ever.
    assert ends >= ({None} if number is signal.SIGKILL else {130}), ends


@pytest.mark.parametrize("part", [0, *(pytest.param(n, marks=pytest.mark.slow) for n in range(1, PARTS))])
def test_killed_again_while_recovering(folder: Path, part: int) -> None:
    """A kill in the middle, then one in the middle of the recovery from it."""
    sweep = Sweep(folder, SCENES["upgrade"])
    first = [p for p in sweep.points() if p[0].endswith(("transaction.py", "swap.py"))]
    with Score("F2", f"SIGKILL during recovery, part {part + 1} of {PARTS}") as score:
        for number, (point, _) in enumerate(sweep.killed(first[part::PARTS], score)):
            killed = sweep.keep(f"killed{number}")
            again = reached_by_recovery(sweep.restored(killed))
            if again:
                machine = sweep.restored(killed)
                second = again[(number * PARTS + part) * 7 % len(again)]
                struck = killed_at(second, partial(recover, machine.host()))
                score.point(f"{named(point)}, then {named(second)}", sweep.wrong(machine), struck)
            shutil.rmtree(killed)
    score.hold(at_least=5)


def reached_by_recovery(machine: MachineSim) -> list[Point]:
    """The lines of a recovery, which is done for it."""
    host = machine.host()
    return reached(lambda: recover(host))
