"""The rows of the table of states about services that run and are not well, or not as declared."""

from __future__ import annotations

from cockpitpm.decide.standing_cells import disagrees
from cockpitpm.decide.standing_rows import doubtful, some, unsettled, wrong
from cockpitpm.model.service import Runs, Wanted
from cockpitpm.model.standing import Act, Button, Finding, Known
from cockpitpm.model.status import AppReport, ServiceReport

SHOWN = 3
"""Names of variables in one sentence."""


def silent(app: AppReport, known: Known) -> Finding | None:
    """A process is there and its declared probe gets no good answer."""
    mute = [s for s in app.services if s.unanswered and s.process is not Runs.NOTHING]
    if not mute:
        return None
    first = mute[0]
    assert first.unanswered is not None
    part = some(len(mute), len(app.services))
    return wrong(
        row=6,
        words="Not answering",
        detail=", ".join(filter(None, (part, "since"))),
        at=first.unanswered.since,
        subject=first.name,
        why=f"has process {first.pid} and gives no good answer: {first.unanswered.answer}.{_said(first)}",
        primary=Button(act=Act.SHOW_LOG, service=first.name),
        others=(Button(act=Act.RESTART, service=first.name),),
    )


def _said(service: ServiceReport) -> str:
    return f" Its supervisor says {service.raw or service.state.value}." if disagrees(service) else ""


def restarting(app: AppReport, known: Known) -> Finding | None:
    """Processes start and die, and the supervisor starts the next one."""
    restless = [s for s in app.services if s.restarts and s.wanted is not Wanted.STOPPED]
    if not restless:
        return None
    first = restless[0]
    assert first.restarts is not None
    times = f"{first.restarts.count} in {first.restarts.within // 60} min"
    back = (Button(act=Act.ROLL_BACK),) if app.generation > 1 else ()
    return wrong(
        row=7,
        words="Keeps restarting",
        detail=", ".join(filter(None, (some(len(restless), len(app.services)), times))),
        subject=first.name,
        why=f"ends again and again, and its supervisor starts it again.{_said(first)} Its log tells why it ends.",
        primary=Button(act=Act.SHOW_LOG, service=first.name),
        others=(Button(act=Act.STOP, service=first.name), *back),
    )


def copied(app: AppReport, known: Known) -> Finding | None:
    """Several processes hold one socket."""
    double = next((s for s in app.services if s.copies), None)
    if double is None:
        return None
    assert double.copies is not None
    pids = [str(pid) for pid in double.copies.pids]
    return doubtful(
        row=10,
        words="Two copies running" if len(pids) == 2 else f"{len(pids)} copies running",
        detail=f"pids {', '.join(pids)}",
        subject=double.name,
        why=f"shares its socket: processes {' and '.join(pids)} all listen at {double.copies.where}, "
        "and only the last one that bound it is asked anything.",
        primary=Button(act=Act.SHOW_THEM),
        others=(Button(act=Act.STOP, service=double.name),),
    )


def unapplied(app: AppReport, known: Known) -> Finding | None:
    """A service was started with other settings than are declared now."""
    old = [s for s in app.services if s.unapplied]
    if not old:
        return None
    first = old[0]
    named = ", ".join(first.unapplied[:SHOWN])
    more = len(first.unapplied) - SHOWN
    rest = f" and {more} more" if more > 0 else ""
    return unsettled(
        row=15,
        words="Settings not applied",
        detail=some(len(old), len(app.services)),
        subject=first.name,
        why=f"was started before {named}{rest} changed. It is registered anew and restarted with what is declared now.",
        primary=Button(act=Act.CONVERGE, service=first.name if len(old) < len(app.services) else ""),
        others=(Button(act=Act.DETAILS),),
    )
