"""The four truths about a service, told apart: what runs, what is on disk, what was recorded, what is published."""

from __future__ import annotations

from enum import Enum

from attrs import frozen

from cockpitpm.model.receipt import Receipt
from cockpitpm.model.release import Ancestry
from cockpitpm.model.service import Runs, ServiceState, Wanted


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
    of the other. STALE: its files cannot be the build that it names. BLOCKED: its build failed here.
    """

    SAME = "same"
    BEHIND = "behind"
    AHEAD = "ahead"
    DIVERGED = "diverged"
    STALE = "stale"
    BLOCKED = "blocked"
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


@frozen(kw_only=True)
class Remark:
    """A note with what it rests on and what to do about it."""

    note: Note
    evidence: str
    next_step: str


@frozen(kw_only=True)
class ServiceReport:
    """One service. `state` and `raw` are the supervisor's word, the truths are ours."""

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


@frozen(kw_only=True)
class AppReport:
    """One app of the catalog or of the machine. `generation` is 0 where it is not installed."""

    name: str
    title: str
    layer: str
    generation: int
    channel: str
    services: tuple[ServiceReport, ...]
    remarks: tuple[Remark, ...] = ()
