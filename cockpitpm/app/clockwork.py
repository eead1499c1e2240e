"""The clock of a machine's servers: what is due is done, and upgrades begin inside their window or not at all."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable

from cockpitpm.act.ahead import fetch_ahead
from cockpitpm.act.conclude import sweep
from cockpitpm.act.run import without_steps
from cockpitpm.app import jobs
from cockpitpm.app.change import plan_for
from cockpitpm.app.engine import Engine
from cockpitpm.app.host import Host
from cockpitpm.app.refresh import refresh
from cockpitpm.app.schedule import AppSchedule as AppSchedule
from cockpitpm.app.schedule import agenda_of, scheduled
from cockpitpm.app.schedule import waiting as waiting
from cockpitpm.decide.schedule import Agenda, Span, moment, noted, ordered, written
from cockpitpm.errors import CockpitPmError, LockedError, PlanError
from cockpitpm.model.job import Job, Order
from cockpitpm.model.plan import AppPlan, Request, Unplanned
from cockpitpm.model.receipt import Verb
from cockpitpm.model.upgrades import Ahead, Attempts, Switch, Tried
from cockpitpm.record import schedule as record

ACTOR = "clock"
MOST = 60.0
"""Seconds until the next tick, at most: settings and the wall clock may have been changed by then."""
SOON, AT_ONCE = 5.0, 1.0
"""Seconds while a job is under way that others wait for, and while more is due already."""


def tick(engine: Engine) -> float:
    """Do what is due. Gives the seconds until it wants to be called again. Never raises; blocks during a download."""
    try:
        return _tick(engine)
    except CockpitPmError as error:
        engine.invocation.reporter.warning("", f"The schedule waits: {error}")
    except Exception as error:  # noqa: BLE001  a server goes on, whatever is wrong with its clock
        engine.invocation.reporter.warning("", f"The schedule stumbled: {error!r}")
    return MOST


def _tick(engine: Engine) -> float:
    host = engine.host(ACTOR)
    if not scheduled(host):
        return MOST
    with record.alone(host.layout) as mine:
        return _Tick(engine, host).run() if mine else MOST


class _Tick:
    """One tick. Whatever was tried is written down at once, so that a killed process does not try it anew."""

    def __init__(self, engine: Engine, host: Host) -> None:
        self._engine = engine
        self._host = host
        self._apps = scheduled(host)
        known = record.attempts(host.layout).apps
        self._attempts = Attempts(apps={app: known[app] for app in self._apps if app in known})

    def run(self) -> float:
        """Orders come first: a window may be short and a download long."""
        busy = self._under_way()
        self._call_off(busy)
        if not busy and any(self._restart(app) for app in self._due(Switch.RESTART)):
            return SOON
        if reading := self._due(Switch.NOTICE):
            self._notice(reading)
        at_work = {app for job in busy for app in job.order.apps}
        for app in [app for app in self._due(Switch.DOWNLOAD) if app not in at_work][:1]:
            self._download(app)
        self._let_go()
        return self._until(busy)

    def _agenda(self, app: str) -> Agenda:
        return agenda_of(self._host, app, self._attempts.of(app), self._host.clock.now())

    def _due(self, switch: Switch) -> tuple[str, ...]:
        return tuple(app for app in self._apps if switch in self._agenda(app).due)

    def _until(self, busy: tuple[Job, ...]) -> float:
        now = self._host.clock.now()
        found = [(at - now).total_seconds() for app in self._apps if (at := self._agenda(app).next)]
        return min(max(min(found, default=MOST), SOON if busy else AT_ONCE), MOST)

    def _under_way(self) -> tuple[Job, ...]:
        """The jobs that have not ended; one whose process died ends first, or everybody would wait for it."""
        if any(not job.state.ended for job in jobs.listed(self._host)):
            jobs.settle_dead(self._host)
        return tuple(job for job in jobs.listed(self._host) if not job.state.ended)

    def _call_off(self, busy: Iterable[Job]) -> None:
        """Cancel a job of ours that has not begun although its window is over."""
        mine = {tried.job: tried for tried in self._attempts.apps.values() if tried.job}
        for job in busy:
            end = moment(mine[job.id].until) if job.id in mine and job.actor == ACTOR else None
            if end and self._host.clock.now() >= end and not self._begun(job):
                with contextlib.suppress(PlanError):  # it has ended meanwhile
                    jobs.cancel(self._host, job.id)

    def _begun(self, job: Job) -> bool:
        return any(event.kind in ("app", "phase") for event in jobs.told(self._host, job.id))

    def _restart(self, app: str) -> bool:
        """Order the upgrade of an app, if there is one. Whether a job was ordered."""
        span = self._agenda(app).span
        assert span is not None
        try:
            plan = self._plan(app)
            if not plan.acts:
                self._tried(app, Switch.RESTART, without_steps(plan).detail, isinstance(plan.decision, Unplanned))
                return False
            return self._order(app, span)
        except CockpitPmError as error:
            self._tried(app, Switch.RESTART, error.message, failed=True)
            return False

    def _order(self, app: str, span: Span) -> bool:
        """Asking the forge may have taken until the end of the window."""
        now = self._host.clock.now()
        if not span.holds(now):
            return False
        window = self._host.settings.upgrades.of(app).window
        reason = f"in its window {window.text}" if window else ""
        request = Request(verb=Verb.UPGRADE, names=(app,), actor=ACTOR, reason=reason)
        order = Order(request=request, apps=(app,), key=f"clock-{app}-{span.key}", until=written(span.end))
        job, _ = self._engine.order(order)
        self._write(app, ordered(self._attempts.of(app), span, job.id, now))
        return True

    def _plan(self, app: str) -> AppPlan:
        plan = plan_for(self._host, Request(verb=Verb.UPGRADE, names=(app,), actor=ACTOR))
        return next(one for one in plan.apps if one.app == app)

    def _notice(self, apps: tuple[str, ...]) -> None:
        try:
            silent = refresh(self._host, apps)
        except LockedError:
            return  # somebody changes the machine, and reads the channels for that
        except CockpitPmError as error:
            for app in apps:
                self._tried(app, Switch.NOTICE, error.message, failed=True)
            return
        for app in apps:
            told = silent.get(app)
            self._tried(app, Switch.NOTICE, told.message if told else "read", bool(told and not told.waiting))

    def _download(self, app: str) -> None:
        try:
            plan, dropped = fetch_ahead(self._host.machine(), self._plan(app))
        except CockpitPmError as error:
            self._tried(app, Switch.DOWNLOAD, error.message, failed=True)
            return
        said = f"{len(plan.fetches)} files are here" if plan.fetches else without_steps(plan).detail
        self._tried(app, Switch.DOWNLOAD, said, isinstance(plan.decision, Unplanned))
        if dropped:
            self._clean()

    def _let_go(self) -> None:
        """What was fetched ahead for an app that is gone, or for which nothing is fetched ahead any more."""
        said, known = self._host.settings.upgrades, record.apps_ahead(self._host.layout)
        gone = [app for app in known if app not in self._apps or not said.of(app).download]
        for app in gone:
            record.write_ahead(self._host.layout, Ahead(app=app))
        if gone:
            self._clean()

    def _clean(self) -> None:
        """Only the holder of the lock may: bytes in the middle of a transaction are named by nobody yet."""
        with contextlib.suppress(LockedError), self._host.changing():
            sweep(self._host.machine())

    def _tried(self, app: str, switch: Switch, said: str, failed: bool = False) -> None:
        self._write(app, noted(self._attempts.of(app), switch, self._host.clock.now(), said, failed))

    def _write(self, app: str, tried: Tried) -> None:
        self._attempts = Attempts(apps={**self._attempts.apps, app: tried})
        record.write_attempts(self._host.layout, self._attempts)
