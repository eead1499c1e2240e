"""What a run did, app by app; made from what happened, never from the plan."""

from __future__ import annotations

from enum import Enum

from attrs import frozen

from cockpitpm.errors import ExitCode
from cockpitpm.model.plan import Decision
from cockpitpm.model.receipt import ActivationRecord, Receipt


class Ended(Enum):
    """How one app of a run ended. SKIPPED: it was refused, or has to wait."""

    DONE = "done"
    NOTHING = "nothing"
    ROLLED_BACK = "rolled_back"
    SKIPPED = "skipped"
    FAILED = "failed"
    UNFINISHED = "unfinished"


@frozen(kw_only=True)
class AppOutcome:
    """One app of a run. `receipts` are those that are in force now; `detail` is one line."""

    app: str
    decision: Decision
    ended: Ended
    exit_code: ExitCode
    detail: str = ""
    hint: str = ""
    receipts: tuple[Receipt, ...] = ()
    activation: ActivationRecord | None = None
