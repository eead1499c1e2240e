"""F2: SIGKILL in the middle of any write that no transaction finishes: whoever recovers an hour later cleans it away.

Servers write jobs, plans and schedules without the machine's lock, so what is young there may belong to somebody alive.
"""

from __future__ import annotations

import inspect
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from cockpitpm.app import plans
from cockpitpm.app.recover import recover
from cockpitpm.app.secrets import set_
from cockpitpm.model.plan import Request
from cockpitpm.model.receipt import Verb
from cockpitpm.record.durable import replace_file
from cockpitpm.record.store import Incoming
from tests.faults.lines import Point
from tests.faults.oracle import age
from tests.faults.residue import leaks, strays, temporary
from tests.faults.scenes import SWIFT, TOKEN, Scene, behind
from tests.faults.score import Score
from tests.faults.sweep import Copies
from tests.faults.test_clock import ticked, waiting_machine
from tests.faults.test_writers import by_a_job
from tests.sim.machine import DUO, MachineSim

ROTATED = "canary-of-after"


def shown(machine: MachineSim) -> object:
    return plans.show(machine.host(), Request(verb=Verb.UPGRADE, names=("duo",), actor="page"))


def rotated(machine: MachineSim) -> object:
    return set_(machine.host(), "duo", TOKEN, ROTATED)


Act = Callable[[MachineSim], object]
WRITERS: dict[str, tuple[Act, Act, str]] = {
    "a job": (behind, by_a_job, SWIFT),
    "a plan": (behind, shown, SWIFT),
    "a secret": (behind, rotated, SWIFT),
    "a tick": (waiting_machine, ticked, DUO),
}


def half_way(copies: Copies) -> list[Point]:
    """The lines between the making of a file and its name."""
    found: list[Point] = []
    for write in (replace_file, Incoming.write):
        source, first = inspect.getsourcelines(write)
        mine, lines = inspect.getsourcefile(write), range(first, first + len(source))
        found += [p for p in copies.points() if p[0] == mine and p[1] in lines]
    return found


@pytest.mark.parametrize("most", [4, pytest.param(100, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", WRITERS)
def test_nothing_that_was_half_written_stays(folder: Path, name: str, most: int) -> None:
    ready, work, bundle = WRITERS[name]
    copies = Copies(folder, Scene(name=name, ready=ready, work=work, bundle=bundle))
    points = half_way(copies)
    halves = 0
    with Score("F2", f"SIGKILL while {name} is written") as score:
        for point in points[:: max(1, len(points) // most)]:
            met = copies.signal(signal.SIGKILL, point)
            machine, left = met.machine, temporary(met.machine)
            halves += len(left)
            recover(machine.host())
            young = [path for path in left if path.is_relative_to(machine.host().layout.jobs)]
            wrong = [f"I7: {path} was taken from under its writer" for path in young if not path.exists()]
            wrong += [f"I10: a secret is in {path}" for path in leaks(machine, (ROTATED,))]
            age(machine)
            recover(machine.host())
            wrong += [*strays(machine, keep=3), *(f"I7: {path} is left" for path in temporary(machine))]
            score.point(point, wrong, met.struck)
    score.hold(at_least=min(most, 10))
    assert halves, "nothing was ever half written"
