"""The machine that is being changed, as the engine sees it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from attrs import frozen

from cockpitpm.model.bundle import Repo, Service
from cockpitpm.model.facts import InPlace, Sight
from cockpitpm.model.plan import AppPlan, Staged
from cockpitpm.model.service import Definition, ProbeTarget
from cockpitpm.ports import Clock, Forge, Prober, Processes, Reporter, Supervisor
from cockpitpm.record.layout import Layout


@frozen(kw_only=True)
class Rules:
    """What acting needs of observing and deciding, handed in so that this room depends on neither."""

    settle: Callable[[AppPlan, Mapping[str, Staged]], AppPlan]
    look: Callable[[Service, InPlace], Sight]
    define: Callable[[Service], Definition]
    question: Callable[[Service], ProbeTarget | None]


@frozen(kw_only=True)
class Machine:
    """One root with its ports. `token` makes a short random text; `keep` is the number of generations kept."""

    layout: Layout
    forge: Callable[[Repo], Forge]
    supervisor: Supervisor
    prober: Prober
    processes: Processes
    clock: Clock
    reporter: Reporter
    rules: Rules
    token: Callable[[], str]
    keep: int = 3

    def now(self) -> str:
        """The wall clock as it is written: `2026-11-23T12:00:00Z`."""
        return instant(self.clock.now())


def instant(moment: datetime) -> str:
    """A moment in UTC, to the second, RFC 3339."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
