"""The four truths about a service, told apart: what runs, what is on disk, what was recorded, what is published."""

from __future__ import annotations

from enum import Enum

from attrs import frozen

from cockpitpm.model.receipt import Receipt
from cockpitpm.model.release import Ancestry
from cockpitpm.model.service import Runs, ServiceState, Wanted
from cockpitpm.model.state import Stop
from cockpitpm.model.watched import Copies, Restarts, Unanswered


class FileTruth(Enum):
    """The file that the service would execute if it started now, held against the receipt. UNKNOWN: it is there and
    cannot be read.
    """

    RECORDED = "recorded"
    DRIFTED = "drifted"
    MISSING = "missing"
    UNKNOWN = "unknown"


class ChannelTruth(Enum):
    """The channel as it was last read, held against what is installed.

    BEHIND: it has another build, newer as far as is known. AHEAD: what is installed is newer. DIVERGED: neither has all
    of the other. STALE: its files cannot be the build that it names. BLOCKED: its build failed here. NOT_READY: it is
    not whole yet. UNFIT: nothing of it runs on this machine.
    """

    SAME = "same"
    BEHIND = "behind"
    AHEAD = "ahead"
    DIVERGED = "diverged"
    STALE = "stale"
    BLOCKED = "blocked"
    NOT_READY = "not_ready"
    UNFIT = "unfit"
    UNKNOWN = "unknown"


class Note(Enum):
    """What an operator should know; the words of the glossary."""

    PENDING = "pending"
    DRIFTED = "drifted"
    BEHIND = "behind"
    AHEAD = "ahead"
    DIVERGED = "diverged"
    STALE = "stale"
    DAMAGED = "damaged"
    UNFINISHED = "unfinished"
    UNLISTED = "unlisted"
    UNVERIFIED = "unverified"
    HELD = "held"
    STOPPED = "stopped"
    FAILED = "failed"
    SILENT = "silent"
    RESTARTING = "restarting"
    COPIED = "copied"
    UNAPPLIED = "unapplied"
    UNREADY = "unready"
    UNFIT = "unfit"
    PARTIAL = "partial"


@frozen(kw_only=True)
class Remark:
    """A note with what it rests on and what to do about it."""

    note: Note
    evidence: str
    next_step: str


@frozen(kw_only=True)
class Counted:
    """So many files are there of those that are wanted."""

    there: int
    wanted: int


@frozen(kw_only=True)
class Lookalike:
    """A build that has exactly the bytes of a file that no receipt vouches for. `newer`: its commit has everything of
    the installed one, and more.
    """

    commit: str
    tag: str
    newer: bool = False


@frozen(kw_only=True)
class ServiceReport:
    """One service. `state` and `raw` are the supervisor's word, the truths are ours.

    `unapplied` names the variables, and what else, with which it was started otherwise than is declared now. `stop` is
    who stopped it and when, None if it is not stopped on purpose or that is not known. `file_build` is the build that a
    drifted file is, if any is known to have its bytes.
    """

    name: str
    app: str
    state: ServiceState
    raw: str
    wanted: Wanted
    pid: int | None
    receipt: Receipt | None
    installed_at: str
    process: Runs
    process_sha256: str | None
    file: FileTruth
    file_sha256: str | None
    channel: ChannelTruth
    channel_tag: str
    channel_commit: str
    channel_read_at: str
    channel_ancestry: Ancestry | None = None
    remarks: tuple[Remark, ...]
    unanswered: Unanswered | None = None
    restarts: Restarts | None = None
    copies: Copies | None = None
    unapplied: tuple[str, ...] = ()
    stop: Stop | None = None
    file_build: Lookalike | None = None


@frozen(kw_only=True)
class AppReport:
    """One app of the catalog or of the machine. `generation` is 0 where it is not installed.

    `silence` is why nobody could read the channel when it was last asked; empty if it was read. `silent_until` is when
    the forge wants to be asked again (RFC 3339), empty if it named no moment. `withheld` is why the channel's release
    cannot be taken, `published` how many of its files are there, None where nobody counted. Of its `binaries`, `gone`
    have a receipt and no entry in `bin/`, `missing` have neither.
    """

    name: str
    title: str
    layer: str
    generation: int
    channel: str
    services: tuple[ServiceReport, ...]
    silence: str = ""
    silent_until: str = ""
    withheld: str = ""
    published: Counted | None = None
    binaries: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    remarks: tuple[Remark, ...] = ()
