"""What a machine must remember about an app between two runs."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import field, frozen

from cockpitpm.model.process import FileStamp, ProcessId
from cockpitpm.model.service import Wanted


@frozen(kw_only=True)
class Launch:
    """A process that we started ourselves, and the live folder whose bytes it was started from."""

    process: ProcessId
    live: str


@frozen(kw_only=True)
class BlockedBuild:
    """A build that failed here. It is known before a download by its asset uuids, and after one by `build`."""

    build: str
    uuids: tuple[str, ...]
    tag: str
    commit: str
    reason: str
    at: str


@frozen(kw_only=True)
class Observation:
    """What the channel held when it was last read."""

    channel: str
    tag: str
    commit: str
    release_id: str
    uuids: tuple[str, ...]
    at: str


@frozen(kw_only=True)
class Flip:
    """When `current` began to lead to `live`, in clock ticks of that boot; and the files that were put there."""

    live: str
    boot_id: str
    ticks: int
    at: str
    stamps: Mapping[str, FileStamp] = field(factory=dict)


@frozen(kw_only=True)
class AppState:
    """Everything remembered about one app. Unknown keys of the file are kept by `cockpitpm.record.state`."""

    app: str
    wanted: Mapping[str, Wanted] = field(factory=dict)
    launches: Mapping[str, Launch] = field(factory=dict)
    blocked: tuple[BlockedBuild, ...] = ()
    observation: Observation | None = None
    flip: Flip | None = None
