"""F2: SIGKILL while a service is registered with another value: what is kept and what the supervisor has end as one."""

from __future__ import annotations

from pathlib import Path

import pytest

from cockpitpm.model.receipt import Verb
from cockpitpm.record import journal, state
from tests.faults.oracle import done_again
from tests.faults.scenes import SCENES, VAR
from tests.faults.score import Score
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


@pytest.mark.parametrize("step", [7, pytest.param(1, marks=pytest.mark.slow)])
def test_killed_while_registering(folder: Path, step: int) -> None:
    sweep = Sweep(folder, SCENES["register"])
    every = sweep.points()
    # Each line around the moment at which the value is offered, and some of what follows.
    points = [p for p in every if p[0].endswith(OFFER)] + [p for p in every if p[0].endswith(AFTER)][::5]
    ends = set()
    with Score("F2", "SIGKILL while a service is registered") as score:
        for number, (point, machine) in enumerate(sweep.killed(points[::step], score)):
            wrong = []
            if kept(machine) != told(machine) and not machine.status().unfinished:
                wrong.append("I5: status does not tell that it is unfinished")
            for path in journal.unfinished(machine.host().layout.journal):
                wrong += ["I10: the journal holds a value"] if b'"new"' in path.read_bytes() else []
            wrong += sweep.wrong(machine)
            if kept(machine) != told(machine) or state.read(machine.host().layout, "duo").offered:
                wrong.append(f"I5: kept {kept(machine)}, told {told(machine)}")
            if machine.plan(Verb.CONVERGE, "duo").apps[0].acts:
                wrong.append("I5: there is still something to converge")
            ends.add(told(machine))
            if not wrong and number % 4 == 0:
                wrong = done_again(machine, sweep.promise, sweep.scene.work)
            score.point(point, wrong)
    score.hold(at_least=20 // step)
    assert ends == {"old", "new"}
