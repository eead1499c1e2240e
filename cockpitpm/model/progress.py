"""How far a job is with each of its apps."""

from __future__ import annotations

from enum import Enum

from attrs import frozen

from cockpitpm.model.job import Phase


class StepState(Enum):
    """Where one step of a change stands. FAILED: what went wrong, or broke off. LEFT: not needed, or not reached."""

    TODO = "todo"
    NOW = "now"
    DONE = "done"
    FAILED = "failed"
    LEFT = "left"


@frozen(kw_only=True)
class StepProgress:
    """One step. `told` are the lines of it, `done` and `total` bytes of a download; `since` is RFC 3339."""

    phase: Phase
    state: StepState
    told: tuple[str, ...] = ()
    took_ms: int | None = None
    since: str = ""
    done: int = 0
    total: int = 0


@frozen(kw_only=True)
class AppProgress:
    """One app of a job. `decision` and `outcome` are a line each; `ok` is None until it has ended."""

    app: str
    decision: str
    outcome: str
    ok: bool | None
    steps: tuple[StepProgress, ...]

    @property
    def at(self) -> int:
        """The number of the step that is under way, from 1; 0 if none is."""
        return next((n for n, step in enumerate(self.steps, 1) if step.state is StepState.NOW), 0)


@frozen(kw_only=True)
class Transfer:
    """A download under way: bytes of it that are here, and all of them."""

    asset: str
    done: int
    total: int


@frozen(kw_only=True)
class JobProgress:
    """How far a whole job is. `text` is its last line, empty before the first."""

    apps: tuple[AppProgress, ...]
    text: str
    transfer: Transfer | None

    @property
    def now(self) -> AppProgress | None:
        """The app that is being changed."""
        return next((app for app in self.apps if app.at), None)

    @property
    def phase(self) -> str:
        """What is being done to it; empty before and after."""
        return self.now.steps[self.now.at - 1].phase.value if self.now else ""

    @property
    def apps_done(self) -> int:
        """How many apps have ended, well or not."""
        return sum(app.ok is not None for app in self.apps)
