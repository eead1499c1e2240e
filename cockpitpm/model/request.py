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
    HOLD = "hold"
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
NAMED = (Reason.HOLD, Reason.BLOCKED_BUILD)
"""What is gone past for an app that was named, and never for one that merely comes along."""


def going_past(*, older: bool = False, hold: bool = False, failed: bool = False) -> tuple[Reason, ...]:
    """What a request allows, from what somebody said: `--allow-downgrade`, `--past-hold`, `--retry-failed`."""
    said = ((older, OLDER), (hold, (Reason.HOLD,)), (failed, (Reason.BLOCKED_BUILD,)))
    return tuple(reason for yes, reasons in said if yes for reason in reasons)


@frozen(kw_only=True)
class Past:
    """Something that speaks against a plan, and that whoever asks goes past; `told` says it, without a full stop."""

    reason: Reason
    told: str


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

    def allowed_for(self, app: str) -> tuple[Reason, ...]:
        """The refusals that are gone through for this app."""
        return tuple(reason for reason in self.allow if app in self.names or reason not in NAMED)
