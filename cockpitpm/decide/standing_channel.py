"""The lower half of the table of states: what the channel offers, and what is as somebody wants it."""

from __future__ import annotations

from cockpitpm.decide.standing_cells import OTHER_BUILD, SPLIT, noted, stopped
from cockpitpm.decide.standing_files import counted
from cockpitpm.decide.standing_rows import day, doubtful, moment, number, quiet, sentence, some
from cockpitpm.model.release import Ancestry
from cockpitpm.model.settings import Hold
from cockpitpm.model.standing import Act, Button, Finding, Icon, Known, Section, Tone
from cockpitpm.model.state import Stop
from cockpitpm.model.status import AppReport, ChannelTruth, Note


def offered(app: AppReport, known: Known) -> Finding | None:
    """The channel has another build: what that means here. One fact, so one row."""
    if not _other_build(app):
        return None
    ways = (_held_back, _failed_here, _ahead, _diverged, _out_of_date)
    return next((found for way in ways if (found := way(app, known))), None) or _update_ready(app, known)


def _held_back(app: AppReport, known: Known) -> Finding | None:
    """The channel has another build, and somebody does not want it yet."""
    if known.hold is None:
        return None
    return Finding(
        row=17,
        section=Section.IN_ORDER,
        icon=Icon.HELD,
        tone=Tone.HOLD,
        words=held_words(known.hold),
        detail=known.hold.reason,
        why=f"The channel has another build, and it is left alone: {known.hold.reason}",
        primary=Button(act=Act.RELEASE),
        others=() if _leads_astray(app, known) else (Button(act=Act.UPGRADE_ONCE),),
    )


def _leads_astray(app: AppReport, known: Known) -> bool:
    """Whether the build would be refused to somebody who goes past the hold."""
    return any(way(app, known) for way in (_ahead, _diverged, _out_of_date))


def held_words(hold: Hold) -> str:
    """`Held until 30 Nov`."""
    return f"Held until {day(hold.until)}" if hold.until else "Held"


def _failed_here(app: AppReport, known: Known) -> Finding | None:
    """The newest build was tried and taken back."""
    if all(s.channel is not ChannelTruth.BLOCKED for s in app.services):
        return None
    return quiet(
        row=18,
        icon=Icon.BLOCKED,
        words="Newest build failed here",
        detail="the one before it runs",
        why="The build that the channel holds was tried here and taken back. The next one is tried as always; if the "
        "machine was to blame, this one can be tried again.",
        primary=Button(act=Act.WHAT_FAILED),
        others=(Button(act=Act.TRY_AGAIN),),
    )


def _ahead(app: AppReport, known: Known) -> Finding | None:
    """The channel leads back: an upgrade would be a downgrade."""
    if known.ancestry is not Ancestry.DOWNGRADE:
        return None
    return Finding(
        row=19,
        section=Section.NEEDS_DECISION,
        icon=Icon.OLDER,
        tone=Tone.WARN,
        words="Ahead of channel",
        detail="the channel is older",
        why="What is installed has everything that the channel holds, and more. Going back is not offered here; "
        "the plan tells the command.",
        primary=Button(act=Act.COMPARE),
        others=(Button(act=Act.HOLD), Button(act=Act.WHAT_IS_WRONG)),
    )


def _diverged(app: AppReport, known: Known) -> Finding | None:
    """Each of the two builds has something that the other lacks, or nobody can tell."""
    if known.ancestry not in SPLIT:
        return None
    return doubtful(
        row=20,
        words="Diverged",
        detail="neither build has all of the other",
        why="The installed build and the one of the channel went separate ways, so an upgrade would lose something.",
        primary=Button(act=Act.COMPARE),
        others=(Button(act=Act.HOLD), Button(act=Act.WHAT_IS_WRONG)),
    )


def _out_of_date(app: AppReport, known: Known) -> Finding | None:
    """The files of the channel cannot be the build that it names."""
    odd = next((s for s in app.services if s.channel is ChannelTruth.STALE), None)
    if odd is None:
        return None
    return doubtful(
        row=21,
        words="Release out of date",
        detail="its files are older than its tag",
        why=f"{sentence(noted(odd, Note.STALE))} An upgrade would take old files for new ones and is not offered.",
        primary=Button(act=Act.WHAT_IS_WRONG),
        others=(Button(act=Act.CHECK),),
    )


def _update_ready(app: AppReport, known: Known) -> Finding:
    """Nothing speaks against it."""
    return Finding(
        row=16,
        section=Section.UPDATES,
        icon=Icon.NEWER,
        tone=Tone.INFO,
        words="Update ready",
        detail="newer by its commits" if known.ancestry is Ancestry.UPGRADE else "another build is published",
        why=_order(app),
        primary=Button(act=Act.UPGRADE),
        others=(Button(act=Act.HOLD),),
    )


def _order(app: AppReport) -> str:
    names = [s.name for s in app.services]
    if len(names) == 1:
        return f"{names[0]} restarts on the new build."
    return f"{number(len(names)).capitalize()} services restart on the new build, {names[0]} first."


def not_ready(app: AppReport, known: Known) -> Finding | None:
    """The release is not whole yet; whoever publishes it is at work."""
    if all(s.channel is not ChannelTruth.NOT_READY for s in app.services):
        return None
    return quiet(
        row=22,
        icon=Icon.NOT_READY,
        words="Release not ready",
        detail=counted(app.published) if app.published else "being published",
        why=f"{sentence(app.withheld)} What is installed keeps running.",
        primary=Button(act=Act.CHECK),
    )


def unfit(app: AppReport, known: Known) -> Finding | None:
    """Nothing of the release runs on this machine."""
    if all(s.channel is not ChannelTruth.UNFIT for s in app.services):
        return None
    asset, useless, problem = app.withheld.partition(" cannot run here: ")
    told = f"cannot run here: {problem}." if useless else sentence(app.withheld)
    return quiet(
        row=23,
        icon=Icon.BLOCKED,
        words="Will not run here",
        detail=problem or "no file for this machine",
        subject=asset if useless else "",
        why=f"{told} What is installed keeps running.",
        primary=Button(act=Act.DETAILS),
    )


def unlisted(app: AppReport, known: Known) -> Finding | None:
    """Installed, and this role's catalog does not hold it."""
    if all(r.note is not Note.UNLISTED for r in app.remarks):
        return None
    return quiet(
        row=24,
        icon=Icon.UNREAD,
        words="Not in the catalog",
        detail="it keeps running and is never upgraded",
        why="No bundle of this machine's role declares it.",
        primary=Button(act=Act.REMOVE),
    )


def unread(app: AppReport, known: Known) -> Finding | None:
    """Nobody has read the channel that the app follows, or the forge was silent when it was last asked."""
    never = any(s.channel is ChannelTruth.UNKNOWN for s in app.services)
    if not app.services or not (never or app.silence):
        return None
    last = "" if never else app.services[0].channel_read_at
    since = f" since {moment(last)}" if last else ""
    later = f"not to be asked before {moment(app.silent_until)}" if app.silent_until else ""
    told = f"Nobody has read {app.channel} yet" if never and not app.silence else f"{app.channel} could not be read"
    return quiet(
        row=24,
        icon=Icon.UNREAD,
        words=f"Channel not read{since}",
        # The last part of the message is the reason; the others say where, which the sentence below tells.
        detail=", ".join(filter(None, (app.silence.rsplit(": ", 1)[-1] or app.channel, later))),
        why=f"{told}{since}, so whether there is a newer build is not known. {sentence(app.silence)}".rstrip(),
        primary=Button(act=Act.CHECK),
    )


def nothing_new(app: AppReport, known: Known) -> Finding | None:
    """The channel's commit is another, and its bytes are these."""
    commits = {s.receipt.commit for s in app.services if s.receipt}
    told = {s.channel_commit for s in app.services if s.channel is ChannelTruth.SAME}
    if not told or told & commits:
        return None
    return _current(25, "newer commit changes nothing here", known.hold)


def pinned(app: AppReport, known: Known) -> Finding | None:
    """Somebody wants exactly this release."""
    if not known.pin:
        return None
    return quiet(
        row=26,
        icon=Icon.PINNED,
        words=f"Pinned to {known.pin}",
        others=(Button(act=Act.UNPIN),),
    )


def on_purpose(app: AppReport, known: Known) -> Finding | None:
    """A person stopped it."""
    resting = [s for s in app.services if stopped(s)]
    if not resting:
        return None
    stop = max((s.stop for s in resting if s.stop), key=lambda one: one.at, default=Stop(by="", at=""))
    return quiet(
        row=27,
        icon=Icon.STOPPED,
        words="Stopped on purpose",
        detail=", ".join(filter(None, (some(len(resting), len(app.services)), f"by {stop.by}" if stop.by else ""))),
        at=stop.at,
        primary=Button(act=Act.START, service=resting[0].name if len(resting) < len(app.services) else ""),
    )


def current(app: AppReport, known: Known) -> Finding:
    """All is as it should be."""
    return _current(28, "", known.hold)


def _current(row: int, detail: str, hold: Hold | None) -> Finding:
    kept = f"h{held_words(hold)[1:]}, {hold.reason}" if hold else ""
    told = "; ".join(filter(None, (detail, kept)))
    others = (Button(act=Act.RELEASE),) if hold else ()
    return Finding(
        row=row, section=Section.IN_ORDER, icon=Icon.CURRENT, tone=Tone.OK, words="Current", detail=told, others=others
    )


def absent(app: AppReport) -> Finding:
    """It could be installed."""
    return Finding(
        row=30,
        section=Section.NOT_INSTALLED,
        icon=Icon.ABSENT,
        tone=Tone.MUTE,
        words="Not installed",
        primary=Button(act=Act.INSTALL),
    )


def _other_build(app: AppReport) -> bool:
    return any(s.channel in OTHER_BUILD for s in app.services)
