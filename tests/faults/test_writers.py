"""F9: four writers at once, one in three killed: nothing is torn, and the lock is always let go of."""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from attrs import define, field

from cockpitpm.app import jobs
from cockpitpm.app.clockwork import tick
from cockpitpm.app.recover import recover
from cockpitpm.model.job import Order
from cockpitpm.model.plan import Request
from cockpitpm.model.receipt import Verb
from cockpitpm.record.lock import holder
from tests.faults.oracle import Told, broken, done_again, told
from tests.faults.scenes import Scene, behind
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
    settings.parent.mkdir(parents=True, exist_ok=True)
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


@define
class Tally:
    """How writers ended, by their name and exit code, and how many were killed while they held the machine."""

    ends: Counter[tuple[str, int]] = field(factory=Counter)
    held: int = 0


def killed(machine: MachineSim, pid: int) -> bool:
    """Kill a writer. Gives whether it held the machine then: it stands still first, so that one can look."""
    os.kill(pid, signal.SIGSTOP)
    os.waitid(os.P_PID, pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
    now = holder(machine.host().layout.lock)
    os.kill(pid, signal.SIGKILL)
    return now is not None and now.pid == pid


def round_of(machine: MachineSim, chance: random.Random, tally: Tally) -> tuple[list[str], Told]:
    """All of them at once, one in three killed at some moment. Gives what must not have been told, and what whoever
    upgrades by hand was told."""
    order = list(WRITERS)
    chance.shuffle(order)
    pids = {started(machine, work): work.__name__ for work in order}
    for pid in pids:
        if chance.random() < 1 / 3:
            time.sleep(chance.uniform(0, 0.08))
            tally.held += killed(machine, pid)
    ends = {name: os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid, name in pids.items()}
    tally.ends.update(ends.items())
    wrong = [f"I5: {name} ended with {code}" for name, code in ends.items() if code not in (0, 10, 21, 23, -9)]
    return wrong, Told(code=0 if ends["by_hand"] == 0 else None)


@pytest.mark.parametrize("rounds", [15, pytest.param(500, marks=pytest.mark.slow)])
def test_four_at_once(folder: Path, rounds: int) -> None:
    scene = Scene(name="writers", ready=ready, work=by_hand)
    sweep = Sweep(folder, scene)
    chance, tally = random.Random(9), Tally()
    with Score("F9", "rounds of four writers, one in three killed") as score:
        for number in range(rounds):
            machine = sweep.machine()
            wrong, what = round_of(machine, chance, tally)
            # Before recovery, another one than whoever was told of success may be the one that died half-way.
            wrong += [f"before recovery, {one}" for one in broken(machine, sweep.promise, meanwhile=True)]
            recover(machine.host())
            wrong += sweep.wrong(machine, what)
            score.point(f"round {number}", wrong or done_again(machine, sweep.promise, by_hand))
    print(f"{tally.held} killed while they held the machine; {sorted(tally.ends.items())}")
    score.hold(at_least=rounds)
    assert tally.held >= max(1, rounds // 50), f"{tally.held} kills came while somebody held the machine"
    assert sum(many for (_, code), many in tally.ends.items() if code == -9) > rounds // 10, tally.ends
    assert all(tally.ends[work.__name__, 0] for work in WRITERS), f"somebody never came to an end: {tally.ends}"
    assert tally.ends["by_hand", 23] + tally.ends["by_another", 23], f"nobody was ever locked out: {tally.ends}"
