"""F15: fourteen ways in which a supervisor misbehaves, beginning at each moment at which it is asked for something."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from cockpitpm.app.change import change
from cockpitpm.app.host import Host
from cockpitpm.app.register import register
from cockpitpm.errors import SupervisorError
from cockpitpm.model.plan import Request
from cockpitpm.model.process import ProcessId
from cockpitpm.model.receipt import Verb
from cockpitpm.model.service import Definition, ServiceState, ServiceStatus
from tests.faults.oracle import Promise, told
from tests.faults.scenes import SCENES, SOON, VAR, Scene, installed
from tests.faults.score import Score
from tests.faults.sweep import Sweep
from tests.sim.machine import Heard, MachineSim, builds
from tests.sim.ports import SupervisorSim
from tests.sim.world import begin, end

SLOW = 30.0


class Rogue(SupervisorSim):
    """Misbehaves in one way, the `first` time that it could or from then on. It counts how often it could and did.

    `one` is the service of several that is the only one to fail in the mode of that name.
    """

    def __init__(self, machine: MachineSim, one: str, mode: str, first: int = 0, once: bool = True) -> None:
        super().__init__(machine.world)
        self.mode, self._one, self._first, self._once = mode, one, first, once
        self.chances = self.struck = 0

    def _hit(self, *modes: str) -> bool:
        if self.mode not in modes:
            return False
        self.chances += 1
        hit = 0 < self._first <= self.chances and not (self._once and self.struck)
        self.struck += hit
        return hit

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
        failing = self._hit("start fails") or (service == self._one and self._hit("one of three fails"))
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


WATCHFUL = ", ready_within: 5, stays_ready: 2.5}"
"""One that dies after two seconds is to be seen."""
HALF = {**builds("2"), "duo_admin": builds("2", "sick")["duo_admin"]}
"""A build whose second service does not work."""


def fallen(machine: MachineSim) -> None:
    """A service is gone that comes up on the build that is published, which yet cannot stay."""
    installed(machine)
    machine.publish(HALF)
    machine.world.die("duo_server")


TAKEN_BACK = evolve(SCENES["taken back"], name="fallen", ready=fallen, passing=HALF, apart=True)
SCENE = {
    "upgrade": (SCENES["upgrade"], "duo_second_server"),
    "taken back": (SCENES["taken back"], "duo_server"),
    "fallen": (TAKEN_BACK, "duo_admin"),
    "together": (SCENES["together"], "duo_admin"),
    "remove": (SCENES["remove"], ""),
    "register": (SCENES["register"], "duo_server"),
}
"""Scenes by name, and the one service of theirs that may fail alone.

Together they ask a supervisor for all that it can be asked for: only `together` stops services, `remove` forgets them,
and `register` defines one. Of `fallen` a service comes up on a build that is taken back, and did not run before.
"""


def watchful(name: str) -> Scene:
    """A scene with more patience."""
    scene, _ = SCENE[name]
    return evolve(scene, bundle=scene.bundle.replace(SOON, WATCHFUL))


def asked(name: str, machine: MachineSim, rogue: Rogue) -> Any:
    """The work of a scene under such a supervisor."""
    plain = machine.host(Heard(machine.heard))
    host = Host(plain.invocation, evolve(plain.ports, supervisor=rogue))
    if name == "register":
        return register(host, "duo_server", {VAR: "new"})
    verb = Verb.REMOVE if name == "remove" else Verb.UPGRADE
    request = Request(verb=verb, names=("duo",), actor="test", reason="for the sweep")
    return change(host, request, lambda _: True)


def chances(sweep: Sweep, name: str, mode: str) -> int:
    """How often the supervisor could misbehave in this way if it did not."""
    machine = sweep.machine()
    rogue = Rogue(machine, SCENE[name][1], mode)
    asked(name, machine, rogue)
    return rogue.chances


def points(sweep: Sweep, name: str, mode: str, most: int) -> Iterator[tuple[int, bool]]:
    """From which time on, and whether once: all of them, or `most`, spread over the work."""
    every = [(first, once) for first in range(1, chances(sweep, name, mode) + 1) for once in (True, False)]
    if len(every) <= most:
        return iter(every)
    # Those that happen once and those that stay, in turn.
    spread = (turn * len(every) // most for turn in range(most))
    return iter(every[at - at % 2 + turn % 2] for turn, at in enumerate(spread))


def forgiving(promised: Promise, mode: str) -> Promise:
    """What may be where a supervisor lies: a good build is blamed, and processes are lost by it."""
    return evolve(promised, starts=None, blame=True, orphans=mode == "double start")


def swept(sweep: Sweep, mode: str, most: int) -> int:
    """Sweep a scene. Gives how many points it had: none where it never asks for what this mode spoils."""
    name = sweep.scene.name
    promised = forgiving(sweep.promise, mode)
    with Score("F15", f"supervisor in {name}: {mode}") as score:
        for first, once in points(sweep, name, mode, most):
            machine = sweep.machine()
            rogue = Rogue(machine, SCENE[name][1], mode, first, once)
            what = told(partial(asked, name, machine, rogue), machine)
            with machine.world.changing() as state:
                state["faults"] = []
            wrong = sweep.wrong(machine, what, promised, again=first % 4 == 0)
            where = f"{mode}, time {first}, {'once' if once else 'and on'}, told {what.code}"
            score.point(where, wrong, struck=rogue.struck > 0)
    score.hold(at_least=0, most_missed=0.0)
    return score.points


@pytest.mark.parametrize(
    ("name", "most", "modes"),
    [("upgrade", 3, MODES), ("taken back", 2, MODES), ("fallen", 4, ("stop hangs", "garbage"))],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_at_some_calls(folder: Path, name: str, most: int, modes: tuple[str, ...]) -> None:
    sweep = Sweep(folder, watchful(name))
    found = {mode: swept(sweep, mode, most) for mode in modes}
    assert min(found.values()) > 1, found


@pytest.mark.slow
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", SCENE)
def test_at_every_call(folder: Path, name: str, mode: str) -> None:
    found = swept(Sweep(folder, watchful(name)), mode, 10_000)
    assert found > 1 or name == "remove", "it was never asked for what it spoils"
