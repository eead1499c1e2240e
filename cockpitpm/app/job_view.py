"""A job as whoever watches it wants to see it: how it stands, how far it is, what it told, its result."""

from __future__ import annotations

from typing import Any

from attrs import frozen

from cockpitpm.app import jobs
from cockpitpm.app.host import Host
from cockpitpm.decide.progress import whole
from cockpitpm.model.job import Job, JobEvent
from cockpitpm.model.progress import JobProgress


@frozen(kw_only=True)
class JobView:
    """One look at a job. `events` are those after the one that was asked from; `last` is the number of the newest."""

    job: Job
    progress: JobProgress
    events: tuple[JobEvent, ...]
    last: int
    result: Any | None


def look_at_job(host: Host, number: int, after: int = 0) -> JobView:
    """One job, with what it told since its event `after`. Raises UnknownJob for a number that there is not."""
    job = jobs.find(host, number)
    told = jobs.told(host, number)
    return JobView(
        job=job,
        progress=whole(job, told),
        events=tuple(event for event in told if event.n > after),
        last=max((event.n for event in told), default=0),
        result=jobs.result(host, number),
    )
