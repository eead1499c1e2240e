"""What a job has told becomes its steps, app by app."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from cockpitpm.model.job import Job, JobEvent, JobState, Phase
from cockpitpm.model.progress import AppProgress, JobProgress, StepProgress, StepState, Transfer
from cockpitpm.model.receipt import Verb

FORWARD = (Phase.FETCH, Phase.VERIFY, Phase.SWAP, Phase.RESTART, Phase.RECORD)
EXPECTED = {
    Verb.INSTALL: FORWARD,
    Verb.UPGRADE: FORWARD,
    Verb.ROLLBACK: (Phase.VERIFY, Phase.SWAP, Phase.RESTART, Phase.RECORD),
    Verb.REMOVE: (Phase.SWAP, Phase.RECORD),
    Verb.ADOPT: (Phase.SWAP, Phase.RECORD),
    Verb.CONVERGE: (Phase.RESTART, Phase.RECORD),
    Verb.START: (Phase.RESTART, Phase.RECORD),
    Verb.RESTART: (Phase.RESTART, Phase.RECORD),
}
ORDER = tuple(Phase)
LINES = ("step", "warning")


def progress(job: Job, events: Iterable[JobEvent]) -> tuple[AppProgress, ...]:
    """The apps of a job in the order in which they were told; those whose turn has not come are last."""
    told = tuple(events)
    known = dict.fromkeys((*(e.app for e in told if e.app), *job.order.apps))
    return tuple(_app(app, job, [e for e in told if e.app == app]) for app in known)


def whole(job: Job, told: Sequence[JobEvent]) -> JobProgress:
    """How far a job is, from its events in order."""
    apps = progress(job, told)
    lines = [e.text for e in told if e.kind in LINES]
    return JobProgress(apps=apps, text=lines[-1] if lines else "", transfer=_transfer(apps, told))


def _transfer(apps: tuple[AppProgress, ...], told: Sequence[JobEvent]) -> Transfer | None:
    """The download that was told of last, as long as its app fetches."""
    fetching = {app.app for app in apps if app.at and app.steps[app.at - 1].phase is Phase.FETCH}
    moved = [e for e in told if e.kind == "fetch" and e.app in fetching]
    return Transfer(asset=moved[-1].text, done=moved[-1].done, total=moved[-1].total) if moved else None


def _app(app: str, job: Job, told: list[JobEvent]) -> AppProgress:
    lines = [e for e in told if e.kind == "app"]
    over = len(lines) > 1 or job.state.ended
    ok = lines[-1].ok if len(lines) > 1 else None
    # An end that nobody told is one in the middle, unless the job came to a good end without whoever began it.
    broken = ok is False or (ok is None and job.state is not JobState.DONE)
    return AppProgress(
        app=app,
        decision=lines[0].text if lines else "",
        outcome=lines[-1].text if len(lines) > 1 else "",
        ok=ok,
        steps=_steps(job, told, over, over and broken, lines[-1].at if len(lines) > 1 else job.ended_at),
    )


def _steps(job: Job, told: list[JobEvent], over: bool, broken: bool, ended_at: str) -> tuple[StepProgress, ...]:
    begun = [e for e in told if e.kind == "phase"]
    seen = [Phase(e.phase) for e in begun]
    phases = sorted({*EXPECTED[job.order.request.verb], *seen}, key=ORDER.index)
    # What came before the way back is what went wrong.
    failed = seen[seen.index(Phase.UNDO) - 1] if Phase.UNDO in seen[1:] else seen[-1] if broken and seen else None
    return tuple(_step(phase, begun, told, over, failed, ended_at) for phase in phases)


def _step(
    phase: Phase, begun: list[JobEvent], told: list[JobEvent], over: bool, failed: Phase | None, ended_at: str
) -> StepProgress:
    at = next((i for i, one in enumerate(begun) if one.phase == phase.value), None)
    if at is None:
        passed = over or any(ORDER.index(Phase(one.phase)) > ORDER.index(phase) for one in begun)
        return StepProgress(phase=phase, state=StepState.LEFT if passed else StepState.TODO)
    first, after = begun[at], begun[at + 1 : at + 2]
    until = after[0].at if after else ended_at if over else ""
    state = StepState.FAILED if phase is failed else StepState.DONE if until else StepState.NOW
    done, total = _bytes(told) if phase is Phase.FETCH else (0, 0)
    return StepProgress(
        phase=phase,
        state=state,
        told=tuple(_lines(told, first, after)),
        took_ms=_between(first.at, until) if until else None,
        since=first.at,
        done=done,
        total=total,
    )


def _lines(told: list[JobEvent], first: JobEvent, after: list[JobEvent]) -> list[str]:
    """By their numbers: several lines may have one time."""
    return [e.text for e in told if e.kind in LINES and e.n > first.n and all(e.n < next_.n for next_ in after)]


def _bytes(told: list[JobEvent]) -> tuple[int, int]:
    """Of all files: the newest word on each."""
    newest = {e.text: (e.done, e.total) for e in told if e.kind == "fetch"}
    return sum(done for done, _ in newest.values()), sum(total for _, total in newest.values())


def _between(since: str, until: str) -> int:
    took = datetime.fromisoformat(until) - datetime.fromisoformat(since)
    return max(0, round(took.total_seconds() * 1000))
