"""The chain of the four truths and the cells of a service's row: truths become signs and words."""

from __future__ import annotations

from collections.abc import Iterable

from attrs import evolve

from cockpitpm.model.bundle import BinaryKind, Bundle
from cockpitpm.model.release import Ancestry
from cockpitpm.model.service import Runs, ServiceState, Wanted
from cockpitpm.model.standing import (
    Act,
    Button,
    Cell,
    Chain,
    Dot,
    Icon,
    Known,
    Link,
    Mark,
    ServiceStanding,
    Tie,
    Tone,
)
from cockpitpm.model.status import ChannelTruth, FileTruth, Note, ServiceReport

KINDS = {
    BinaryKind.SERVER: "server",
    BinaryKind.ADMIN: "admin page",
    BinaryKind.WEB: "app page",
    BinaryKind.UI: "app page",
    BinaryKind.CLI: "command",
}
NOT_HERE = Cell(value="not here", note="registered by others", code=False)
OTHER_BUILD = (
    ChannelTruth.BEHIND,
    ChannelTruth.AHEAD,
    ChannelTruth.DIVERGED,
    ChannelTruth.STALE,
    ChannelTruth.BLOCKED,
)
UNREAD = (ChannelTruth.UNKNOWN, ChannelTruth.NOT_READY)
SPLIT = (Ancestry.DIVERGED, Ancestry.UNKNOWN)


def failed(service: ServiceReport) -> bool:
    """Whether it is meant to run and has no process. One that is between two of many starts has not failed yet."""
    gone = service.process is Runs.NOTHING and service.wanted is not Wanted.STOPPED
    return gone and service.restarts is None


def ailing(service: ServiceReport) -> bool:
    """Whether it has a process that does not answer, or processes that do not last."""
    return service.unanswered is not None or service.restarts is not None


def stopped(service: ServiceReport) -> bool:
    """Whether somebody stopped it on purpose. A service that somebody else registers may also not be here at all."""
    there = service.state is not ServiceState.ABSENT
    return there and service.process is Runs.NOTHING and service.wanted is Wanted.STOPPED


def disagrees(service: ServiceReport) -> bool:
    """Whether the supervisor's word contradicts what is seen."""
    if service.process is Runs.NOTHING:
        # Its own word: a state that claims a process without one was not believed before it came here.
        return service.state is ServiceState.RUNNING or service.raw.lower() == "running"
    if ailing(service):
        return service.state is ServiceState.RUNNING
    return service.state not in (ServiceState.RUNNING, ServiceState.UNKNOWN)


def chain_of(services: Iterable[ServiceReport], known: Known, held: bool = False) -> Chain:
    """The chain of one service, or of all of an app: what is odd about one is odd about all."""
    found = tuple(services)
    alive = [s for s in found if s.process is not Runs.NOTHING]
    newest = _channel(found, known, held)
    process = _process(found, alive)
    marks = (process, _file(found), _receipt(found), newest)
    runs = Tie.OPEN if any(failed(s) for s in found) else _tie(_runs(s) for s in alive)
    links = (
        Link(tie=runs, tone=Tone.WARN),
        Link(tie=_tie(_recorded(s) for s in found), tone=Tone.WARN),
        Link(tie=_tie(_published(s, known) for s in found), tone=newest.tone),
    )
    return Chain(marks=marks, links=links)


NOT_INSTALLED = Chain(
    marks=(Mark(dot=Dot.UNKNOWN), Mark(dot=Dot.UNKNOWN), Mark(dot=Dot.UNKNOWN), Mark(dot=Dot.THERE)),
    links=(Link(tie=Tie.OPEN), Link(tie=Tie.OPEN), Link(tie=Tie.OPEN)),
)


def _process(found: tuple[ServiceReport, ...], alive: list[ServiceReport]) -> Mark:
    if any(failed(s) or ailing(s) for s in found):
        return Mark(dot=Dot.FAILING, tone=Tone.BAD)
    if found and not alive:
        return Mark(dot=Dot.ABSENT)
    return Mark(dot=Dot.UNKNOWN if any(s.process is Runs.UNVERIFIED for s in alive) else Dot.THERE)


def _file(found: tuple[ServiceReport, ...]) -> Mark:
    if any(s.file is FileTruth.MISSING for s in found):
        return Mark(dot=Dot.FAILING, tone=Tone.BAD)
    return Mark(dot=Dot.UNKNOWN if any(s.file is FileTruth.UNKNOWN for s in found) else Dot.THERE)


def _receipt(found: tuple[ServiceReport, ...]) -> Mark:
    return Mark(dot=Dot.THERE if all(s.receipt for s in found) else Dot.ABSENT)


def _channel(found: tuple[ServiceReport, ...], known: Known, held: bool) -> Mark:
    if any(s.channel in OTHER_BUILD for s in found):
        if known.ancestry is Ancestry.DOWNGRADE:
            return Mark(dot=Dot.OLDER, tone=Tone.WARN)
        if known.ancestry in SPLIT:
            return Mark(dot=Dot.THERE, tone=Tone.WARN)
        tried = all(s.channel is not ChannelTruth.BEHIND for s in found)
        return Mark(dot=Dot.NEWER, tone=Tone.HOLD if held else Tone.MUTE if tried else Tone.INFO)
    if any(s.channel is ChannelTruth.UNFIT for s in found):
        return Mark(dot=Dot.NEWER)
    unread = known.unread or any(s.channel in UNREAD for s in found)
    return Mark(dot=Dot.UNKNOWN if unread else Dot.THERE)


def _tie(ties: Iterable[Tie]) -> Tie:
    """The worst of them; without any, nothing can be said."""
    found = set(ties) or {Tie.OPEN}
    return next(tie for tie in (Tie.DIFFERS, Tie.OPEN, Tie.SAME) if tie in found)


def _runs(service: ServiceReport) -> Tie:
    if service.process is Runs.UNVERIFIED:
        return Tie.OPEN
    return Tie.SAME if service.process is Runs.CURRENT else Tie.DIFFERS


def _recorded(service: ServiceReport) -> Tie:
    if service.receipt is None or service.file in (FileTruth.MISSING, FileTruth.UNKNOWN):
        return Tie.OPEN
    return Tie.SAME if service.file is FileTruth.RECORDED else Tie.DIFFERS


def _published(service: ServiceReport, known: Known) -> Tie:
    if service.receipt is None or service.channel in UNREAD:
        return Tie.OPEN
    if service.channel is ChannelTruth.SAME:
        return Tie.OPEN if known.unread else Tie.SAME
    return Tie.DIFFERS


def service_standing(service: ServiceReport, first: bool, known: Known, held: bool) -> ServiceStanding:
    """One service's row. `first` says that no service above it runs the same binary."""
    icon, tone = _sign(service)
    return ServiceStanding(
        name=service.name,
        about=_about(service.name, known.bundle),
        icon=icon,
        tone=tone,
        chain=chain_of((service,), known, held),
        running=_running(service),
        on_disk=_on_disk(service, first),
        build=_build(service, first),
        channel=_on_channel(service, known, held),
        supervisor=_supervisor(service),
        buttons=_buttons(service, known, held),
    )


def _sign(service: ServiceReport) -> tuple[Icon, Tone]:
    if failed(service) or ailing(service):
        return Icon.BAD, Tone.BAD
    if service.process is Runs.NOTHING:
        return Icon.STOPPED, Tone.MUTE
    return Icon.CURRENT, Tone.OK


def _about(name: str, bundle: Bundle | None) -> str:
    if bundle is None:
        return ""
    kinds = {b.name: KINDS[b.kind] for b in bundle.binaries}
    return kinds.get(name, "restarts with it" if any(s.name == name for s in bundle.services) else "")


def _commit(service: ServiceReport) -> str:
    return service.receipt.commit[:7] if service.receipt else ""


def _running(service: ServiceReport) -> Cell:
    """What runs. What that is worth is told in the note."""
    if service.restarts:
        times = f"{service.restarts.count} times in {service.restarts.within // 60} min"
        return Cell(value="does not last", note=times, tone=Tone.BAD, code=False)
    cell = _executed(service)
    if service.unanswered:
        return evolve(cell, note=f"{cell.note}, no answer", tone=Tone.BAD)
    if service.unapplied:
        return evolve(cell, note=f"{cell.note}, older settings", tone=Tone.WARN)
    return cell


def _executed(service: ServiceReport) -> Cell:
    pid = f"pid {service.pid}" if service.pid else ""
    match service.process:
        case Runs.CURRENT:
            commit = _commit(service)
            return Cell(value=commit or "current", note=pid, code=bool(commit))
        case Runs.OLD:
            return Cell(value="older build", note=pid, tone=Tone.WARN, code=False)
        case Runs.OTHER:
            return Cell(value="another file", note=pid, tone=Tone.WARN, code=False)
        case Runs.UNVERIFIED:
            return Cell(value="cannot be told", note=pid, tone=Tone.WARN, code=False)
        case Runs.NOTHING if failed(service):
            return Cell(value="no process", note="it is meant to run", tone=Tone.BAD, code=False)
        case _:
            return Cell(value="stopped", note="on purpose", code=False) if stopped(service) else NOT_HERE


def _on_disk(service: ServiceReport, first: bool) -> Cell:
    match service.file:
        case FileTruth.MISSING:
            return Cell(value="gone", note="the receipt knows it", tone=Tone.BAD, code=False)
        case FileTruth.UNKNOWN:
            return Cell(value="unreadable", note="cannot be compared", tone=Tone.WARN, code=False)
        case FileTruth.DRIFTED:
            value = (service.file_sha256 or "")[:7]
            return Cell(value=value or "no bytes", note="differs from receipt", tone=Tone.WARN, code=bool(value))
        case _:
            same = "matches receipt" if first else "same file"
            commit = _commit(service)
            return Cell(value=commit or "there", note=same if service.receipt else "no receipt", code=bool(commit))


def _build(service: ServiceReport, first: bool) -> Cell:
    if service.receipt is None:
        return Cell(value="no receipt", tone=Tone.WARN, code=False)
    return Cell(value=_commit(service), note=f"md5 {service.receipt.md5[:8]}" if first else "same receipt")


def _on_channel(service: ServiceReport, known: Known, held: bool) -> Cell:
    commit = service.channel_commit[:7]
    match service.channel:
        case ChannelTruth.UNKNOWN:
            return Cell(value="not read", code=False)
        case ChannelTruth.NOT_READY:
            return Cell(value="not ready", code=False)
        case ChannelTruth.SAME:
            same = not service.receipt or service.receipt.commit == service.channel_commit
            told = "same" if same else "same bytes"
            return Cell(value=commit, note=f"{told}, as last read" if known.unread else told)
        case ChannelTruth.BLOCKED:
            return Cell(value=commit, note="failed here", tone=Tone.MUTE)
        case ChannelTruth.UNFIT:
            return Cell(value=commit, note="will not run here", tone=Tone.MUTE)
        case ChannelTruth.STALE:
            return Cell(value=commit, note="files are older", tone=Tone.WARN)
        case _:
            return _other_build(commit, known.ancestry, held)


def _other_build(commit: str, ancestry: Ancestry | None, held: bool) -> Cell:
    if ancestry is Ancestry.DOWNGRADE:
        return Cell(value=commit, note="older", tone=Tone.WARN)
    if ancestry in SPLIT:
        return Cell(value=commit, note="diverged", tone=Tone.WARN)
    note = "newer" if ancestry is Ancestry.UPGRADE else "other build"
    return Cell(value=commit, note=note, tone=Tone.HOLD if held else Tone.INFO)


def _supervisor(service: ServiceReport) -> Cell:
    said = service.raw or service.state.value
    if disagrees(service):
        return Cell(value=said, note="disagrees", tone=Tone.WARN, code=False)
    return Cell(value=said, code=False)


def _buttons(service: ServiceReport, known: Known, held: bool) -> tuple[Button, ...]:
    """What can be asked for from the row of a service, nothing where it was seen too long ago.

    An upgrade is that of the whole app, asked from here.
    """
    if known.as_of:
        return ()
    name = service.name
    log = Button(act=Act.SHOW_LOG, service=name)
    ready = service.channel is ChannelTruth.BEHIND and not held and known.ancestry not in (Ancestry.DOWNGRADE, *SPLIT)
    upgrade = (Button(act=Act.UPGRADE, service=name),) if ready else ()
    if service.process is Runs.NOTHING:
        return (*upgrade, Button(act=Act.START, service=name), log)
    pending = service.process is not Runs.CURRENT or bool(service.unapplied)
    restart = Button(act=Act.CONVERGE if pending else Act.RESTART, service=name)
    return (*upgrade, restart, Button(act=Act.STOP, service=name), log)


def noted(service: ServiceReport, note: Note) -> str:
    """The evidence of a note on a service; empty if it has none of the kind."""
    return next((r.evidence for r in service.remarks if r.note is note), "")
