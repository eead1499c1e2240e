"""Jobs: changes that a server was asked for. A process of its own carries each out, so it outlives whoever asked."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable
from datetime import datetime
from threading import Thread
from typing import Any

from attrs import evolve

from cockpitpm import beneath
from cockpitpm.act.machine import instant
from cockpitpm.app.host import Host
from cockpitpm.app.recover import recover
from cockpitpm.app.report import recovered_json
from cockpitpm.decide.jobs import ended_as, same_order, undoable
from cockpitpm.errors import LockedError, PlanError, StoreError, UnknownJob
from cockpitpm.model.job import Job, JobEvent, JobState, Order
from cockpitpm.record import history, jobs
from cockpitpm.record.durable import disk, make_folder

STARTING = 30.0
"""Seconds that the process of a job may take until it says that it is there."""

Start = Callable[[int], None]
"""Starts the process that carries out the job of this number."""


def submit(host: Host, order: Order, start: Start) -> tuple[Job, bool]:
    """The job for an order, and whether it is new: the same key, or the same change under way, is the same job."""
    host.prepare()
    with jobs.ordering(host.layout):
        known = jobs.readable(host.layout)
        if there := same_order(order, known):
            return there, False
        number = max(jobs.numbers(host.layout), default=0) + 1
        with disk("make a job"):
            make_folder(host.layout.job(number))
        job = Job(id=number, order=order, state=JobState.WAITING, made_at=instant(host.clock.now()))
        jobs.write(host.layout, job)
        jobs.prune(host.layout)
    start(number)
    return job, True


def launch(host: Host, number: int) -> None:
    """Start the process of a job: in a session of its own, so that stopping the server does not stop it."""
    command = [*host.invocation.program, "jobs", "run", str(number), "--root", str(host.layout.root)]
    if host.invocation.bundles:
        command += ["--bundles", str(host.invocation.bundles)]
    with disk("start a job"):
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        output = beneath.open_file(host.layout.job(number) / "output.txt", flags)
        try:
            started = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                cwd="/",
            )
        finally:
            os.close(output)
    # Somebody must take the exit status, or the dead process stays in the table as long as we live.
    Thread(target=started.wait, daemon=True, name=f"job-{number}").start()


def find(host: Host, number: int) -> Job:
    """One job. Raises UnknownJob for a number that there is not."""
    if number not in jobs.numbers(host.layout):
        raise UnknownJob(f"There is no job {number}", "See `cockpitpm jobs`; the oldest are forgotten")
    return jobs.read(host.layout, number)


def listed(host: Host) -> tuple[Job, ...]:
    """Every job, newest first."""
    return jobs.readable(host.layout)[::-1]


def told(host: Host, number: int, after: int = 0) -> tuple[JobEvent, ...]:
    """What a job has told since its event `after`."""
    return jobs.events(host.layout, number, after)


def result(host: Host, number: int) -> Any | None:
    """What the same command prints with `--json`; None until it has ended."""
    return jobs.result(host.layout, number)


def cancel(host: Host, number: int) -> Job:
    """Stop a job that can still be undone. Raises PlanError for one that cannot; it goes back in order by itself."""
    with jobs.ordering(host.layout):
        job = find(host, number)
        if problem := undoable(job, told(host, number)):
            raise PlanError(f"Job {number} cannot be cancelled: {problem}", "Wait for it to end")
        if job.process is None or not host.processes.alive(job.process):
            return end(host, job, JobState.CANCELLED, "cancelled before its turn came")
        with disk("stop the job"):
            os.kill(job.process.pid, signal.SIGTERM)
        return job


def end(host: Host, job: Job, state: JobState, said: str, exit_code: int | None = None) -> Job:
    """Write that a job has ended, for good."""
    done = evolve(job, state=state, said=said, exit_code=exit_code, ended_at=instant(host.clock.now()))
    after = max((e.n for e in told(host, job.id)), default=0)
    last = JobEvent(n=after + 1, at=done.ended_at, kind="end", text=state.value, ok=state is JobState.DONE)
    jobs.append(host.layout, job.id, [last])
    jobs.write(host.layout, done)
    return done


def settle_dead(host: Host) -> tuple[Job, ...]:
    """End the jobs whose process died. What it left is recovered first, and the history says how it went."""
    dead = [job for job in jobs.readable(host.layout) if not job.state.ended and _died(host, job)]
    if not dead:
        return ()
    try:
        found = recover(host)
    except LockedError:
        return ()  # somebody is at work; whoever looks next will know more
    told = recovered_json(found)
    return tuple(ended for job in dead if (ended := _conclude(host, job.id, told)))


def _died(host: Host, job: Job) -> bool:
    """A job that nobody took up has half a minute: its process may be starting."""
    if job.process:
        return not host.processes.alive(job.process)
    return (host.clock.now() - datetime.fromisoformat(job.made_at)).total_seconds() > STARTING


def _conclude(host: Host, number: int, recovered: list[dict[str, Any]]) -> Job | None:
    """End the job by the history; None if somebody else did it meanwhile, for an end is told once."""
    try:
        entries = tuple(history.recent(host.layout.history))
    except StoreError:
        entries = ()
    with jobs.ordering(host.layout):
        job = jobs.read(host.layout, number)
        if job.state.ended:
            return None
        state, said = ended_as(job, entries)
        jobs.write_result(host.layout, job.id, {"recovered": recovered})
        return end(host, job, state, said)
