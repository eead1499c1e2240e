"""A job: a change that goes on whether or not anybody watches, and is told step by step."""

from __future__ import annotations

from enum import Enum

from attrs import frozen

from cockpitpm.model.process import ProcessId
from cockpitpm.model.request import Request


class JobState(Enum):
    """Where a job stands. WAITING: its turn has not come. The last six are ends, told exactly once.

    DONE: everything asked for is true now, which it may have been before. ROLLED_BACK: the new build did not prove
    itself and the old one runs. REFUSED: nothing was changed, for a reason. FAILED: something else went wrong, nothing
    was left half done. CANCELLED: somebody stopped it in time. UNKNOWN: it ended without a word; the history knows.
    """

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    ROLLED_BACK = "rolled_back"
    REFUSED = "refused"
    FAILED = "failed"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"

    @property
    def ended(self) -> bool:
        """Whether nothing more will come."""
        return self not in (JobState.WAITING, JobState.RUNNING)


class Phase(Enum):
    """What a change is doing to an app, in this order; UNDO only where the new build did not prove itself."""

    FETCH = "fetch"
    VERIFY = "verify"
    SWAP = "swap"
    RESTART = "restart"
    RECORD = "record"
    UNDO = "undo"


@frozen(kw_only=True)
class Order:
    """What a job is to do: a request, or the plan of this digest exactly as somebody saw it.

    `asked_from` is the service whose row was pressed, if any. `key` is the asker's own name for the order: the same
    key is the same job. After `until` (RFC 3339, empty: no end) it is not begun.
    """

    request: Request
    apps: tuple[str, ...]
    key: str = ""
    plan: str = ""
    asked_from: str = ""
    until: str = ""


@frozen(kw_only=True)
class Job:
    """A job as its file tells it. Times are RFC 3339, empty until they come. `process` is the one that carries it out.

    `exit_code` is that of the same command on the command line. `said` is the end in one line.
    """

    id: int
    order: Order
    state: JobState
    made_at: str
    started_at: str = ""
    ended_at: str = ""
    process: ProcessId | None = None
    exit_code: int | None = None
    said: str = ""

    @property
    def actor(self) -> str:
        """Who asked."""
        return self.order.request.actor


@frozen(kw_only=True)
class JobEvent:
    """One line of what a job tells. `n` rises by one from 1; `at` is RFC 3339.

    `kind` is one of phase, fetch, step, warning, app, end. `done` and `total` are bytes of a fetch.
    """

    n: int
    at: str
    kind: str
    app: str = ""
    text: str = ""
    phase: str = ""
    done: int = 0
    total: int = 0
    ok: bool = True
