"""What becomes of an order when others are under way, and what a silent job has come to."""

from __future__ import annotations

import pytest
from attrs import evolve

from cockpitpm.decide.jobs import ended_as, is_next, same_order, undoable
from cockpitpm.model.job import Job, JobEvent, JobState, Order, Phase
from cockpitpm.model.receipt import ActivationRecord, Outcome, Verb
from cockpitpm.model.request import Request

BEGUN = "2026-06-12T08:00:00Z"


def order(*apps: str, verb: Verb = Verb.UPGRADE, key: str = "", to: int | None = None) -> Order:
    return Order(request=Request(verb=verb, names=apps, actor="mik", to=to), apps=apps, key=key)


def job(number: int = 1, state: JobState = JobState.RUNNING, what: Order | None = None) -> Job:
    return Job(id=number, order=what or order("duo"), state=state, made_at=BEGUN, started_at=BEGUN)


@pytest.mark.parametrize(
    ("asked", "known", "same"),
    [
        (order("duo"), [], False),
        (order("duo"), [job()], True),
        (order("duo"), [job(what=order("duo", "other"))], True),
        (order("duo", "other"), [job()], False),
        (order("other"), [job()], False),
        (order("duo"), [job(state=JobState.DONE)], False),
        (order("duo", verb=Verb.RESTART), [job()], False),
        (order("duo", to=2), [job()], False),
        (order("duo", key="k"), [job(state=JobState.DONE, what=order("duo", key="k"))], True),
        (order("duo", key="k"), [job(state=JobState.DONE, what=order("duo", key="other"))], False),
        (order(), [job(what=order())], False),
    ],
)
def test_an_order_that_is_there_already_is_no_new_one(asked: Order, known: list[Job], same: bool) -> None:
    assert (same_order(asked, known) is not None) is same


def test_jobs_take_turns() -> None:
    first, second = job(1), job(2, JobState.WAITING)
    assert is_next(first, [first, second]) and not is_next(second, [first, second])
    assert is_next(second, [evolve(first, state=JobState.FAILED), second])


@pytest.mark.parametrize(
    ("state", "phase", "why"),
    [
        (JobState.WAITING, None, ""),
        (JobState.RUNNING, Phase.FETCH, ""),
        (JobState.RUNNING, Phase.RESTART, ""),
        (JobState.RUNNING, Phase.RECORD, "its result is being written down"),
        (JobState.RUNNING, Phase.UNDO, "it is going back already"),
        (JobState.ROLLED_BACK, Phase.UNDO, "it has ended (rolled back)"),
    ],
)
def test_what_can_still_be_undone(state: JobState, phase: Phase | None, why: str) -> None:
    told = [JobEvent(n=1, at=BEGUN, kind="phase", phase=phase.value)] if phase else []
    assert undoable(job(state=state), [*told, JobEvent(n=2, at=BEGUN, kind="step")]) == why


def line(
    app: str, outcome: Outcome = Outcome.COMMITTED, at: str = BEGUN, verb: Verb = Verb.UPGRADE
) -> ActivationRecord:
    return ActivationRecord(
        transaction="t",
        app=app,
        verb=verb,
        outcome=outcome,
        at=at,
        actor="mik",
        reason="",
        from_generation=1,
        to_generation=2,
        services=(),
        detail="no answer",
    )


@pytest.mark.parametrize(
    ("one", "entries", "state", "says"),
    [
        (evolve(job(), started_at=""), [line("duo")], JobState.FAILED, "nothing was changed"),
        (job(), [], JobState.UNKNOWN, "history has nothing"),
        (job(), [line("duo", at="2026-06-12T07:59:59Z")], JobState.UNKNOWN, "history has nothing"),
        (job(), [line("duo", verb=Verb.REMOVE)], JobState.UNKNOWN, "history has nothing"),
        (job(), [line("other")], JobState.UNKNOWN, "history has nothing"),
        (job(), [line("duo", Outcome.ROLLED_BACK)], JobState.ROLLED_BACK, "no answer"),
        (job(what=order("duo", "other")), [line("duo")], JobState.FAILED, "other not changed"),
        (job(), [line("duo")], JobState.DONE, "then finished"),
    ],
)
def test_the_history_says_how_a_silent_job_ended(
    one: Job, entries: list[ActivationRecord], state: JobState, says: str
) -> None:
    found, said = ended_as(one, entries)
    assert found is state and says in said


def test_a_job_tells_who_asked() -> None:
    assert job().actor == "mik"
