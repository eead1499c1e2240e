"""How an app stands: its truths, its jobs and what somebody wants become the words, signs and buttons of every face.

The first row of the table that matches wins; the others are counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable

from attrs import evolve

from cockpitpm.decide import standing_channel as channel
from cockpitpm.decide import standing_files as files
from cockpitpm.decide import standing_rows as rows
from cockpitpm.decide import standing_services as services
from cockpitpm.decide.standing_cells import NOT_INSTALLED, OTHER_BUILD, chain_of, service_standing
from cockpitpm.decide.standing_rows import moment
from cockpitpm.model.standing import (
    Act,
    Button,
    Finding,
    Known,
    Section,
    ServiceStanding,
    Standing,
    Summary,
    Tone,
)
from cockpitpm.model.status import AppReport

Row = Callable[[AppReport, Known], Finding | None]

TABLE: tuple[Row, ...] = (
    rows.at_work,
    rows.interrupted,
    rows.damaged,
    files.file_missing,
    rows.failed,
    services.silent,
    services.restarting,
    rows.running_though_stopped,
    services.copied,
    files.by_hand,
    files.unreadable,
    files.no_receipt,
    rows.pending,
    services.unapplied,
    files.removed,  # before what the channel offers: an upgrade is refused until the entry is back
    channel.offered,
    channel.not_ready,
    channel.unfit,
    files.partly,  # before the quiet rows: they ask for nothing, and this does
    channel.unlisted,
    channel.unread,
    channel.pinned,
    channel.on_purpose,
    channel.nothing_new,
)
"""Every row that may match, the most pressing first. Where none does, all is well or nothing is installed."""

CURRENT = (25, 26, 28)


def standing(app: AppReport, known: Known) -> Standing:
    """How one app stands."""
    found = tuple(finding for row in TABLE if (finding := row(app, known)))
    first = found[0] if found else channel.current(app, known) if app.generation else channel.absent(app)
    first = _late(first, known.as_of)
    held, known = known.hold is not None, evolve(known, unread=bool(app.silence))
    commits = _commits(app)
    return Standing(
        app=app.name,
        title=app.title,
        layer=app.layer,
        section=first.section,
        row=first.row,
        icon=first.icon,
        tone=first.tone,
        words=first.words,
        detail=first.detail,
        at=first.at,
        subject=first.subject,
        why=first.why,
        more=max(0, len(found) - 1),
        primary=first.primary,
        others=first.others,
        menu=_menu(app, known, first),
        chain=chain_of(app.services, known, held) if app.services else NOT_INSTALLED,
        current=commits[0],
        offered=commits[1],
        tag=commits[2],
        installed_at=next((s.installed_at for s in app.services), ""),
        generation=app.generation,
        job=first.job,
        services=_services(app, known, held),
        as_of=known.as_of,
    )


def _late(first: Finding, as_of: str) -> Finding:
    """What was seen too long ago keeps its words and its place; nothing is offered on it but to look again.

    So it has no menu either, and its services no buttons.
    """
    if not as_of:
        return first
    told = ", ".join(filter(None, (first.detail, f"as of {moment(as_of)}")))
    return evolve(first, row=31, tone=Tone.MUTE, detail=told, at="", primary=Button(act=Act.LOOK), others=())


def _commits(app: AppReport) -> tuple[str, str, str]:
    """The installed commit, the offered one where it is another, and the tag that the build came from."""
    receipts = [s.receipt for s in app.services if s.receipt]
    offered = next((s.channel_commit[:7] for s in app.services if s.channel in OTHER_BUILD), "")
    return (receipts[0].commit[:7], offered, receipts[0].tag) if receipts else ("", offered, app.channel)


def _services(app: AppReport, known: Known, held: bool) -> tuple[ServiceStanding, ...]:
    seen: set[str] = set()
    found = []
    for service in app.services:
        binary = service.receipt.binary if service.receipt else service.name
        found.append(service_standing(service, binary not in seen, known, held))
        seen.add(binary)
    return tuple(found)


def _menu(app: AppReport, known: Known, first: Finding) -> tuple[Button, ...]:
    """Everything else that can be asked for; what has a button already is not repeated."""
    if not app.generation or known.as_of:
        return ()
    offers = [
        Button(act=Act.DETAILS),
        *([Button(act=Act.UPGRADE)] if first.row in CURRENT and known.bundle and not known.hold else []),
        *([Button(act=Act.ROLL_BACK)] if app.generation > 1 else []),
        *([Button(act=Act.RESTART), Button(act=Act.STOP)] if app.services else []),
        Button(act=Act.RELEASE if known.hold else Act.HOLD),
        Button(act=Act.CHANNEL),
        Button(act=Act.UNPIN if known.pin else Act.PIN),
        Button(act=Act.SHOW_LOG),
        Button(act=Act.REMOVE),
    ]
    shown = {b.act for b in (first.primary, *first.others) if b}
    return tuple(b for b in offers if b.act not in shown)


def in_section(found: Iterable[Standing], section: Section) -> tuple[Standing, ...]:
    """The apps of one section, by their names."""
    return tuple(sorted((s for s in found if s.section is section), key=lambda s: s.app))


def summary(found: Iterable[Standing]) -> Summary:
    """The machine in a sentence."""
    every = tuple(found)
    here = [s for s in every if s.generation]
    counts = Counter(s.section for s in every)
    ready = sum(s.row == 16 for s in every)
    late = min((s.as_of for s in every if s.as_of), default="")
    if late:
        head = f"Nobody could look at this machine since {moment(late)}."
    elif not here:
        head = "Nothing is installed on this machine."
    else:
        current = sum(s.row in CURRENT for s in here)
        head = f"{current} of {_apps(len(here))} {_is(current)} current."
    parts = [
        (ready, "has an update", "have updates"),
        *_working(every),
        (sum(s.row == 17 for s in every), "is held", "are held"),
        (sum(s.row == 27 for s in every), "is stopped on purpose", "are stopped on purpose"),
    ]
    asks = counts[Section.NEEDS_DECISION]
    loud = f"{asks} {'needs' if asks == 1 else 'need'} a decision" if asks else ""
    rest = ", ".join(f"{n} {one if n == 1 else more}" for n, one, more in parts if n)
    sections = {section: counts[section] for section in Section}
    return Summary(head=head, loud=loud, rest=rest, counts=sections, updates=ready)


def _working(every: tuple[Standing, ...]) -> list[tuple[int, str, str]]:
    """Each kind of work by itself: `1 is upgrading`."""
    words = Counter(s.words.lower() for s in every if s.row == 1)
    waiting = sum(s.row == 2 for s in every)
    return [*((n, f"is {w}", f"are {w}") for w, n in sorted(words.items())), (waiting, "is waiting", "are waiting")]


def _apps(count: int) -> str:
    return f"{count} installed {'app' if count == 1 else 'apps'}"


def _is(count: int) -> str:
    return "is" if count == 1 else "are"
