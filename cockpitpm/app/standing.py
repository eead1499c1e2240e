"""How every app of a machine stands, as all faces that people look at show it."""

from __future__ import annotations

from attrs import frozen

from cockpitpm.app import jobs
from cockpitpm.app.engine import View
from cockpitpm.app.host import Host
from cockpitpm.decide.jobs import same_order, undoable
from cockpitpm.decide.progress import progress
from cockpitpm.decide.standing import in_section, standing, summary
from cockpitpm.model.bundle import Layer, Link
from cockpitpm.model.job import Job, Order
from cockpitpm.model.progress import AppProgress
from cockpitpm.model.role import Role
from cockpitpm.model.standing import Known, Section, Standing, Summary
from cockpitpm.model.status import AppReport, Note

__all__ = [
    "Board",
    "board",
    "dependants",
    "in_section",
    "jobs_shown",
    "kept_by",
    "links",
    "shown",
    "standing_of",
    "steps",
    "under_way",
]


@frozen(kw_only=True)
class Board:
    """The whole machine. `read_at` is when the channel that was read longest ago was read; empty if none was."""

    standings: tuple[Standing, ...]
    summary: Summary
    read_at: str

    def of(self, section: Section) -> tuple[Standing, ...]:
        """The apps of one section, by their names."""
        return in_section(self.standings, section)


def shown(view: View) -> tuple[AppReport, ...]:
    """The apps that the role may see: nothing of the admin layer for a tester, even if it is installed."""
    admin = view.role.role is Role.ADMIN
    return tuple(app for app in view.report.apps if admin or app.layer != Layer.ADMIN.value)


def board(view: View) -> Board:
    """How every app stands that the role may see."""
    found = tuple(_standing(view, app) for app in shown(view))
    read = [s.channel_read_at for app in shown(view) for s in app.services if s.channel_read_at]
    return Board(standings=found, summary=summary(found), read_at=min(read, default=""))


def standing_of(view: View, app: str) -> Standing | None:
    """How one app stands; None for one that the role may not see, or that there is not."""
    return next((_standing(view, one) for one in shown(view) if one.name == app), None)


def _standing(view: View, app: AppReport) -> Standing:
    held = any(remark.note is Note.HELD for remark in app.remarks)
    known = Known(
        hold=view.settings.holds.get(app.name) if held else None,
        pin=view.settings.pins.get(app.name, ""),
        jobs=view.jobs,
        ancestry=next((s.channel_ancestry for s in app.services), None),
        bundle=view.catalog.bundle(app.name),
        as_of=view.read_at if view.late else "",
    )
    return standing(app, known)


def jobs_shown(view: View) -> tuple[Job, ...]:
    """The jobs about apps that the role may see, newest first."""
    seen = {app.name for app in shown(view)}
    return tuple(job for job in view.jobs if seen.issuperset(job.order.apps))


def links(view: View) -> tuple[Link, ...]:
    """What the bundles contribute to the navigation, each once."""
    return tuple(dict.fromkeys(link for bundle in view.catalog.bundles for link in bundle.links))


def dependants(view: View, app: str) -> tuple[str, ...]:
    """The installed apps that need this one."""
    here = {report.name for report in shown(view) if report.generation}
    needing = [b for b in view.catalog.bundles if any(r.app == app and r.hard for r in b.requires)]
    return tuple(b.name for b in needing if b.name in here)


def under_way(host: Host, order: Order) -> Job | None:
    """The job that an order has already, so that whoever presses twice lands on it."""
    return same_order(order, jobs.listed(host)[::-1])


def steps(host: Host, job: Job) -> tuple[AppProgress, ...]:
    """How far a job is with each of its apps."""
    return progress(job, jobs.told(host, job.id))


def kept_by(host: Host, job: Job) -> str:
    """Why a job cannot be cancelled; empty if it can."""
    return undoable(job, jobs.told(host, job.id))
