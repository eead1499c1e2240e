"""One machine as its servers see it: opened anew for every question, looked at once for all who watch."""

from __future__ import annotations

from functools import partial
from threading import Lock

from attrs import evolve, frozen

from cockpitpm.app import jobs
from cockpitpm.app.host import Host, Invocation, Ports
from cockpitpm.app.status import MachineReport, status
from cockpitpm.model.catalog import Catalog
from cockpitpm.model.job import Job, Order
from cockpitpm.model.role import RoleChoice
from cockpitpm.model.settings import Settings
from cockpitpm.ports import Reporter

FRESH = 1.0
"""Seconds for which one look at the machine serves everybody who asks."""


@frozen(kw_only=True)
class View:
    """One look at the machine. `at` is monotonic seconds, `read_at` RFC 3339; `number` rises with every look."""

    number: int
    at: float
    read_at: str
    role: RoleChoice
    settings: Settings
    catalog: Catalog
    report: MachineReport
    jobs: tuple[Job, ...]


class Engine:
    """Safe for several threads. What changes the machine becomes a job, except for what is done in a moment."""

    def __init__(self, invocation: Invocation, ports: Ports | None = None, start: jobs.Start | None = None) -> None:
        self.invocation = invocation
        self._ports = ports
        self._start = start
        self._lock = Lock()
        self._view: View | None = None

    def host(self, actor: str = "", reporter: Reporter | None = None) -> Host:
        """The machine, opened for one question of somebody; settings and bundles are read anew."""
        mine = self.invocation
        return Host(evolve(mine, actor=actor or mine.actor, reporter=reporter or mine.reporter), self._ports)

    def view(self, age: float = FRESH) -> View:
        """A look at the machine that is at most so many seconds old. Raises what a question to the machine raises."""
        with self._lock:
            host = self.host()
            now = host.clock.monotonic()
            if self._view is None or now - self._view.at >= age:
                self._view = _look(host, now, self._view.number + 1 if self._view else 1)
            return self._view

    def order(self, order: Order) -> tuple[Job, bool]:
        """The job for an order, and whether it is new."""
        host = self.host(order.request.actor)
        return jobs.submit(host, order, self._start or partial(jobs.launch, host))


def _look(host: Host, now: float, number: int) -> View:
    from cockpitpm.act.machine import instant

    return View(
        number=number,
        at=now,
        read_at=instant(host.clock.now()),
        role=host.role,
        settings=host.settings,
        catalog=host.catalog,
        report=status(host),
        jobs=jobs.listed(host),
    )
