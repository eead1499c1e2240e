"""What somebody asked for, and the refusals that they may choose to go through."""

from __future__ import annotations

from enum import Enum

from attrs import frozen

from cockpitpm.model.receipt import Verb


class Reason(Enum):
    """Why an app is refused; each has its own way through."""

    UNKNOWN_LOCAL = "unknown_local"
    NO_ASSET = "no_asset"
    DUPLICATE_ASSET = "duplicate_asset"
    EXTERNAL_ASSET = "external_asset"
    INCOMPLETE_RELEASE = "incomplete_release"
    NOT_RUNNABLE = "not_runnable"
    BLOCKED_BUILD = "blocked_build"
    DOWNGRADE = "downgrade"
    DIVERGED = "diverged"
    UNKNOWN_COMMIT = "unknown_commit"
    STALE_ASSET = "stale_asset"
    NOT_IN_CATALOG = "not_in_catalog"
    NAME_TAKEN = "name_taken"
    REQUIREMENT = "requirement"
    NO_GENERATION = "no_generation"
    SOCKET_PATH = "socket_path"
    MISSING_PROOF = "missing_proof"


OLDER = (Reason.DOWNGRADE, Reason.DIVERGED, Reason.UNKNOWN_COMMIT, Reason.STALE_ASSET)
"""What `--allow-downgrade` goes through: builds that are not known to be newer than what is installed."""


class OnFailure(Enum):
    """What becomes of the apps that are still to come when one has failed."""

    CONTINUE = "continue"
    STOP = "stop"


@frozen(kw_only=True)
class Request:
    """What somebody asked for. `names` are apps; empty means all that are installed. `to` is a generation number.

    `services` narrows converge, start and restart to these; empty means every service of the apps. `allow` are the
    refusals that whoever asks goes through, knowing why; `reason` then says it.
    """

    verb: Verb
    names: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    to: int | None = None
    actor: str = ""
    reason: str = ""
    allow: tuple[Reason, ...] = ()
    on_failure: OnFailure = OnFailure.CONTINUE
