"""Facts and a request become a plan. This is where a bundle turns into what will be done."""

from __future__ import annotations

from collections.abc import Mapping
from typing import assert_never

from attrs import evolve

from cockpitpm.decide.adopt import adopt
from cockpitpm.decide.holds import held, past_hold
from cockpitpm.decide.interruption import interruption
from cockpitpm.decide.mend import mend
from cockpitpm.decide.obstacles import damaged, not_installed
from cockpitpm.decide.release import towards_release
from cockpitpm.decide.retreat import removal, rollback
from cockpitpm.model.bundle import Bundle
from cockpitpm.model.catalog import Catalog
from cockpitpm.model.facts import AppFacts, MachineFacts
from cockpitpm.model.plan import AppPlan, Plan, Request, UpToDate
from cockpitpm.model.receipt import Verb


def make_plan(
    request: Request, catalog: Catalog, facts: Mapping[str, AppFacts], order: tuple[str, ...], machine: MachineFacts
) -> Plan:
    """The plan for a request, one app after another in the given order.

    `facts` has an entry for each app of the order. Raises PlanError for a request that makes no sense for a named app.
    """
    apps = tuple(_app(request, catalog, facts, app, machine, order) for app in order)
    return Plan(
        verb=request.verb,
        role=catalog.role,
        catalog_digest=catalog.digest,
        apps=tuple(evolve(a, interruption=interruption(facts[a.app], a)) for a in apps if a is not None),
        actor=request.actor,
        reason=request.reason,
        allowed=request.allow,
    )


def _app(
    request: Request,
    catalog: Catalog,
    facts: Mapping[str, AppFacts],
    app: str,
    machine: MachineFacts,
    order: tuple[str, ...],
) -> AppPlan | None:
    mine = facts[app]
    if mine.damaged and request.verb is not Verb.INSTALL:
        return AppPlan(app=app, decision=damaged(mine), channel=mine.channel, bundle=mine.declared)
    match request.verb:
        case Verb.INSTALL | Verb.UPGRADE:
            return _forward(request, catalog, mine, machine, order)
        case Verb.ROLLBACK:
            return rollback(mine, request.to, machine)
        case Verb.REMOVE:
            return removal(mine, machine, order)
        case Verb.ADOPT:
            return adopt(mine)
        case Verb.CONVERGE | Verb.START | Verb.RESTART:
            return mend(mine, request, machine)
    assert_never(request.verb)


def _forward(
    request: Request, catalog: Catalog, facts: AppFacts, machine: MachineFacts, order: tuple[str, ...]
) -> AppPlan | None:
    named = not request.names or facts.app in request.names
    if not named:
        return (
            None
            if facts.installed
            else evolve(_released(request, facts, machine), because=_because(catalog, facts.app, order))
        )
    if facts.installed and request.verb is Verb.INSTALL:
        return _present(facts)
    if not facts.installed and request.verb is Verb.UPGRADE:
        raise not_installed(facts)
    return _released(request, facts, machine)


def _released(request: Request, facts: AppFacts, machine: MachineFacts) -> AppPlan:
    allow = request.allowed_for(facts.app)
    if stop := held(facts, allow):
        return stop
    found = towards_release(facts, machine, allow)
    return evolve(found, past=(*past_hold(facts), *found.past)) if found.acts else found


def _present(facts: AppFacts) -> AppPlan:
    assert facts.installed is not None
    return AppPlan(
        app=facts.app,
        decision=UpToDate(why=f"installed already, as generation {facts.installed.number}"),
        channel=facts.channel,
        bundle=facts.installed.bundle,
        origin=facts.installed.number,
        to=facts.installed.number,
    )


def _because(catalog: Catalog, app: str, order: tuple[str, ...]) -> str:
    asking = [b for b in map(catalog.bundle, order) if b and _needs(b, app)]
    return "required by " + ", ".join(b.name for b in asking)


def _needs(bundle: Bundle, app: str) -> bool:
    return any(r.app == app and r.hard for r in bundle.requires)
