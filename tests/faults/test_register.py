"""SIGKILL while a service is registered with another value: what is kept and what the supervisor has end as one."""

from __future__ import annotations

from pathlib import Path

import pytest

from cockpitpm.model.receipt import Verb
from cockpitpm.record import journal, state
from tests.faults.scenes import SCENES, VAR
from tests.faults.sweep import Sweep
from tests.sim.machine import MachineSim

OFFER = ("act/remember.py", "act/stage.py")
AFTER = ("act/transaction.py", "act/conclude.py", "record/state.py")


def kept(machine: MachineSim) -> str:
    return state.read(machine.host().layout, "duo").exported["duo_server"][VAR]


def told(machine: MachineSim) -> str:
    definition = machine.host().supervisor.definition("duo_server")
    assert definition
    return dict(definition.env)[VAR]


@pytest.mark.parametrize("step", [5, pytest.param(1, marks=pytest.mark.slow)])
def test_killed_while_registering(folder: Path, step: int) -> None:
    sweep = Sweep(folder, SCENES["register"])
    every = sweep.points()
    # Each line around the moment at which the value is offered, and some of what follows.
    points = [p for p in every if p[0].endswith(OFFER)] + [p for p in every if p[0].endswith(AFTER)][::5]
    points = points[::step]
    found, ends = [], set()
    for point in points:
        machine = sweep.kill(point)
        wrong = []
        if kept(machine) != told(machine) and not machine.status().unfinished:
            wrong.append("status does not tell that it is unfinished")
        for path in journal.unfinished(machine.host().layout.journal):
            wrong += ["the journal holds a value"] if b'"new"' in path.read_bytes() else []
        wrong += sweep.wrong(machine)
        if kept(machine) != told(machine) or state.read(machine.host().layout, "duo").offered:
            wrong.append(f"kept {kept(machine)}, told {told(machine)}")
        if machine.plan(Verb.CONVERGE, "duo").apps[0].acts:
            wrong.append("there is still something to converge")
        ends.add(told(machine))
        found += [(point, wrong)] if wrong else []
    assert not found, "\n".join(f"{Path(f).name}:{n} #{c}: {w}" for (f, n, c), w in found[:20])
    assert ends == {"old", "new"} and len(points) > 20 // step
