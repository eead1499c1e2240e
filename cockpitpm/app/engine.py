"""One machine as its servers see it: opened anew for every question, looked at once for all who watch."""

from __future__ import annotations

from functools import partial
from threading import Lock

from attrs import evolve, frozen

from cockpitpm import beneath
from cockpitpm.app import jobs
from cockpitpm.app.glance import CatalogKept, glance
from cockpitpm.app.host import Host, Invocation, Ports
from cockpitpm.app.status import MachineReport, status
from cockpitpm.app.vigil import Vigil
from cockpitpm.errors import CockpitPmError, MachineError
from cockpitpm.model.catalog import Catalog
from cockpitpm.model.job import Job, Order
from cockpitpm.model.role import RoleChoice
from cockpitpm.model.settings import Settings
from cockpitpm.ports import Reporter
from cockpitpm.record import roots

FRESH = 1.0
"""Seconds for which one look at the machine serves everybody who asks."""

PAUSE = 4.0
"""A look serves for at least so many times as long as it took."""

LATE = 2.0
"""While somebody looks anew, the last look serves everybody else for so many times as long."""

OLD = 60.0
"""Seconds after which what was seen is told to be old."""

PATIENCE = 5.0
"""Seconds to wait for somebody else's look before the last one serves."""

Marks = tuple[tuple[int, int, int] | None, ...]


@frozen(kw_only=True)
class View:
    """One look at the machine. `at` is monotonic seconds, `read_at` RFC 3339; `number` rises with every look.

    `trouble` is why there is no newer one, empty if it is as new as it should be; `late` says that it is old by now.
    """

    number: int
    at: float
    read_at: str
    role: RoleChoice
    settings: Settings
    catalog: Catalog
    report: MachineReport
    jobs: tuple[Job, ...]
    trouble: str = ""
    late: bool = False


@frozen(kw_only=True)
class _Looked:
    """A look, what was on disk before it began, and how many seconds it took."""

    view: View
    marks: Marks
    took: float


class Engine:
    """Safe for several threads. What changes the machine becomes a job, except for what is done in a moment."""

    def __init__(self, invocation: Invocation, ports: Ports | None = None, start: jobs.Start | None = None) -> None:
        self.invocation = invocation
        self._ports = ports
        self._start = start
        self._lock = Lock()
        layout = roots.layout_of(invocation.root)
        # What differs after every change that somebody has made with us: history, settings, states of apps, jobs.
        self._marked = tuple(str(path) for path in (layout.history, layout.settings, layout.state, layout.jobs))
        self._looked: _Looked | None = None
        self._catalog = CatalogKept()
        self.vigil = Vigil()

    def host(self, actor: str = "", reporter: Reporter | None = None) -> Host:
        """The machine, opened for one question of somebody; settings and bundles are read anew."""
        mine = self.invocation
        return Host(evolve(mine, actor=actor or mine.actor, reporter=reporter or mine.reporter), self._ports)

    def view(self, age: float = FRESH) -> View:
        """A look at the machine that is at most so many seconds old. Raises what a question to the machine raises."""
        host = self.host()
        if self._lock.locked() and (young := self._young(host, age, LATE)):
            return young
        with self._lock:
            if young := self._young(host, age):
                return young
            # The marks are read before the look: what changes in the middle of it makes it old at once.
            now, marks = host.clock.monotonic(), self._marks()
            number = self._looked.view.number + 1 if self._looked else 1
            view = _look(glance(host), self._catalog, now, number, self.vigil)
            self._looked = _Looked(view=view, marks=marks, took=host.clock.monotonic() - now)
            return view

    def shown(self, age: float = FRESH) -> View:
        """As `view`; where no new look can be had, the last one, which says why and whether it is old.

        Raises as `view` before the first look, and where the role cannot be read or is not that of the last look: then
        nothing may be shown.
        """
        found, trouble = self.seen(age), ""
        if found is None:
            found, trouble = self._look_or_last(age)
        late = self.host().clock.monotonic() - found.at > OLD
        return evolve(found, trouble=trouble, late=late) if trouble or late else found

    def _look_or_last(self, age: float) -> tuple[View, str]:
        if self._looked is None:
            return self.view(age), ""
        if not self._lock.acquire(timeout=PATIENCE):
            return self._last_for(MachineError("A look at this machine takes long"))
        self._lock.release()
        try:
            return self.view(age), ""
        except CockpitPmError as error:
            return self._last_for(error)

    def _last_for(self, trouble: CockpitPmError) -> tuple[View, str]:
        """The last look and why there is no newer one; raises that where the look was not one of today's role."""
        looked = self._looked
        if looked is None or looked.view.role.role is not self.host().role.role:
            raise trouble
        return looked.view, str(trouble)

    def seen(self, age: float = FRESH) -> View | None:
        """The last look if it is still good, without waiting for another: None says that one is needed."""
        return self._young(self.host(), age, LATE if self._lock.locked() else 1.0)

    def last(self) -> tuple[View, float] | None:
        """The last look, however old, and its age in seconds; None before the first."""
        looked = self._looked
        return (looked.view, self.host().clock.monotonic() - looked.view.at) if looked else None

    def _young(self, host: Host, age: float, times: float = 1.0) -> View | None:
        """The last look, unless it is so many times so many seconds old or a command changed the machine meanwhile.

        One that took long serves for longer: where everybody waits for the next look, nobody is answered.
        """
        looked = self._looked
        if looked is None or looked.marks != self._marks():
            return None
        old = host.clock.monotonic() - looked.view.at
        return looked.view if age and old < times * max(age, PAUSE * looked.took) else None

    def _marks(self) -> Marks:
        return tuple(_mark(path) for path in self._marked)

    def order(self, order: Order) -> tuple[Job, bool]:
        """The job for an order, and whether it is new."""
        host = self.host(order.request.actor)
        return jobs.submit(host, order, self._start or partial(jobs.launch, host))


def _mark(path: str) -> tuple[int, int, int] | None:
    try:
        found = beneath.seen(path)
    except OSError as error:
        return -1, error.errno or 0, 0
    return (found.st_ino, found.st_size, found.st_mtime_ns) if found else None


def _look(host: Host, kept: CatalogKept, now: float, number: int, vigil: Vigil) -> View:
    from cockpitpm.act.machine import instant

    host.catalog = kept.of(host)
    known = jobs.listed(host)
    busy = frozenset(app for job in known if not job.state.ended for app in job.order.apps)
    report = status(host, vigil=vigil, busy=busy)
    return View(
        number=number,
        at=now,
        read_at=instant(host.clock.now()),
        role=host.role,
        settings=host.settings,
        catalog=host.catalog,
        report=report,
        jobs=known,
    )
