"""Services that do not run what is in place, or are asked to be restarted: what to do without changing bytes."""

from __future__ import annotations

from collections.abc import Mapping

from cockpitpm.decide.obstacles import not_installed
from cockpitpm.decide.running import judge
from cockpitpm.decide.steps import converges, registers
from cockpitpm.decide.wanted import wanted_services
from cockpitpm.model.bundle import Bundle
from cockpitpm.model.facts import AppFacts, MachineFacts
from cockpitpm.model.plan import AppPlan, Mend, Record, Request, Step, UpToDate
from cockpitpm.model.receipt import Verb
from cockpitpm.model.service import Runs, Wanted


def mend(facts: AppFacts, request: Request, machine: MachineFacts) -> AppPlan:
    """Converge, start or restart services of an installed app, by the bundle that its generation stored."""
    if facts.installed is None:
        raise not_installed(facts)
    named = _named(request, facts.installed.bundle)
    wanted = _wanted(facts, request.verb, named)
    cycle = tuple(s for s in named if request.verb is Verb.RESTART and wanted.get(s) is Wanted.RUNNING)
    todo = {s: w for s, w in wanted.items() if w is Wanted.RUNNING and s in named and (s in cycle or _behind(facts, s))}
    register = tuple(r for r in registers(facts, facts.installed.bundle, machine) if r.service in named)
    number = facts.installed.number
    steps: tuple[Step, ...] = (*register, *converges(facts.installed.bundle, todo), Record(generation=number))
    services = tuple(dict.fromkeys((*(r.service for r in register), *todo)))
    if not services and wanted == facts.state.wanted:
        steps = ()
    return AppPlan(
        app=facts.app,
        decision=Mend(services=services) if steps else UpToDate(why="every service runs the bytes that are in place"),
        channel=facts.channel,
        bundle=facts.installed.bundle,
        steps=steps,
        installed=facts.installed.receipts,
        origin=number,
        to=number,
        wanted=wanted,
        cycle=cycle,
    )


def _named(request: Request, bundle: Bundle) -> tuple[str, ...]:
    """The services of this app that the request names; all of them if it names none (but the app, or a tool of it)."""
    every = tuple(s.name for s in bundle.services)
    return tuple(s for s in every if s in request.services) or every


def _wanted(facts: AppFacts, verb: Verb, named: tuple[str, ...]) -> Mapping[str, Wanted]:
    """Start and restart say that the service is meant to run from now on; converge leaves that as it is."""
    assert facts.installed is not None
    found = dict(wanted_services(facts, facts.installed.bundle))
    if verb is not Verb.CONVERGE:
        found |= dict.fromkeys(named, Wanted.RUNNING)
    return found


def _behind(facts: AppFacts, name: str) -> bool:
    assert facts.installed is not None
    service = next(s for s in facts.installed.bundle.services if s.name == name)
    fact = facts.services.get(name)
    return fact is None or judge(service, fact, facts.in_place) is not Runs.CURRENT
