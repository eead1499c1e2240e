"""Receipts say which bytes; activations say what happened with them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from enum import Enum

from attrs import frozen

from cockpitpm.model.bundle import Bundle
from cockpitpm.model.process import ProcessId
from cockpitpm.model.release import CommitSource


class ProofKind(Enum):
    """Who says what an asset's bytes are: the forge itself, a file of checksums beside it, or the build's index."""

    FORGE_DIGEST = "forge_digest"
    CHECKSUM_FILE = "checksum_file"
    BUILD_INDEX = "build_index"


@frozen(kw_only=True)
class Proof:
    """Somebody's word on the bytes of an asset that turned out to be true.

    `source` is the forge's name, or the asset that says it. `algorithm` is as checksum tools call it; `digest` is
    lower-case hex.
    """

    kind: ProofKind
    source: str
    algorithm: str
    digest: str


@frozen(kw_only=True)
class Receipt:
    """The bytes of one binary and where they came from; sealed before they are used.

    `asset` is the name really downloaded. `size`, `md5` and `sha256` (lower-case hex) are those of the installed file:
    of the asset itself, or of the member if the asset is an archive, whose own digests are then `asset_md5` and
    `asset_sha256` (otherwise empty). `proofs` are about the asset.
    """

    app: str
    binary: str
    tag: str
    channel: str
    commit: str
    commit_known_by: CommitSource
    asset: str
    uuid: str
    url: str
    size: int
    md5: str
    sha256: str
    fetched_at: str
    asset_md5: str = ""
    asset_sha256: str = ""
    proofs: tuple[Proof, ...] = ()


def build_of(hashes: Iterable[str]) -> str:
    """The identity of a build: sha256 over the sorted sha256 of its assets, 64 hex digits."""
    return hashlib.sha256("\n".join(sorted(hashes)).encode()).hexdigest()


@frozen(kw_only=True)
class Generation:
    """A numbered set of receipts of one app, with the bundle as it was resolved then.

    `commit` is the one of the release that it was made from. A binary whose bytes did not change keeps its receipt, so
    the receipts of one generation may name several. Empty: that of its first receipt.
    """

    app: str
    number: int
    made_at: str
    bundle: Bundle
    receipts: tuple[Receipt, ...]
    commit: str = ""

    @property
    def built_from(self) -> str:
        """The commit that the app stands at."""
        return self.commit or self.receipts[0].commit

    @property
    def build(self) -> str:
        """What is compared and blocked: the set of bytes, whatever it was called."""
        return build_of(r.sha256 for r in self.receipts)

    def receipt(self, binary: str) -> Receipt | None:
        """The receipt of one binary."""
        return next((r for r in self.receipts if r.binary == binary), None)


class Verb(Enum):
    """What a transaction was asked to do. The last three change no bytes."""

    INSTALL = "install"
    UPGRADE = "upgrade"
    ROLLBACK = "rollback"
    REMOVE = "remove"
    ADOPT = "adopt"
    CONVERGE = "converge"
    START = "start"
    RESTART = "restart"


CHANGES_BYTES = frozenset({Verb.INSTALL, Verb.UPGRADE, Verb.ROLLBACK, Verb.ADOPT})
"""The verbs after which another generation may be the current one."""


class Outcome(Enum):
    """How a transaction ended."""

    COMMITTED = "committed"
    ROLLED_BACK = "rolled_back"


@frozen(kw_only=True)
class ServiceChange:
    """One service across a transaction: its process before and after (None: none), and the last word of its probe.

    `interrupted_ms` is for how many milliseconds it was away: from the moment it was asked to stop until the new
    process was ready. None if it was not restarted, did not run before, or was not watched all the time.
    """

    service: str
    before: ProcessId | None
    after: ProcessId | None
    answer: str
    interrupted_ms: int | None = None


@frozen(kw_only=True)
class ActivationRecord:
    """One line of history, written after the verdict. Generation 0 means that the app was not installed.

    `allowed` are refusals that the actor chose to go through, as `Reason` spells them; `reason` is why.
    """

    transaction: str
    app: str
    verb: Verb
    outcome: Outcome
    at: str
    actor: str
    reason: str
    from_generation: int
    to_generation: int
    services: tuple[ServiceChange, ...]
    detail: str
    allowed: tuple[str, ...] = ()
