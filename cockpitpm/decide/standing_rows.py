"""The table of states: what can be said of an app, the most pressing first. Each row looks at one kind of fact.

The supervisor's word never makes a row; it is told beside the truths, and where it contradicts them.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from attrs import evolve

from cockpitpm.decide.standing_cells import disagrees
from cockpitpm.decide.standing_cells import failed as is_failed
from cockpitpm.model.job import Job, JobState
from cockpitpm.model.receipt import Verb
from cockpitpm.model.service import Runs, Wanted
from cockpitpm.model.standing import Act, Button, Finding, Icon, Known, Section, Tone
from cockpitpm.model.status import AppReport, Note

DOING = {
    Verb.INSTALL: "Installing",
    Verb.UPGRADE: "Upgrading",
    Verb.ROLLBACK: "Rolling back",
    Verb.REMOVE: "Removing",
    Verb.ADOPT: "Keeping this build",
    Verb.CONVERGE: "Finishing a restart",
    Verb.START: "Starting",
    Verb.RESTART: "Restarting",
}
NUMBERS = ("none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

wrong = partial(Finding, section=Section.NEEDS_DECISION, icon=Icon.BAD, tone=Tone.BAD)
"""Something does not work."""
doubtful = partial(Finding, section=Section.NEEDS_DECISION, icon=Icon.WARN, tone=Tone.WARN)
"""It works, and a person has to say what should become of it."""
unsettled = partial(Finding, section=Section.NEEDS_DECISION, icon=Icon.PENDING, tone=Tone.WARN)
"""What runs is not yet what is in place."""
quiet = partial(Finding, section=Section.IN_ORDER, tone=Tone.MUTE)
"""All is as somebody wants it; it is told in grey."""


def day(moment: str) -> str:
    """`30 Nov` of an RFC 3339 moment."""
    return f"{int(moment[8:10])} {MONTHS[int(moment[5:7]) - 1]}"


def moment(text: str) -> str:
    """`30 Nov, 09:10` of an RFC 3339 moment."""
    return f"{day(text)}, {text[11:16]}"


def some(part: int, whole: int) -> str:
    """`one of three services`; empty where it is all of them."""
    return "" if part == whole else f"{number(part)} of {number(whole)} services"


def sentence(text: str) -> str:
    """The text as a sentence of its own."""
    return f"{text[:1].upper()}{text[1:]}." if text else ""


def number(count: int) -> str:
    """In words, as far as people like them."""
    return NUMBERS[count] if count < len(NUMBERS) else str(count)


def at_work(app: AppReport, known: Known) -> Finding | None:
    """Progress outranks everything: a job runs or waits."""
    mine = [job for job in known.jobs if not job.state.ended and app.name in job.order.apps]
    if not mine:
        return None
    job = min(mine, key=lambda job: (job.state is not JobState.RUNNING, job.id))
    told = Finding(
        row=1,
        section=Section.UPDATES,
        icon=Icon.JOB,
        tone=Tone.INFO,
        words=DOING[job.order.request.verb],
        detail=f"started by {job.actor}" if job.actor else "started",
        at=job.started_at,
        primary=Button(act=Act.WATCH, job=job.id),
        job=job.id,
    )
    return told if job.state is JobState.RUNNING else _waiting(told, job, known.jobs)


def _waiting(told: Finding, job: Job, jobs: Iterable[Job]) -> Finding:
    before = [other.id for other in jobs if other.id < job.id and not other.state.ended]
    return evolve(
        told,
        row=2,
        words=f"Waiting for job {max(before)}" if before else "Waiting to begin",
        detail=f"ordered by {job.actor}" if job.actor else "ordered",
        at=job.made_at,
        others=(Button(act=Act.CANCEL, job=job.id),),
    )


def interrupted(app: AppReport, known: Known) -> Finding | None:
    """A transaction was cut off and nobody works on it."""
    left = next((r for r in app.remarks if r.note is Note.UNFINISHED), None)
    if left is None:
        return None
    return doubtful(
        row=3,
        words="Interrupted",
        detail="a change was not finished",
        why=f"{sentence(left.evidence)} Finishing goes forward if the new build proves itself, and back if not.",
        primary=Button(act=Act.FINISH),
    )


def damaged(app: AppReport, known: Known) -> Finding | None:
    """The records cannot be read."""
    odd = next((r for r in app.remarks if r.note is Note.DAMAGED), None)
    if odd is None:
        return None
    return wrong(
        row=3,
        words="Records damaged",
        detail="what runs is not touched",
        why=sentence(odd.evidence),
        primary=Button(act=Act.INSTALL),
    )


def failed(app: AppReport, known: Known) -> Finding | None:
    """A service is meant to run and has no process."""
    down = [s for s in app.services if is_failed(s)]
    if not down:
        return None
    said = next((s for s in down if disagrees(s)), None)
    tail = f" Its supervisor still says {said.raw or said.state.value}." if said else ""
    first = said or down[0]
    return wrong(
        row=5,
        words="Failed",
        detail=some(len(down), len(app.services)) or f"the supervisor says {first.raw or first.state.value}",
        subject=first.name,
        why=f"is meant to run and has no process.{tail} Look at its log before you start it again.",
        primary=Button(act=Act.SHOW_LOG, service=first.name),
        others=(Button(act=Act.RESTART, service=first.name),),
    )


def running_though_stopped(app: AppReport, known: Known) -> Finding | None:
    """A service was stopped on purpose and runs."""
    loose = [s for s in app.services if s.wanted is Wanted.STOPPED and s.process is not Runs.NOTHING]
    if not loose:
        return None
    return doubtful(
        row=9,
        words="Running though stopped",
        detail=some(len(loose), len(app.services)),
        subject=loose[0].name,
        why=f"was stopped on purpose, and process {loose[0].pid} runs.",
        primary=Button(act=Act.STOP, service=loose[0].name),
        others=(Button(act=Act.SHOW_LOG, service=loose[0].name),),
    )


def pending(app: AppReport, known: Known) -> Finding | None:
    """A process runs other bytes than the file has, or may."""
    old = [s for s in app.services if s.process in (Runs.OLD, Runs.OTHER, Runs.UNVERIFIED)]
    if not old:
        return None
    sure = next((s for s in old if s.process is not Runs.UNVERIFIED), None)
    first = sure or old[0]
    why = {
        Runs.OLD: "still runs an older build. The file is already the new one.",
        Runs.OTHER: "runs something that is not this app's file.",
        Runs.UNVERIFIED: "is a script that may have been started before its file changed.",
    }[first.process]
    return unsettled(
        row=14,
        words="Restart pending" if sure else "Restart unproved",
        detail=some(len(old), len(app.services)),
        subject=first.name,
        why=why,
        primary=Button(act=Act.CONVERGE),
        others=(Button(act=Act.SHOW_LOG, service=first.name),),
    )
