"""Follows one job's files and says what viewers are to be told of it: lines as they come, steps in moderation."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any

from attrs import define, field, frozen

from cockpitpm.app import jobs
from cockpitpm.app.host import Host
from cockpitpm.app.standing import steps
from cockpitpm.model.job import Job, JobEvent
from cockpitpm.model.progress import AppProgress, StepProgress, StepState
from cockpitpm.serve.events import PREFIX, STATE

APART = 0.25
"""Seconds between two tellings of how far a job is; what it had to say meanwhile is told as it is then."""
LINES = frozenset({"step", "warning", "app"})


@frozen
class Word:
    """Something to tell: an event that is not published yet."""

    kind: str
    data: Mapping[str, Any]
    topics: frozenset[str]


Key = tuple[str, str, int]


@define
class Followed:
    """A job that is followed. `after` is the last event read of its file; `waiting` what was not told yet, by step."""

    job: int
    apps: tuple[str, ...] = ()
    after: int = 0
    last: float = float("-inf")
    over: bool = False
    told: dict[Key, Mapping[str, Any]] = field(factory=dict)
    waiting: dict[Key, Word] = field(factory=dict)

    def turn(self, host: Host, job: Job, now: float) -> Iterator[Word]:
        """What is to be told now. `now` is monotonic seconds; `job` was read before its events are."""
        if self.over:
            return
        fresh = jobs.told(host, job.id, self.after)
        for event in fresh:
            self.after = event.n
            if event.kind in LINES:
                yield Word("log", _line(job, event), frozenset({self.topic}))
        found = steps(host, job)
        for one in found:
            for n, step in enumerate(one.steps, 1):
                if step.state not in (StepState.TODO, StepState.LEFT):
                    self._note("step", one.app, n, _step(job, one.app, n, step))
        self._note("job", "", 0, _job(job, found))
        yield from self._due(now, everything=job.state.ended)
        if job.state.ended:
            self.over = True
            yield Word("end", _end(host, job), self.topics)

    @property
    def topic(self) -> str:
        """What somebody listens to who follows just this job."""
        return f"job:{self.job}"

    @property
    def topics(self) -> frozenset[str]:
        """Those of everything but its lines."""
        return frozenset({STATE, self.topic})

    def _note(self, kind: str, app: str, n: int, data: Mapping[str, Any]) -> None:
        key = (kind, app, n)
        if self.told.get(key) != data:
            self.told[key] = data
            self.waiting[key] = Word(kind, data, self.topics)

    def _due(self, now: float, everything: bool) -> Iterator[Word]:
        """The oldest that waits, if it is time; at the end all of them."""
        due = deque(self.waiting)
        while due and (everything or now - self.last >= APART):
            self.last = now
            yield self.waiting.pop(due.popleft())


def _line(job: Job, event: JobEvent) -> dict[str, Any]:
    return {"job": job.id, "n": event.n, "ts": event.at, "service": event.app, "line": event.text[:4000]}


def _job(job: Job, found: tuple[AppProgress, ...]) -> dict[str, Any]:
    under_way = next((one for one in found if one.at), None)
    return {
        "job": job.id,
        "app": ", ".join(job.order.apps),
        "kind": job.order.request.verb.value,
        "state": job.state.value,
        "step": under_way.at if under_way else 0,
        "steps": len(under_way.steps) if under_way else 0,
        "label": f"{under_way.steps[under_way.at - 1].phase.value} {under_way.app}" if under_way else "",
        "started": job.started_at,
        "actor": job.actor,
    }


def _step(job: Job, app: str, n: int, step: StepProgress) -> dict[str, Any]:
    return {
        "job": job.id,
        "app": app,
        "n": n,
        "name": step.phase.value,
        "state": step.state.value,
        "took_ms": step.took_ms,
        "detail": step.told[-1][:1000] if step.told else "",
        "bytes": step.done,
        "total": step.total,
    }


def _end(host: Host, job: Job) -> dict[str, Any]:
    result = jobs.result(host, job.id)
    outcomes = result.get("outcomes", []) if isinstance(result, dict) else []
    changed = [one["app"] for one in outcomes if isinstance(one, dict) and one.get("activation")]
    return {
        "job": job.id,
        "result": job.state.value,
        "reason": job.said,
        "receipts": changed,
        "url": f"{PREFIX}/jobs/{job.id}",
    }
