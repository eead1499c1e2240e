"""What a machine must remember about an app between two runs."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import field, frozen

from cockpitpm.model.process import FileStamp
from cockpitpm.model.release import Ancestry, Release
from cockpitpm.model.service import Wanted


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
    """What the channel held when it was last read.

    `uuids` are those of the assets that were chosen, `build` the build that they turned out to be, if that is known.
    `release` is the whole reading: an equal one costs a single request. `ancestry` is what its commit was to the one
    that was installed then, None if that was no question.
    """

    channel: str
    tag: str
    commit: str
    release_id: str
    uuids: tuple[str, ...]
    at: str
    build: str = ""
    release: Release | None = None
    ancestry: Ancestry | None = None


@frozen(kw_only=True)
class Silence:
    """Why the forge told nothing when it was last asked what the channel holds.

    `until` is the moment (RFC 3339) before which it does not want to be asked again, empty if it named none.
    """

    channel: str
    why: str
    until: str = ""


@frozen(kw_only=True)
class Unready:
    """Why the channel's release could not be taken yet when it was last asked for: a draft, an upload under way."""

    channel: str
    why: str


@frozen(kw_only=True)
class Unfit:
    """Uploads that were fetched and cannot run on this machine. `problem` is why the file `asset` cannot."""

    uuids: tuple[str, ...]
    asset: str
    problem: str


@frozen(kw_only=True)
class Flip:
    """When `current` began to lead to `live`: after `begun` and not after `ended`, in clock ticks of that boot.

    A script leaves no trace of its bytes in the process that runs it, so its process is judged by the flip it was
    started under. `hashes` are the sha256 of the binaries that the flip put in place.
    """

    live: str
    boot_id: str
    begun: int
    ended: int
    hashes: Mapping[str, str] = field(factory=dict)


Exported = Mapping[str, Mapping[str, str]]
"""Variables and their values by service."""


@frozen(kw_only=True)
class Offered:
    """What was exported before a transaction changed it: kept until that has ended, well or not."""

    transaction: str
    before: Exported


@frozen(kw_only=True)
class Stop:
    """Who stopped a service on purpose, and when (RFC 3339)."""

    by: str
    at: str


@frozen(kw_only=True)
class AppState:
    """Everything remembered about one app. Unknown keys of the file are kept by `cockpitpm.record.state`.

    `flips` are the newest few, oldest first. `stamps` are those of the binaries that the last flip put in place.
    `exported` are, by service, the variables that were set in the environment of whoever registered it;
    `offered` says that a transaction has just made them so. `silence` is None where the forge answered, `unready`
    where its release was complete. `stops` are of those services that somebody stopped through us.
    """

    app: str
    wanted: Mapping[str, Wanted] = field(factory=dict)
    blocked: tuple[BlockedBuild, ...] = ()
    observation: Observation | None = None
    silence: Silence | None = None
    unready: Unready | None = None
    unfit: Unfit | None = None
    flips: tuple[Flip, ...] = ()
    stamps: Mapping[str, FileStamp] = field(factory=dict)
    exported: Exported = field(factory=dict)
    offered: Offered | None = None
    stops: Mapping[str, Stop] = field(factory=dict)
