"""F2: a tick of the clock killed at lines that write: whatever it left, the next ones go on from there."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from cockpitpm.app.clockwork import tick
from cockpitpm.app.recover import recover
from cockpitpm.model.job import JobState
from cockpitpm.model.receipt import Verb
from cockpitpm.record import schedule as record
from tests.faults.oracle import age
from tests.faults.residue import rotten, strays
from tests.faults.scenes import Scene
from tests.faults.score import Score
from tests.faults.sweep import Copies
from tests.sim.machine import DUO, MachineSim
from tests.unit.app.test_clockwork import ALL, HOUR, SATURDAY, Clocked, in_window


def waiting_machine(machine: MachineSim) -> None:
    """Version 2 is published, the window is open."""
    machine.publish("1")
    machine.run(Verb.INSTALL, "duo")
    machine.publish("2")
    settings = machine.root / "cfg/cockpitpm/machine.yaml"
    settings.parent.mkdir(parents=True)
    settings.write_text(ALL)
    Clocked.around(machine).at(SATURDAY + timedelta(minutes=20))


def ticked(machine: MachineSim) -> None:
    """What is killed: one tick that orders, and one that fetches ahead."""
    clocked = Clocked.around(machine)
    clocked.late = True
    clocked.settings.write_text(ALL.replace("restart: on", "restart: off"))
    tick(clocked.engine)
    clocked.settings.write_text(ALL)
    tick(clocked.engine)


@pytest.mark.parametrize("step", [24, pytest.param(6, marks=pytest.mark.slow)])
def test_a_tick_that_is_killed_anywhere(folder: Path, step: int) -> None:
    """Whatever a killed tick left, it goes on: one upgrade, in a window, and nothing left behind.

    A job whose process never came has used up its window; the next one does it.
    """
    sweep = Copies(folder, Scene(name="clock", ready=waiting_machine, work=ticked, bundle=DUO))
    rooms = ("record/schedule.py", "act/ahead.py", "record/jobs.py", "record/store.py")
    points = [point for point in sweep.points() if point[0].endswith(rooms)]
    assert len(points) > 60
    at_once = 0
    with Score("F2", "SIGKILL at lines of a tick") as score:
        for point, machine in sweep.killed(points[::step], score):
            clocked = Clocked.around(machine)
            clocked.settings.write_text(ALL)
            clocked.live(300)
            at_once += clocked.version == "2"
            score.point(point, gone_on(clocked))
    score.hold(at_least=60 // step)
    assert at_once > 60 // step


def gone_on(clocked: Clocked) -> list[str]:
    """What is wrong once the next windows have come and gone."""
    wrong = []
    if clocked.version == "1":
        lost = [job.started_at or "" for job in clocked.jobs]
        wrong += [] if lost == [""] else [f"I5: one job that never began was to be lost, these were: {lost}"]
        clocked.at(SATURDAY + timedelta(days=7, minutes=20))
        clocked.live(60)
    done = [job for job in clocked.jobs if job.state is JobState.DONE]
    if clocked.version != "2" or len(done) != 1:
        wrong.append(f"I5: {len(done)} jobs were done, {clocked.version} runs")
    wrong += [f"I5: an upgrade began at {at}" for at in clocked.started if not in_window(at)]
    clocked.quick(3 * HOUR)
    age(clocked.machine)
    recover(clocked.host)
    layout = clocked.host.layout
    wrong += [f"I7: {app} still has bytes ahead" for app in record.apps_ahead(layout)]
    wrong += [*strays(clocked.machine, keep=3)]
    wrong += [f"I3: {name} of the store holds other bytes" for name in rotten(clocked.machine)]
    return wrong
