"""The machine that is being changed, as the engine sees it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path

from attrs import field, frozen

from cockpitpm.act.runnable import read_executable
from cockpitpm.model.bundle import Repo, Service
from cockpitpm.model.facts import InPlace, Sight
from cockpitpm.model.plan import AppPlan, Staged
from cockpitpm.model.runnable import Executable, HostAbility
from cockpitpm.model.service import Definition, ProbeTarget
from cockpitpm.model.settings import Require
from cockpitpm.model.state import Exported
from cockpitpm.ports import Clock, Forge, Prober, Processes, Reporter, Supervisor
from cockpitpm.record.layout import Layout


@frozen(kw_only=True)
class Rules:
    """What acting needs of observing and deciding, handed in so that this room depends on neither.

    `unfit` says why a file cannot run on a machine, `caution` what to know of one that can, `require` what must prove
    the bytes of a repository's assets.
    """

    settle: Callable[[AppPlan, Mapping[str, Staged]], AppPlan]
    unfit: Callable[[Executable, HostAbility], str]
    caution: Callable[[Executable], str]
    look: Callable[[Service, InPlace], Sight]
    define: Callable[[Service], Definition]
    question: Callable[[Service], ProbeTarget | None]
    require: Callable[[Repo], Require] = lambda repo: Require.NONE


@frozen(kw_only=True)
class Machine:
    """One root with its ports. `token` makes a short random text; `keep` is the number of generations kept.

    `read` says what a downloaded file is and needs. `exported` are, by app, the variables that its services keep once
    the run has ended well.
    """

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
    read: Callable[[Path], Executable] = read_executable
    exported: Mapping[str, Exported] = field(factory=dict)

    def now(self) -> str:
        """The wall clock as it is written: `2026-11-23T12:00:00Z`."""
        return instant(self.clock.now())


def instant(moment: datetime) -> str:
    """A moment in UTC, to the second, RFC 3339."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
