"""What can go wrong, as error objects of JSON-RPC. Our own codes lie outside the range that it keeps for itself."""

from __future__ import annotations

from typing import Any

from attrs import frozen

from cockpitpm.app.orders import KeyTaken
from cockpitpm.app.planfile import Unfit
from cockpitpm.errors import (
    AssetBroken,
    BundleError,
    CockpitPmError,
    ExitCode,
    ForgeError,
    ForgeUnreachable,
    LockedError,
    MachineError,
    PlanError,
    ProbeError,
    ReleaseNotReady,
    StoreError,
    SupervisorError,
    TransactionError,
    UnknownJob,
    UnknownName,
    UsageError,
)

LONGEST = 1000
"""Characters of a detail; it may quote what somebody sent."""


class NotHere(CockpitPmError):
    """Something that this connection may not ask for."""

    exit_code = ExitCode.REFUSED


@frozen(kw_only=True)
class Kind:
    """One code and its name. `retryable`: the same call may go well later, with nothing else done."""

    code: int
    name: str
    says: str
    retryable: bool = False


PARSE = Kind(code=-32700, name="parse_error", says="Parse error")
INVALID_REQUEST = Kind(code=-32600, name="invalid_request", says="Invalid request")
NO_METHOD = Kind(code=-32601, name="method_not_found", says="Method not found")
INVALID_PARAMS = Kind(code=-32602, name="invalid_params", says="Invalid params")
INTERNAL = Kind(code=-32603, name="internal_error", says="Internal error")

STALE = Kind(code=-31001, name="stale_plan", says="The machine changed since the plan was made")
REFUSED = Kind(code=-31002, name="refused", says="It can be done and will not be, for a reason")
DIGEST = Kind(code=-31003, name="digest_mismatch", says="Bytes are not those that were announced", retryable=True)
FORGE = Kind(code=-31004, name="forge", says="The forge does not give what was asked for")
FORGE_AWAY = Kind(code=-31004, name="forge", says=FORGE.says, retryable=True)
SUPERVISOR = Kind(code=-31005, name="supervisor", says="The supervisor does not do it", retryable=True)
LOCKED = Kind(code=-31006, name="locked", says="Somebody else is changing the machine", retryable=True)
UNKNOWN_NAME = Kind(code=-31007, name="unknown_name", says="This machine's catalog does not hold the name")
UNKNOWN_JOB = Kind(code=-31008, name="unknown_job", says="There is no such job")
KEY_TAKEN = Kind(code=-31009, name="key_taken", says="The key is that of another order")
PLAN = Kind(code=-31010, name="plan", says="The request cannot be planned")
MACHINE = Kind(code=-31011, name="machine", says="The machine's root or settings are not as they must be")
BUNDLE = Kind(code=-31012, name="bundle", says="A bundle cannot be used")
STORE = Kind(code=-31013, name="store", says="The disk refused, or holds something else than was written")
TRANSACTION = Kind(code=-31014, name="transaction", says="A transaction can be finished neither forward nor back")
PROBE = Kind(code=-31015, name="probe", says="A service does not give the answer that is expected")

KINDS: tuple[tuple[type[CockpitPmError], Kind], ...] = (
    (UsageError, INVALID_PARAMS),
    (Unfit, STALE),
    (NotHere, REFUSED),
    (LockedError, LOCKED),
    (UnknownName, UNKNOWN_NAME),
    (UnknownJob, UNKNOWN_JOB),
    (KeyTaken, KEY_TAKEN),
    (AssetBroken, DIGEST),
    (ForgeUnreachable, FORGE_AWAY),
    (ReleaseNotReady, FORGE_AWAY),
    (ForgeError, FORGE),
    (SupervisorError, SUPERVISOR),
    (PlanError, PLAN),
    (MachineError, MACHINE),
    (BundleError, BUNDLE),
    (StoreError, STORE),
    (TransactionError, TRANSACTION),
    (ProbeError, PROBE),
)
"""The first that fits names an error."""


@frozen(kw_only=True)
class Fault:
    """One error as it is told. `message`, `hint` and `detail` are one line each, the last two may be empty."""

    kind: Kind
    message: str
    hint: str = ""
    detail: str = ""

    @property
    def tree(self) -> dict[str, Any]:
        """The error object."""
        data = {
            "code_name": self.kind.name,
            "retryable": self.kind.retryable,
            "hint": self.hint,
            "detail": self.detail[:LONGEST],
        }
        return {"code": self.kind.code, "message": self.message, "data": data}


def standard(kind: Kind, detail: str, hint: str = "") -> Fault:
    """A fault of the protocol itself: its message is that of the protocol, the detail ours."""
    return Fault(kind=kind, message=kind.says, hint=hint, detail=detail)


def invalid_request(detail: str) -> Fault:
    """What was sent is no call."""
    return standard(INVALID_REQUEST, detail, "See the JSON-RPC 2.0 specification, section 4")


def fault_of(error: CockpitPmError) -> Fault:
    """How an error of ours is told."""
    kind = next((kind for known, kind in KINDS if isinstance(error, known)), INTERNAL)
    if kind is INVALID_PARAMS:
        return standard(kind, error.message, error.hint)
    return Fault(kind=kind, message=error.message, hint=error.hint)


def internal() -> Fault:
    """Our own bug. What happened is in the log of the server, and nowhere else."""
    return standard(INTERNAL, "", "This is a bug of cockpitpm; its log has what happened")
