"""F9: four writers at once, one in three killed: nothing is torn, and the lock is always let go of."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from cockpitpm.app import jobs
from cockpitpm.app.clockwork import tick
from cockpitpm.app.recover import recover
from cockpitpm.model.job import Order
from cockpitpm.model.plan import Request
from cockpitpm.model.receipt import Verb
from tests.faults.oracle import done_again
from tests.faults.scenes import Scene, behind, told
from tests.faults.score import Score
from tests.faults.sweep import Sweep
from tests.sim.machine import MachineSim
from tests.unit.app.test_clockwork import ALL, SATURDAY, Clocked

ANY_TIME = ALL.replace('"Sat 02:00..04:00"', '"Sat 00:00..23:59"').replace("jitter: 10m", "jitter: 0m")


def by_hand(machine: MachineSim) -> object:
    return machine.run(Verb.UPGRADE, "duo")


def by_a_job(machine: MachineSim) -> object:
    """As the process of a job that a server was asked for."""
    clocked = Clocked.around(machine)
    order = Order(request=Request(verb=Verb.UPGRADE, names=("duo",), actor="page"), apps=("duo",))
    return jobs.submit(clocked.host, order, clocked.carry_out)


def by_the_clock(machine: MachineSim) -> object:
    """Two ticks: what is due is ordered, and the job carried out at once."""
    clocked = Clocked.around(machine)
    return tick(clocked.engine), tick(clocked.engine)


def by_another(machine: MachineSim) -> object:
    return machine.run(Verb.CONVERGE, "duo"), recover(machine.host())


WRITERS = (by_hand, by_a_job, by_the_clock, by_another)


def ready(machine: MachineSim) -> None:
    behind(machine)
    settings = machine.root / "cfg/cockpitpm/machine.yaml"
    settings.parent.mkdir(parents=True)
    settings.write_text(ANY_TIME)
    with machine.world.changing() as state:
        state["time"] += (SATURDAY - machine.world.now()).total_seconds() + 1300


def started(machine: MachineSim, work: Callable[[MachineSim], object]) -> int:
    """A process that does it. Its exit code is that of the command line."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            code = told(lambda: work(machine)).code or 0
        finally:
            os._exit(code)
    return pid


def round_of(machine: MachineSim, chance: random.Random) -> list[str]:
    """All of them at once, one in three killed at some moment. Gives what must not have been told."""
    order = list(WRITERS)
    chance.shuffle(order)
    pids = {started(machine, work): work.__name__ for work in order}
    for pid in pids:
        if chance.random() < 1 / 3:
            time.sleep(chance.uniform(0, 0.08))
            os.kill(pid, signal.SIGKILL)
    ends = {name: os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid, name in pids.items()}
    return [f"{name} ended with {code}" for name, code in ends.items() if code not in (0, 10, 21, 23, -9)]


@pytest.mark.parametrize("rounds", [20, pytest.param(500, marks=pytest.mark.slow)])
def test_four_at_once(folder: Path, rounds: int) -> None:
    scene = Scene(name="writers", ready=ready, work=by_hand)
    sweep = Sweep(folder, scene)
    assert sweep.promise
    chance = random.Random(9)
    with Score("F9", "rounds of four writers, one in three killed") as score:
        for number in range(rounds):
            machine = sweep.machine()
            wrong = round_of(machine, chance) + sweep.wrong(machine)
            score.point(f"round {number}", wrong or done_again(machine, sweep.promise, by_hand))
    score.hold(at_least=rounds)
