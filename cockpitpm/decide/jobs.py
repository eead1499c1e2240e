"""What becomes of an order when others are under way, and what a job that fell silent has come to."""

from __future__ import annotations

from collections.abc import Iterable

from cockpitpm.model.job import Job, JobEvent, JobState, Order, Phase
from cockpitpm.model.receipt import ActivationRecord, Outcome, Verb

LASTING = (Phase.RECORD.value, Phase.UNDO.value)
NARROWED = (Verb.CONVERGE, Verb.START, Verb.RESTART)


def same_order(order: Order, known: Iterable[Job]) -> Job | None:
    """The job that this order has already: by its key, or because the same change of the same apps is under way."""
    for job in known:
        if order.key and job.order.key == order.key:
            return job
    return next((job for job in known if not job.state.ended and _alike(order, job.order)), None)


def _alike(order: Order, other: Order) -> bool:
    return (
        order.request.verb is other.request.verb
        and bool(set(order.apps) & set(other.apps))
        and set(order.apps) <= set(other.apps)
        and _meant(order) == _meant(other)
        and order.request.to == other.request.to
        and order.request.allow == other.request.allow
    )


def _meant(order: Order) -> frozenset[str]:
    """What narrows a change of services to some of an app's; a change of bytes is one of the whole app."""
    return frozenset(order.request.names) if order.request.verb in NARROWED else frozenset()


def is_next(job: Job, known: Iterable[Job]) -> bool:
    """Whether it is this job's turn: they are carried out in the order in which they were ordered."""
    return all(other.state.ended for other in known if other.id < job.id)


def undoable(job: Job, told: Iterable[JobEvent]) -> str:
    """Why a job cannot be cancelled; empty if it can."""
    if job.state.ended:
        return f"it has ended ({job.state.value.replace('_', ' ')})"
    phases = [event.phase for event in told if event.kind == "phase"]
    if phases and phases[-1] in LASTING:
        return "it is going back already" if phases[-1] == Phase.UNDO.value else "its result is being written down"
    return ""


def ended_as(job: Job, entries: Iterable[ActivationRecord]) -> tuple[JobState, str]:
    """How a job whose process died has ended, by the history that recovery completed."""
    mine = [
        e
        for e in entries
        if job.started_at and e.at >= job.started_at and e.app in job.order.apps and e.verb is job.order.request.verb
    ]
    if not job.started_at:
        return JobState.FAILED, "its process died before its turn came; nothing was changed"
    if not mine:
        return JobState.UNKNOWN, "its process died, and the history has nothing of it"
    if any(e.outcome is Outcome.ROLLED_BACK for e in mine):
        return JobState.ROLLED_BACK, f"interrupted, then taken back: {mine[-1].detail}"
    left = [app for app in job.order.apps if app not in {e.app for e in mine}]
    if left:
        return JobState.FAILED, f"interrupted; {', '.join(left)} not changed"
    return JobState.DONE, "interrupted, then finished"
