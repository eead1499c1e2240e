"""The process of a job: waits for its turn, carries the order out, tells every step, writes down how it ended."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime
from threading import RLock
from typing import Any

from attrs import evolve

from cockpitpm.act.machine import instant
from cockpitpm.app import plans
from cockpitpm.app.change import Report, change, exit_code
from cockpitpm.app.host import Host
from cockpitpm.app.jobs import end, settle_dead
from cockpitpm.app.planfile import apply
from cockpitpm.app.report import to_json
from cockpitpm.decide.jobs import is_next
from cockpitpm.errors import CockpitPmError, ExitCode, LockedError
from cockpitpm.model.job import Job, JobEvent, JobState, Phase
from cockpitpm.model.outcome import AppOutcome
from cockpitpm.model.plan import Plan
from cockpitpm.ports import Clock, Reporter
from cockpitpm.record import jobs
from cockpitpm.record.layout import Layout

POLL = 0.2
PATIENCE = 1800.0
"""Seconds to wait for somebody at the command line who holds the machine."""
APART = 0.25
"""Seconds between two tellings of how far a download is."""

STATES = {
    ExitCode.DONE: JobState.DONE,
    ExitCode.ROLLED_BACK: JobState.ROLLED_BACK,
    ExitCode.REFUSED: JobState.REFUSED,
}


def _moment(now: datetime) -> str:
    """To the millisecond, RFC 3339: several lines of one second keep their order and steps their length."""
    return now.isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Teller(Reporter):
    """Writes what the engine tells into the job's folder. It never raises: a full disk must not stop a transaction."""

    def __init__(self, layout: Layout, number: int, clock: Clock) -> None:
        self._layout, self._number, self._clock = layout, number, clock
        self._lock = RLock()
        self._n = max((e.n for e in jobs.events(layout, number)), default=0)
        self._sizes: dict[tuple[str, str], int] = {}
        self._moved: dict[tuple[str, str], float] = {}

    def tell(self, kind: str, app: str = "", text: str = "", **more: Any) -> None:
        """Add one event."""
        with self._lock:
            self._n += 1
            event = JobEvent(n=self._n, at=_moment(self._clock.now()), kind=kind, app=app, text=text, **more)
            try:
                jobs.append(self._layout, self._number, [event])
            except CockpitPmError:
                self._n -= 1

    def app_started(self, app: str, decision: str) -> None:
        """The app's turn."""
        self.tell("app", app, decision)

    def phase(self, app: str, phase: Phase) -> None:
        """What is being done to it."""
        self.tell("phase", app, phase=phase.value)

    def fetch_started(self, app: str, asset: str, size: int) -> None:
        """A download begins."""
        self._sizes[app, asset] = size
        self.tell("fetch", app, asset, total=size)

    def fetch_moved(self, app: str, asset: str, done: int) -> None:
        """At most four times a second."""
        now, key = self._clock.monotonic(), (app, asset)
        if now - self._moved.get(key, -APART) >= APART:
            self._moved[key] = now
            self.tell("fetch", app, asset, done=done, total=self._sizes.get(key, 0))

    def fetch_finished(self, app: str, asset: str, seconds: float) -> None:
        """All of it."""
        total = self._sizes.get((app, asset), 0)
        self.tell("fetch", app, asset, done=total, total=total)

    def step(self, app: str, text: str) -> None:
        """One line."""
        self.tell("step", app, text)

    def warning(self, app: str, text: str) -> None:
        """One line that wants attention."""
        self.tell("warning", app, text)

    def app_finished(self, app: str, outcome: str, ok: bool) -> None:
        """How the app ended."""
        self.tell("app", app, outcome, ok=ok)


def run(open_host: Callable[[str, Reporter], Host], number: int) -> int:
    """Carry out a job. `open_host` opens the machine for an actor. Gives the exit code of the same command.

    An interruption (SIGTERM) goes back in order and ends the job as cancelled.
    """
    host = open_host("", Reporter())
    job = _taken(host, number)
    if job is None:
        return ExitCode.DONE
    told = Teller(host.layout, number, host.clock)
    host = open_host(job.actor, told)
    try:
        job = _wait(host, job)
        if job.state.ended:
            return ExitCode.DONE
        return _carry_out(host, job, told)
    except KeyboardInterrupt:
        end(host, job, JobState.CANCELLED, "cancelled; what had begun was taken back")
        return 130
    except CockpitPmError as error:
        jobs.write_result(host.layout, number, _error(error))
        state = JobState.REFUSED if error.exit_code is ExitCode.REFUSED else JobState.FAILED
        end(host, job, state, f"{error.message}. {error.hint}".strip(), int(error.exit_code))
        return error.exit_code


def _taken(host: Host, number: int) -> Job | None:
    """The job with our process in it; None if it needs nobody any more."""
    with jobs.ordering(host.layout):
        job = jobs.read(host.layout, number)
        if job.state.ended or (job.process and host.processes.alive(job.process)):
            return None
        job = evolve(job, process=host.processes.identify(os.getpid()))
        jobs.write(host.layout, job)
        return job


def _wait(host: Host, job: Job) -> Job:
    """Until every earlier job has ended. Somebody may cancel this one meanwhile."""
    while True:
        with jobs.ordering(host.layout):
            job = jobs.read(host.layout, job.id)
            if job.state.ended:
                return job
            if is_next(job, jobs.readable(host.layout)):
                job = evolve(job, state=JobState.RUNNING, started_at=instant(host.clock.now()))
                jobs.write(host.layout, job)
                return job
        settle_dead(host)
        host.clock.sleep(POLL)


def _carry_out(host: Host, job: Job, told: Teller) -> int:
    until = host.clock.monotonic() + PATIENCE
    while True:
        try:
            report = _report(host, job)
            break
        except LockedError as error:
            if host.clock.monotonic() > until:
                raise
            told.step("", f"waiting: {error.message}")
            host.clock.sleep(5 * POLL)
    code = exit_code(report, everything=not job.order.request.names)
    jobs.write_result(host.layout, job.id, to_json(report, code))
    if not report.confirmed:
        end(host, job, JobState.CANCELLED, "its time was over before it could begin; nothing was changed")
        return code
    end(host, job, STATES.get(code, JobState.FAILED), _said(report), int(code))
    return code


def _report(host: Host, job: Job) -> Report:
    def agreed(_plan: Plan) -> bool:
        # Asked with the machine's lock held, so nothing can begin late.
        return not job.order.until or instant(host.clock.now()) < job.order.until

    if job.order.plan:
        shown, reason = plans.shown(host, job.order.plan), job.order.request.reason
        why = reason or shown.request.reason
        plan = evolve(shown.plan, reason=why)
        return apply(host, evolve(shown, request=evolve(shown.request, reason=why), plan=plan), agreed)
    return change(host, job.order.request, agreed)


def _said(report: Report) -> str:
    return "; ".join(f"{o.app}: {_told(o)}" for o in report.outcomes if o.activation or o.exit_code) or "nothing to do"


def _told(outcome: AppOutcome) -> str:
    return outcome.detail or outcome.ended.value.replace("_", " ")


def _error(error: CockpitPmError) -> dict[str, Any]:
    return {"error": {"message": error.message, "hint": error.hint, "exit_code": int(error.exit_code)}}
