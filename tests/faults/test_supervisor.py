"""F15: fourteen ways in which a supervisor misbehaves, beginning at each step that the journal of an upgrade takes."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from cockpitpm.app.change import change
from cockpitpm.app.host import Host
from cockpitpm.errors import SupervisorError
from cockpitpm.model.plan import Request
from cockpitpm.model.process import ProcessId
from cockpitpm.model.receipt import Verb
from cockpitpm.model.service import Definition, ServiceState, ServiceStatus
from cockpitpm.record import journal
from tests.faults.scenes import SCENES, Scene, told
from tests.faults.score import Score
from tests.faults.sweep import Sweep
from tests.sim.machine import DUO, MachineSim
from tests.sim.ports import SupervisorSim
from tests.sim.world import begin, end

SLOW = 30.0
CHANGES = ("start", "stop", "cycle", "define", "forget")


class Rogue(SupervisorSim):
    """Behaves until the journal has so many records, then misbehaves in one way, once or for as long as it runs."""

    def __init__(self, machine: MachineSim, mode: str, step: int, once: bool) -> None:
        super().__init__(machine.world)
        self._machine, self.mode, self._step, self._once = machine, mode, step, once
        self.struck = 0

    def _now(self) -> bool:
        if self._once and self.struck:
            return False
        layout = self._machine.host().layout
        return any(p.read_bytes().count(b"\n") >= self._step for p in journal.unfinished(layout.journal))

    def _hit(self, *modes: str) -> bool:
        if self.mode in modes and self._now():
            self.struck += 1
            return True
        return False

    def _pass(self, seconds: float) -> None:
        with self._world.changing() as state:
            state["time"] += seconds

    def _refused(self) -> None:
        if self._hit("absent"):
            raise SupervisorError("The supervisor is not there", "Start it")
        if self._hit("socket refused"):
            raise SupervisorError("The supervisor refuses the connection", "Start it")
        if self._hit("garbage"):
            raise SupervisorError("The supervisor answered something that is not an answer", "Look at its log")
        if self._hit("slow"):
            self._pass(SLOW)

    def _answered(self) -> None:
        """The work was done, and nobody hears of it."""
        if self._hit("reply cut"):
            raise SupervisorError("The answer of the supervisor ended early", "Run the command again")

    def ensure_running(self) -> None:
        self._refused()
        super().ensure_running()

    def status(self, service: str) -> ServiceStatus:
        found = super().status(service)
        if self.mode == "says running when dead" and self.struck and found.pid is None and found.raw == "failed":
            return evolve(found, state=ServiceState.RUNNING, raw="running")
        if found.pid and self._hit("wrong PID"):
            return evolve(found, pid=found.pid + 1000)
        return found

    def start(self, service: str) -> None:
        self._starting(service, lambda: super(Rogue, self).start(service))

    def cycle(self, service: str, only_if: ProcessId | None) -> None:
        if self._hit("stop hangs"):
            self._pass(SLOW)
            raise SupervisorError(f"{service} does not end", "Look at it")
        if self._hit("start half lost"):
            self._world.fault("lose-start")
        self._starting(service, lambda: super(Rogue, self).cycle(service, only_if))

    def stop(self, service: str) -> None:
        if self._hit("stop hangs"):
            self._pass(SLOW)
            raise SupervisorError(f"{service} does not end", "Look at it")
        self._refused()
        super().stop(service)
        self._answered()

    def define(self, definition: Definition) -> None:
        self._refused()
        super().define(definition)
        self._answered()

    def forget(self, service: str) -> None:
        self._refused()
        super().forget(service)
        self._answered()

    def _starting(self, service: str, work: Callable[[], None]) -> None:
        self._refused()
        if self._hit("start hangs"):
            self._pass(SLOW)
            raise SupervisorError(f"{service} was not started within {SLOW:g} s", "Look at it")
        mine = service == "duo_second_server"
        failing = self._hit("start fails") or (mine and self._hit("one of three fails"))
        work()
        with self._world.changing() as state:
            entry = state["services"][service]
            if failing or self._hit("says running when dead"):
                end(state, entry, "failed")
            elif entry["pid"] and self._hit("dies after 2 s"):
                state["processes"][str(entry["pid"])] |= {"behaviour": "crashes", "started": state["time"] + 1.5}
            elif entry["pid"] and self._hit("double start"):
                begin(state, entry)
        if failing:
            raise SupervisorError(f"{service} could not be started", "Look at its log")
        self._answered()


MODES = (
    "start fails",
    "start hangs",
    "dies after 2 s",
    "says running when dead",
    "stop hangs",
    "start half lost",
    "garbage",
    "reply cut",
    "slow",
    "absent",
    "one of three fails",
    "double start",
    "wrong PID",
    "socket refused",
)


def misled(mode: str, step: int, once: bool, made: list[Rogue]) -> Callable[[MachineSim], Any]:
    """An upgrade under such a supervisor."""

    def work(machine: MachineSim) -> Any:
        host = machine.host()
        rogue = Rogue(machine, mode, step, once)
        made.append(rogue)
        host = Host(host.invocation, evolve(host.ports, supervisor=rogue))
        return change(host, Request(verb=Verb.UPGRADE, names=("duo",), actor="test"), lambda _: True)

    return work


def steps(sweep: Sweep) -> int:
    """How many records the journal of an undisturbed upgrade gets."""
    source, first = inspect.getsourcelines(journal.Journal.write)
    lines = range(first, first + len(source))
    found = [count for file, line, count in sweep.points() if file.endswith("record/journal.py") and line in lines]
    return 1 + max(found)


def points(sweep: Sweep, mode: str) -> Iterator[tuple[int, bool]]:
    return ((step, once) for step in range(1, steps(sweep) + 1) for once in (True, False))


def swept(folder: Path, mode: str, every: int) -> None:
    # Watched for three seconds, so that a service that dies after two is seen to.
    scene: Scene = evolve(SCENES["upgrade"], bundle=DUO)
    sweep = Sweep(folder, scene)
    promised = evolve(sweep.promise, starts=None)
    struck = 0
    with Score("F15", f"supervisor: {mode}") as score:
        for step, once in list(points(sweep, mode))[::every]:
            machine, made = sweep.machine(), list[Rogue]()
            work = misled(mode, step, once, made)
            what = told(lambda machine=machine, work=work: work(machine))
            struck += made[0].struck > 0
            with machine.world.changing() as state:
                state["faults"] = []
            wrong = sweep.wrong(machine, what, promised)
            wrong += [f"it was told as a bug: {what.text[-300:]}"] if what.code == 1 else []
            score.point(f"{mode} from step {step} {'once' if once else 'on'}, told {what.code}", wrong)
    score.hold(at_least=2)
    assert struck, "it never misbehaved"


@pytest.mark.parametrize("mode", MODES)
def test_at_some_steps(folder: Path, mode: str) -> None:
    swept(folder, mode, 5)


@pytest.mark.slow
@pytest.mark.parametrize("mode", MODES)
def test_at_every_step(folder: Path, mode: str) -> None:
    swept(folder, mode, 1)
