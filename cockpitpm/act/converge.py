"""Converge: bring a service onto the bytes that are in place, and prove that it works on them.

The same for install, upgrade, rollback, recovery and the verb. It does nothing to a service whose process already
runs those bytes, so doing it twice is doing it once, and a restart that lost its second half is merely not finished.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

from attrs import frozen

from cockpitpm.act.away import Away
from cockpitpm.act.discreet import discreet
from cockpitpm.act.machine import Machine
from cockpitpm.errors import ProbeError, SupervisorError
from cockpitpm.model.bundle import Service
from cockpitpm.model.facts import InPlace, Sight
from cockpitpm.model.process import Image, ProcessId
from cockpitpm.model.receipt import ServiceChange
from cockpitpm.model.service import Healthy, Runs, ServiceState
from cockpitpm.ports import Processes

PAUSE = 0.05
"""Seconds between two looks."""
READY_WITHIN = 30.0
STAYS_READY = 3.0
GIVEN_UP_FOR = 3.0
"""Seconds for which a supervisor may call a service failed before we do; it may be about to start it again."""
MAX_STARTS = 3
"""A service that needed more processes than this to become ready is crashing, whatever its supervisor says."""


class Mark(Protocol):
    """Called before a service is stopped, so that whoever finds it stopped knows that it was us."""

    def __call__(self, service: str, process: ProcessId | None) -> None:
        """Make the mark durable."""


@frozen(kw_only=True)
class Start:
    """A service at the moment it was put onto the bytes: the look before, and whether it was cycled."""

    service: Service
    before: Sight
    cycled: bool


def converge(
    machine: Machine,
    app: str,
    place: InPlace,
    group: Iterable[Service],
    mark: Mark,
    away: Away,
    cycle: tuple[str, ...] = (),
    watch: bool = True,
) -> tuple[ServiceChange, ...]:
    """Converge these services together: cycle what must be, wait until all are ready, watch them stay so.

    `cycle` names services to restart whatever they run. With `watch` false, a service that was not cycled is not
    watched. `away` learns who leaves and who is back. Raises ProbeError naming the service that did not make it,
    SupervisorError.
    """
    starts = tuple(_put(machine, app, place, service, mark, away, service.name in cycle) for service in group)
    ready = {s.service.name: _until_ready(machine, app, place, s, starts, away) for s in starts}
    watched = tuple(s for s in starts if watch or s.cycled)
    answers = _watch(machine, place, watched, ready)
    return tuple(_change(s, ready, answers, away) for s in starts)


def put(machine: Machine, app: str, place: InPlace, service: Service, mark: Mark, away: Away) -> None:
    """Get a service onto the bytes in place, without asking whether it works there."""
    _put(machine, app, place, service, mark, away, anyway=False)


def _put(machine: Machine, app: str, place: InPlace, service: Service, mark: Mark, away: Away, anyway: bool) -> Start:
    before = machine.rules.look(service, place)
    if before.runs is Runs.CURRENT and not anyway:
        return Start(service=service, before=before, cycled=False)
    mark(service.name, before.process)
    machine.reporter.step(app, f"{'restarting' if before.process else 'starting'} {service.name}")
    if before.process:
        away.left(service.name, machine.clock.monotonic())
    _cycle(machine, service, before.process)
    return Start(service=service, before=before, cycled=True)


def _cycle(machine: Machine, service: Service, process: ProcessId | None) -> None:
    """A program that cannot be started is the build's failure; a supervisor that does not answer is not."""
    try:
        machine.supervisor.cycle(service.name, process)
    except SupervisorError as error:
        if machine.supervisor.status(service.name).state is not ServiceState.FAILED:
            raise
        raise _failed(machine, service, error.message) from error


@frozen(kw_only=True)
class Ready:
    """A process that gave the expected answer on the bytes in place."""

    process: ProcessId
    answer: str


def _until_ready(
    machine: Machine, app: str, place: InPlace, start: Start, group: tuple[Start, ...], away: Away
) -> Ready:
    probe = start.service.probe
    deadline = machine.clock.monotonic() + (probe.ready_within if probe else READY_WITHIN)
    seen: dict[ProcessId, None] = {}
    while True:
        sight = machine.rules.look(start.service, place)
        found = _ready(machine, start, sight, seen)
        if isinstance(found, Ready):
            away.returned(start.service.name, machine.clock.monotonic())
            machine.reporter.step(app, f"{start.service.name} is ready ({found.answer})")
            return found
        if sight.status.state is ServiceState.FAILED:
            deadline = min(deadline, machine.clock.monotonic() + GIVEN_UP_FOR)
        if machine.clock.monotonic() >= deadline or len(seen) > MAX_STARTS:
            raise _failed(machine, start.service, found)
        _nudge(machine, start, sight)
        _see_returned(machine, place, [s for s in group if s is not start], away)
        machine.clock.sleep(PAUSE)


def _see_returned(machine: Machine, place: InPlace, others: Iterable[Start], away: Away) -> None:
    """Note who of the group is back already: its turn to be waited for comes later, and its interruption ends now."""
    for start in others:
        if away.waits_for(start.service.name):
            sight = machine.rules.look(start.service, place)
            if isinstance(_ready(machine, start, sight, {}), Ready):
                away.returned(start.service.name, machine.clock.monotonic())


def _ready(machine: Machine, start: Start, sight: Sight, seen: dict[ProcessId, None]) -> Ready | str:
    """Ready, or what is still missing."""
    if sight.process is None:
        return f"it has no process; the supervisor says {sight.status.raw or sight.status.state.value}"
    seen[sight.process] = None
    if len(seen) > MAX_STARTS:
        return f"it was started {len(seen)} times and ended each time"
    if start.cycled and sight.process == start.before.process:
        return f"the supervisor has not restarted its process {sight.process.pid}"
    if sight.runs is not Runs.CURRENT:
        return f"its process {sight.process.pid} runs {sight.runs.value} bytes"
    if old := _survivor(machine, start):
        return f"process {old.pid} of the build before is still alive"
    return _ask(machine, start.service, sight.process)


def _nudge(machine: Machine, start: Start, sight: Sight) -> None:
    """Mend what a supervisor can do meanwhile: lose the start half, or restart the old bytes by itself."""
    lost = sight.process is None and sight.status.state is ServiceState.STOPPED
    if lost or sight.runs in (Runs.OLD, Runs.UNVERIFIED):
        _cycle(machine, start.service, sight.process)


def _survivor(machine: Machine, start: Start) -> Image | None:
    if not start.cycled or start.before.process is None:
        return None
    boot = start.before.process.boot_id
    return next((i for i in start.before.images if machine.processes.alive(_of(boot, i))), None)


def _of(boot: str, image: Image) -> ProcessId:
    return ProcessId(boot_id=boot, pid=image.pid, start_ticks=image.start_ticks)


def _ask(machine: Machine, service: Service, process: ProcessId) -> Ready | str:
    question = machine.rules.question(service)
    if question is None:
        return Ready(process=process, answer="it runs; its bundle declares no probe")
    health = machine.prober.probe(question)
    if not isinstance(health, Healthy):
        return health.answer
    odd = stranger(machine.processes, process, health)
    return odd or Ready(process=process, answer=discreet(machine.layout, health.answer))


def stranger(processes: Processes, process: ProcessId, health: Healthy) -> str:
    """The good answer of another process at the service's socket; empty if it is the service's own.

    A listener that has ended (a daemon that forked) cannot be told from one that never was, so it counts as its own.
    """
    pid = health.listener
    if pid is None or processes.identify(pid) is None:
        return ""
    own = {process.pid, *(image.pid for image in processes.tree(process.pid))}
    return "" if pid in own else f"process {pid}, which is not of this service, answers at {health.where}"


def _watch(machine: Machine, place: InPlace, starts: tuple[Start, ...], ready: Mapping[str, Ready]) -> dict[str, str]:
    """Give each service the time to fall over, then ask it once more."""
    begun = machine.clock.monotonic()
    answers: dict[str, str] = {}
    for start in sorted(starts, key=_patience):
        until = begun + _patience(start)
        while (left := until - machine.clock.monotonic()) > 0:
            _still(machine, starts, ready)
            machine.clock.sleep(min(left, 4 * PAUSE))
        _still(machine, starts, ready)
        again = _ask(machine, start.service, ready[start.service.name].process)
        if not isinstance(again, Ready):
            raise _failed(machine, start.service, f"after {_patience(start):g} s it no longer answers: {again}")
        answers[start.service.name] = again.answer
    return answers


def _patience(start: Start) -> float:
    return start.service.probe.stays_ready if start.service.probe else STAYS_READY


def _still(machine: Machine, starts: tuple[Start, ...], ready: Mapping[str, Ready]) -> None:
    for start in starts:
        process = ready[start.service.name].process
        if not machine.processes.alive(process):
            raise _failed(machine, start.service, f"its process {process.pid} ended while it was watched")


def _failed(machine: Machine, service: Service, why: str) -> ProbeError:
    """The error for a service that did not make it, with the last thing it wrote."""
    log = discreet(machine.layout, machine.supervisor.logs(service.name, 20))
    last = [line for line in log.splitlines() if line.strip()]
    said = f"; its last words: {last[-1].strip()[:200]}" if last else ""
    return ProbeError(
        f"{service.name} did not come up: {discreet(machine.layout, why)}{said}",
        f"Read `cockpitpm logs {service.name}`",
    )


def _change(start: Start, ready: Mapping[str, Ready], answers: Mapping[str, str], away: Away) -> ServiceChange:
    name = start.service.name
    now = ready[name]
    return ServiceChange(
        service=name,
        before=start.before.process,
        after=now.process,
        answer=answers.get(name, now.answer),
        interrupted_ms=away.lasted(name),
    )


def groups(services: tuple[Service, ...], together: bool, first: bool) -> tuple[tuple[Service, ...], ...]:
    """In which groups services change over: all at once, one after another, or (on a first install) the canary and
    then the others together."""
    if together:
        return (services,) if services else ()
    if first:
        return tuple(g for g in (services[:1], services[1:]) if g)
    return tuple((s,) for s in services)
