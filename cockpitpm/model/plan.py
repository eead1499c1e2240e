"""A plan: what will be done, to which app, in which order, and why; or why not.

A plan is made from metadata only. `cockpitpm.decide.settle` may shorten it once the bytes are here.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import ClassVar

from attrs import field, frozen

from cockpitpm.errors import ExitCode
from cockpitpm.model.bundle import Bundle
from cockpitpm.model.interruption import Interruption
from cockpitpm.model.receipt import Proof, Receipt, Verb
from cockpitpm.model.release import Asset, Release
from cockpitpm.model.request import NAMED as NAMED
from cockpitpm.model.request import OLDER as OLDER
from cockpitpm.model.request import OnFailure as OnFailure
from cockpitpm.model.request import Past as Past
from cockpitpm.model.request import Reason as Reason
from cockpitpm.model.request import Request as Request
from cockpitpm.model.role import Role
from cockpitpm.model.service import Wanted
from cockpitpm.model.settings import Require


@frozen(kw_only=True)
class Install:
    """The app is not here; the release will be."""

    KIND: ClassVar[str] = "install"
    release: Release


@frozen(kw_only=True)
class Upgrade:
    """Other bytes are published than the receipts name. `commit` is what is installed now."""

    KIND: ClassVar[str] = "upgrade"
    release: Release
    commit: str


@frozen(kw_only=True)
class Reregister:
    """The bytes stay; the declaration of these services, or of the bundle, has changed."""

    KIND: ClassVar[str] = "reregister"
    services: tuple[str, ...]


@frozen(kw_only=True)
class Rollback:
    """An older generation (or the same one, fresh from the store) becomes current."""

    KIND: ClassVar[str] = "rollback"
    generation: int
    commit: str


@frozen(kw_only=True)
class Remove:
    """The app goes."""

    KIND: ClassVar[str] = "remove"


@frozen(kw_only=True)
class Adopt:
    """Bytes that are in place already become a generation; nothing is restarted. `binaries` are those concerned."""

    KIND: ClassVar[str] = "adopt"
    binaries: tuple[str, ...]


@frozen(kw_only=True)
class Mend:
    """Bytes and receipts stay; these services are brought to run what is in place."""

    KIND: ClassVar[str] = "mend"
    services: tuple[str, ...]


@frozen(kw_only=True)
class UpToDate:
    """Nothing to do; `why` is one line."""

    KIND: ClassVar[str] = "up_to_date"
    why: str


@frozen(kw_only=True)
class Waiting:
    """Nothing can be done yet and nobody needs to act, such as for a release that is still a draft."""

    KIND: ClassVar[str] = "waiting"
    why: str
    way_out: str


@frozen(kw_only=True)
class Held:
    """Somebody wants it left as it is: `why`, and `until` when in UTC; empty for no end."""

    KIND: ClassVar[str] = "held"
    why: str
    until: str
    way_out: str

    @property
    def told(self) -> str:
        """The hold in words."""
        return f"held {f'until {self.until}' if self.until else 'without an end'}: {self.why}"


@frozen(kw_only=True)
class Refused:
    """It can be done and will not be. `evidence` are the facts, `way_out` the command or act that gets through."""

    KIND: ClassVar[str] = "refused"
    reason: Reason
    evidence: str
    way_out: str


@frozen(kw_only=True)
class Unplanned:
    """What must be known could not be learned (the forge is down, say); the others go on."""

    KIND: ClassVar[str] = "unplanned"
    message: str
    hint: str
    exit_code: ExitCode


Decision = (
    Install | Upgrade | Reregister | Rollback | Remove | Adopt | Mend | UpToDate | Waiting | Held | Refused | Unplanned
)


@frozen(kw_only=True)
class Fetch:
    """Download one binary. `candidates` are its assets in order of preference; the first is taken.

    `note` is what the operator should know about that choice, one sentence; mostly empty.
    """

    KIND: ClassVar[str] = "fetch"
    binary: str
    candidates: tuple[Asset, ...]
    note: str = ""


@frozen(kw_only=True)
class Swap:
    """Make generation `to` the current one. 0 means: not installed."""

    KIND: ClassVar[str] = "swap"
    origin: int
    to: int
    binaries: tuple[str, ...]


@frozen(kw_only=True)
class Register:
    """Tell the supervisor this definition. `new` if it knows none."""

    KIND: ClassVar[str] = "register"
    service: str
    new: bool


@frozen(kw_only=True)
class Converge:
    """Bring the service onto the new bytes; the canary goes first and alone."""

    KIND: ClassVar[str] = "converge"
    service: str
    canary: bool


@frozen(kw_only=True)
class Ask:
    """Probe the service: in time after the start, and again after it had time to fall over. Seconds."""

    KIND: ClassVar[str] = "probe"
    service: str
    ready_within: float
    stays_ready: float


@frozen(kw_only=True)
class Retire:
    """Stop and forget a service that the target generation does not have."""

    KIND: ClassVar[str] = "retire"
    service: str


@frozen(kw_only=True)
class Record:
    """Write the receipts and the line of history."""

    KIND: ClassVar[str] = "record"
    generation: int


Step = Fetch | Swap | Register | Converge | Ask | Retire | Record


class FileKind(Enum):
    """What the kernel can do with a file."""

    ELF = "elf"
    SCRIPT = "script"
    OTHER = "other"


@frozen(kw_only=True)
class Staged:
    """One downloaded binary. `problem` is why it cannot run here, empty if nothing speaks against it; `caution` is what
    to know of one that can, mostly empty.

    `sha256`, `md5` and `size` are those of the file that will run; the archive that it came from, if any, has
    `asset_sha256` and `asset_md5`. `proofs` are about the asset; `require` is what its source must give of them.
    """

    asset: Asset
    sha256: str
    md5: str
    kind: FileKind
    problem: str = ""
    caution: str = ""
    size: int = 0
    asset_sha256: str = ""
    asset_md5: str = ""
    proofs: tuple[Proof, ...] = ()
    require: Require = Require.NONE


@frozen(kw_only=True)
class AppPlan:
    """One app of a plan. `bundle` is the target (None for a removal).

    `origin` and `to` are generation numbers, 0 for not installed. `installed` are the receipts of the origin, or for a
    rollback those of the target: what needs no download. `blocked` are builds that failed here, as `build_of` names
    them. `wanted` says which services are meant to run afterwards, `cycle` which to restart although they run the
    right bytes. `because` tells why an app is here that nobody named. `local` are the sha256 of files that stand where
    an install would put its own: only equal bytes may come there. `interruption` is foreseen, not promised. `past` is
    what speaks against it and stops nothing, because somebody chose so.
    """

    app: str
    decision: Decision
    channel: str
    bundle: Bundle | None = None
    steps: tuple[Step, ...] = ()
    installed: tuple[Receipt, ...] = ()
    origin: int = 0
    to: int = 0
    blocked: tuple[str, ...] = ()
    wanted: Mapping[str, Wanted] = field(factory=dict)
    cycle: tuple[str, ...] = ()
    because: str = ""
    local: Mapping[str, str] = field(factory=dict)
    interruption: Interruption | None = None
    past: tuple[Past, ...] = ()

    @property
    def acts(self) -> bool:
        """Whether anything will be done."""
        return bool(self.steps)

    @property
    def fetches(self) -> tuple[Fetch, ...]:
        """The downloads."""
        return tuple(s for s in self.steps if isinstance(s, Fetch))

    @property
    def kept(self) -> tuple[Receipt, ...]:
        """Receipts that go into the target generation as they are."""
        fetched = {s.binary for s in self.fetches}
        wanted = {b.name for b in self.bundle.binaries} if self.bundle else set()
        return tuple(r for r in self.installed if r.binary in wanted and r.binary not in fetched)


@frozen(kw_only=True)
class Plan:
    """An ordered list of transactions, one an app. `allowed` are refusals that somebody chose to go through."""

    verb: Verb
    role: Role
    catalog_digest: str
    apps: tuple[AppPlan, ...]
    actor: str = ""
    reason: str = ""
    allowed: tuple[Reason, ...] = ()
