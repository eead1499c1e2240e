"""What a process that looks again and again knows beyond one look: who does not answer, and who does not last."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Collection
from threading import Lock, Thread

from attrs import evolve, frozen

from cockpitpm.app.host import Host
from cockpitpm.decide.watched import heard, is_due, restarts, sighted, unanswered
from cockpitpm.errors import CockpitPmError
from cockpitpm.model.bundle import Service
from cockpitpm.model.facts import AppFacts, ServiceFact
from cockpitpm.model.process import ProcessId
from cockpitpm.model.service import Health, Healthy, Unhealthy
from cockpitpm.model.watched import Asked, Sightings

STRIKES = 2
"""Good answers in a row that must be missing: one may be late on a busy machine."""
AT_ONCE = 8
"""Questions that are open at a time."""
NOT_OURS = "Permission denied"
"""That we may not ask says nothing about a service."""


@frozen(kw_only=True)
class _Kept:
    """One service of an app. `mark` is the last thing that was done to the app; `quiet`: nobody is there to be asked,
    or the app is being worked on. `tried` is when the process was asked last (monotonic), whatever came of it."""

    app: str
    service: Service
    mark: str
    quiet: bool
    seen: Sightings
    tried: float | None = None
    asked: Asked | None = None

    @property
    def process(self) -> ProcessId | None:
        """Whom to ask."""
        return None if self.quiet else self.seen.process


class Vigil:
    """Safe for several threads. `strikes` are the bad answers after which a service counts as silent.

    `ticks` is how many clock ticks of the kernel a second has.
    """

    def __init__(self, strikes: int = STRIKES, ticks: int = os.sysconf("SC_CLK_TCK")) -> None:
        self._strikes = strikes
        self._ticks = ticks
        self._lock = Lock()
        self._kept: dict[str, _Kept] = {}

    def upon(self, facts: AppFacts, now: float, mark: str, busy: bool) -> AppFacts:
        """The facts of an installed app with what is known of its services; what they show is kept for the next look.

        `now` is monotonic seconds. `busy` says that the app is being worked on, `mark` names what was done to it last:
        what its processes did meanwhile was our doing and counts for nothing.
        """
        assert facts.installed is not None
        services = facts.installed.bundle.services
        told = {s.name: self._one(facts.app, s, facts.services[s.name], now, mark, busy) for s in services}
        with self._lock:
            self._kept = {n: one for n, one in self._kept.items() if one.app != facts.app or n in told}
        return evolve(facts, services={**facts.services, **told})

    def only(self, apps: Collection[str]) -> None:
        """Forget what is known of other apps: a look at the whole machine found these installed."""
        with self._lock:
            self._kept = {name: one for name, one in self._kept.items() if one.app in apps}

    def _one(self, app: str, service: Service, fact: ServiceFact, now: float, mark: str, busy: bool) -> ServiceFact:
        with self._lock:
            before = self._kept.get(service.name)
            ours = busy or before is None or before.mark != mark
            seen = sighted(None if ours or before is None else before.seen, fact.process, now)
            asked = before.asked if before else None
            self._kept[service.name] = _Kept(
                app=app,
                service=service,
                mark=mark,
                quiet=busy or fact.process is None,
                seen=seen,
                tried=before.tried if before and before.seen.process == seen.process else None,
                asked=asked,
            )
        known = unanswered(asked, fact.process, now, self._strikes)
        return evolve(fact, unanswered=known, restarts=restarts(seen, now))

    def due(self, host: Host) -> tuple[str, ...]:
        """The services that are to be asked now."""
        return tuple(self._due(host))

    def _due(self, host: Host) -> dict[str, tuple[Service, ProcessId]]:
        now, (boot, ticks) = host.clock.monotonic(), host.processes.now()
        with self._lock:
            every = [(one, one.process) for one in self._kept.values()]
        return {
            one.service.name: (one.service, process)
            for one, process in every
            if process
            and process.boot_id == boot
            and is_due(one.service, (ticks - process.start_ticks) / self._ticks, one.tried, now)
            and host.processes.alive(process)
        }

    def ask(self, host: Host) -> None:
        """Ask all who are due, several at a time, each once. Returns when everybody has answered or had the time to."""
        waiting = deque(self._due(host).values())
        work = [Thread(target=self._ask_all, args=(host, waiting), daemon=True) for _ in list(waiting)[:AT_ONCE]]
        for thread in work:
            thread.start()
        for thread in work:
            thread.join()

    def _ask_all(self, host: Host, waiting: deque[tuple[Service, ProcessId]]) -> None:
        while True:
            try:
                service, process = waiting.popleft()
            except IndexError:
                return
            health = _answer(host, service, process)
            # An answer of a process that has ended meanwhile is no answer of the next one, nor a missing one.
            self._hear(host, service.name, process, health if host.processes.alive(process) else None)

    def _hear(self, host: Host, name: str, process: ProcessId, health: Health | None) -> None:
        from cockpitpm.act.machine import instant

        now, moment = host.clock.monotonic(), instant(host.clock.now())
        with self._lock:
            before = self._kept.get(name)
            if before is None or before.seen.process != process:
                return
            asked = heard(before.asked, process, health, now, moment) if health else before.asked
            self._kept[name] = evolve(before, tried=now, asked=asked)


def _answer(host: Host, service: Service, process: ProcessId) -> Health | None:
    """What the service's own process answers, without the machine's secrets; None if it cannot be asked."""
    from cockpitpm.act.converge import stranger
    from cockpitpm.act.discreet import discreet

    machine = host.machine()
    try:
        question = machine.rules.question(service)
        health = machine.prober.probe(question) if question else None
        if isinstance(health, Healthy):
            told = stranger(machine.processes, process, health)
            return Unhealthy(answer=told) if told else health
        if health is None or health.answer == NOT_OURS:
            return None
        return Unhealthy(answer=discreet(machine.layout, health.answer))
    except CockpitPmError:
        return None
