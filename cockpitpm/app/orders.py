"""From what somebody asked a server for to a job. What can be refused at once is refused before there is one."""

from __future__ import annotations

from collections.abc import Callable

from attrs import evolve

from cockpitpm.app import jobs, plans
from cockpitpm.app.engine import Engine
from cockpitpm.app.host import Host
from cockpitpm.app.names import apps_of
from cockpitpm.decide.jobs import same_order
from cockpitpm.errors import PlanError
from cockpitpm.model.job import Job, Order
from cockpitpm.model.plan import Request
from cockpitpm.record import generations


class KeyTaken(PlanError):
    """The asker's own name for an order is that of another order already."""


def order_change(engine: Engine, request: Request, key: str = "", asked_from: str = "") -> tuple[Job, bool]:
    """The job for a request, and whether it is new. `request.names` may be apps, binaries or services.

    Raises UnknownName for a name that the machine does not know, KeyTaken for a key of another order.
    """
    host = engine.host(request.actor)
    if there := _by_key(host, key, lambda order: not order.plan and _asked(order.request) == _asked(request)):
        return there, False
    apps = apps_of(host, request.names) or generations.apps(host.layout)
    return engine.order(Order(request=request, apps=apps, key=key, asked_from=asked_from))


def order_plan(engine: Engine, digest: str, actor: str, key: str = "") -> tuple[Job, bool]:
    """The job that carries out the plan of this digest exactly as it was shown, and whether it is new.

    Raises Unfit for a plan that is not kept, or rests on something that has changed since; KeyTaken.
    """
    host = engine.host(actor)
    if there := _by_key(host, key, lambda order: order.plan == digest):
        return there, False
    saved = plans.shown(host, digest)
    apps = tuple(app.app for app in saved.plan.apps)
    order = Order(request=evolve(saved.request, actor=actor), apps=apps, key=key, plan=digest)
    # A plan that is under way does not stand any more: it is what changes the machine.
    if there := same_order(order, jobs.listed(host)):
        return there, False
    plans.stands(host, digest)
    return engine.order(order)


def _by_key(host: Host, key: str, same: Callable[[Order], bool]) -> Job | None:
    """The job of this key. Raises KeyTaken if it was ordered for something else."""
    there = next((job for job in jobs.listed(host) if key and job.order.key == key), None)
    if there and not same(there.order):
        verb = there.order.request.verb.value
        raise KeyTaken(f"The key {key!r} is that of job {there.id} ({verb})", "Use a new key for each order")
    return there


def _asked(request: Request) -> Request:
    """What was asked for, whoever asked and why."""
    return evolve(request, actor="", reason="")
