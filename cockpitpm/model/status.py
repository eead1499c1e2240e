"""The four truths about a service, told apart: what runs, what is on disk, what was recorded, what is published."""

from __future__ import annotations

from enum import Enum

from attrs import frozen

from cockpitpm.model.receipt import Receipt
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
    """The channel as it was last read, held against what is installed."""

    SAME = "same"
    BEHIND = "behind"
    BLOCKED = "blocked"
    UNKNOWN = "unknown"


class Note(Enum):
    """What an operator should know; the words of the glossary."""

    PENDING = "pending"
    DRIFTED = "drifted"
    BEHIND = "behind"
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
