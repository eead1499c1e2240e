"""A tick of the clock killed at lines that write: whatever it left, the next ones go on from there."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from cockpitpm.app.clockwork import tick
from cockpitpm.model.job import JobState
from cockpitpm.model.receipt import Verb
from cockpitpm.record import schedule as record
from tests.faults.scenes import Scene
from tests.faults.sweep import Sweep
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
def test_a_tick_that_is_killed_anywhere(root: Path, step: int) -> None:
    """Whatever a killed tick left, it goes on: one upgrade, in a window, and nothing left behind.

    A job whose process never came has used up its window; the next one does it.
    """
    sweep = Sweep(root, Scene(name="clock", ready=waiting_machine, work=ticked, bundle=DUO))
    rooms = ("record/schedule.py", "act/ahead.py", "record/jobs.py", "record/store.py")
    points = [point for point in sweep.points() if point[0].endswith(rooms)]
    assert len(points) > 60
    at_once = 0
    for point in points[::step]:
        clocked = Clocked.around(sweep.kill(point))
        clocked.settings.write_text(ALL)
        clocked.live(300)
        at_once += clocked.version == "2"
        if clocked.version == "1":
            (lost,) = clocked.jobs
            assert not lost.started_at, point
            clocked.at(SATURDAY + timedelta(days=7, minutes=20))
            clocked.live(60)
        done = [job for job in clocked.jobs if job.state is JobState.DONE]
        assert clocked.version == "2" and len(done) == 1, point
        assert all(in_window(at) for at in clocked.started)
        clocked.quick(3 * HOUR)
        assert record.apps_ahead(clocked.host.layout) == ()
        assert len([*clocked.host.layout.store.iterdir()]) == 4, point
    assert at_once > 60 // step
