"""What a job has told becomes its steps."""

from __future__ import annotations

from cockpitpm.decide.progress import progress, whole
from cockpitpm.model.job import Job, JobEvent, JobState, Order, Phase
from cockpitpm.model.progress import AppProgress, StepState, Transfer
from cockpitpm.model.receipt import Verb
from cockpitpm.model.request import Request

T, N, D, F, L = StepState.TODO, StepState.NOW, StepState.DONE, StepState.FAILED, StepState.LEFT


def job(verb: Verb = Verb.UPGRADE, state: JobState = JobState.RUNNING, ended_at: str = "") -> Job:
    order = Order(request=Request(verb=verb, names=("duo",)), apps=("duo",))
    return Job(id=1, order=order, state=state, made_at=at(0), ended_at=ended_at)


def at(seconds: float) -> str:
    return f"2026-06-12T08:00:{seconds:06.3f}Z"


def event(n: int, kind: str, text: str = "", phase: str = "", app: str = "duo", **more: object) -> JobEvent:
    return JobEvent(n=n, at=at(n), kind=kind, app=app, text=text, phase=phase, **more)  # type: ignore[arg-type]


def only(told: list[JobEvent], of: Job) -> AppProgress:
    (found,) = progress(of, told)
    return found


def states(found: AppProgress) -> list[StepState]:
    return [step.state for step in found.steps]


FETCHING = [
    event(1, "app", "upgrade a to b"),
    event(2, "phase", phase="fetch"),
    event(3, "fetch", "duo_server", total=100),
    event(4, "fetch", "duo_server", done=40, total=100),
    event(5, "fetch", "duo_admin", done=10, total=50),
]


def test_nothing_was_told_yet() -> None:
    found = only([], job())
    assert (found.decision, found.outcome, found.ok, found.at, states(found)) == ("", "", None, 0, [T] * 5)


def test_a_download_is_told_in_bytes() -> None:
    found = only(FETCHING, job())
    assert (states(found), found.at, found.ok) == ([N, T, T, T, T], 1, None)
    assert (found.steps[0].done, found.steps[0].total, found.steps[0].took_ms) == (50, 150, None)


RESTARTING = [
    *FETCHING,
    event(6, "phase", phase="swap"),
    event(7, "phase", phase="restart"),
    event(8, "step", "restarting duo_server"),
]


def test_a_step_that_was_passed_over_is_left() -> None:
    found = only(RESTARTING, job())
    assert (states(found), found.at) == ([D, L, D, N, T], 4)
    assert (found.steps[0].took_ms, found.steps[3].told) == (4000, ("restarting duo_server",))


def test_done() -> None:
    told = [*RESTARTING, event(9, "phase", phase="record"), event(10, "app", "committed", ok=True)]
    found = only(told, job(state=JobState.DONE, ended_at=at(11)))
    assert (states(found), found.ok, found.outcome) == ([D, L, D, D, D], True, "committed")
    assert found.steps[4].took_ms == 1000


def test_what_was_taken_back_failed_where_it_turned() -> None:
    told = [
        *RESTARTING,
        event(9, "phase", phase="undo"),
        event(10, "phase", phase="record"),
        event(11, "app", "rolled back", ok=False),
    ]
    found = only(told, job(state=JobState.ROLLED_BACK))
    assert [(s.phase, s.state) for s in found.steps][3:] == [(Phase.RESTART, F), (Phase.RECORD, D), (Phase.UNDO, D)]


def test_a_failure_without_a_way_back_is_the_last_step() -> None:
    found = only([*FETCHING, event(6, "app", "the forge is gone", ok=False)], job(state=JobState.FAILED))
    assert states(found) == [F, L, L, L, L]


def test_a_step_whose_end_nobody_told_broke_off() -> None:
    found = only(RESTARTING, job(state=JobState.FAILED, ended_at=at(30)))
    assert (states(found), found.ok, found.at) == ([D, L, D, F, L], None, 0)
    assert found.steps[3].took_ms == 23000


def test_what_others_brought_to_a_good_end_is_done() -> None:
    assert states(only(RESTARTING, job(state=JobState.DONE, ended_at=at(30)))) == [D, L, D, D, L]


def test_lines_of_one_moment_belong_to_the_step_that_told_them() -> None:
    now = at(1)
    kinds = [("app", ""), ("phase", "fetch"), ("step", ""), ("phase", "swap"), ("warning", "")]
    told = [JobEvent(n=n, at=now, kind=k, app="duo", phase=p, text=f"{n}") for n, (k, p) in enumerate(kinds, 1)]
    assert [step.told for step in only(told, job()).steps] == [("3",), (), ("5",), (), ()]


def test_a_refusal_has_no_step() -> None:
    told = [event(1, "app", "refused"), event(2, "app", "left as it is", ok=False)]
    assert states(only(told, job(state=JobState.REFUSED))) == [L] * 5


def test_a_restart_fetches_nothing() -> None:
    assert [s.phase for s in only([], job(Verb.RESTART)).steps] == [Phase.RESTART, Phase.RECORD]


def test_lines_of_no_app_belong_to_none() -> None:
    waiting = JobEvent(n=1, at=at(1), kind="step", text="waiting")
    assert [a.app for a in progress(job(), [waiting])] == ["duo"]


def test_apps_do_not_end_the_steps_of_each_other() -> None:
    told = [
        *RESTARTING,
        event(9, "app", "committed"),
        event(10, "app", "upgrade c to d", app="uno"),
        event(11, "phase", phase="fetch", app="uno"),
    ]
    duo, uno = progress(job(), told)
    assert (states(duo), states(uno)) == ([D, L, D, D, L], [N, T, T, T, T])


def test_nothing_of_a_whole_job_was_told_yet() -> None:
    found = whole(job(), [])
    assert (found.now, found.phase, found.text, found.transfer) == (None, "", "", None)
    assert (found.apps_done, len(found.apps)) == (0, 1)


def test_the_download_under_way_is_the_one_that_moved_last() -> None:
    assert whole(job(), FETCHING).transfer == Transfer(asset="duo_admin", done=10, total=50)
    assert whole(job(), FETCHING[:2]).transfer is None, "none began yet"
    assert whole(job(), RESTARTING).transfer is None, "all are here"


def test_a_download_of_another_app_is_over() -> None:
    first = [event(1, "app", "install", app="uno"), event(2, "phase", phase="fetch", app="uno")]
    moved = [*first, event(3, "fetch", "uno", app="uno", done=9, total=9), event(4, "app", "committed", app="uno")]
    told = [*moved, event(5, "app", "upgrade a to b"), event(6, "phase", phase="fetch")]
    assert whole(job(), told).transfer is None


def test_a_whole_job_has_its_last_line_and_the_apps_that_came_first() -> None:
    first = [event(1, "app", "install", app="uno"), event(2, "app", "committed", app="uno")]
    told = [*first, event(3, "app", "upgrade a to b"), event(4, "phase", phase="restart"), event(5, "warning", "slow")]
    found = whole(job(), told)
    assert (found.now and found.now.app, found.phase, found.text) == ("duo", "restart", "slow")
    assert (found.apps_done, len(found.apps)) == (1, 2)
