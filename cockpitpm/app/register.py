"""`register`: tell the supervisor the definitions of services, with variables of the caller that are kept for good."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import evolve

from cockpitpm.act.run import carry_out
from cockpitpm.app.change import Report, facts_for
from cockpitpm.app.host import Host
from cockpitpm.app.names import bundle_of
from cockpitpm.app.services import services_of
from cockpitpm.decide.environment import exportable
from cockpitpm.decide.planner import make_plan
from cockpitpm.errors import PlanError
from cockpitpm.model.bundle import Service
from cockpitpm.model.outcome import Ended
from cockpitpm.model.plan import Request
from cockpitpm.model.receipt import Verb
from cockpitpm.model.state import Exported
from cockpitpm.record import state


def register(host: Host, name: str, environ: Mapping[str, str], unset: tuple[str, ...] = ()) -> tuple[Report, Exported]:
    """Register the services that a name means. Gives the run, and what is kept for these services from now on.

    Variables of `environ` that the bundle declares for a service are kept for it, so that a later registration or
    upgrade without them loses nothing; those of `unset` are forgotten. If the services do not come up with them,
    everything is as it was. Raises PlanError for an app that is not installed, or a variable that is not kept.
    """
    services_of(host, name)  # a name that nobody knows must not even make a root
    with host.changing() as recovered:
        for error in (one.error for one in recovered if one.error):
            raise error
        app, services = _ours(host, name)
        after = _kept(state.read(host.layout, app).exported, services, environ, unset)
        report = _run(host, app, name, after)
        known = state.read(host.layout, app).exported
        return report, {s.name: known.get(s.name, {}) for s in services}


def _ours(host: Host, name: str) -> tuple[str, tuple[Service, ...]]:
    app, names = services_of(host, name)
    bundle = bundle_of(host, app)
    found = tuple(s for s in bundle.services if s.name in names and not s.external) if bundle else ()
    if not found:
        raise PlanError(f"{name} has no services that cockpitpm registers", f"See `cockpitpm explain {name}`")
    return app, found


def _kept(
    before: Exported, services: tuple[Service, ...], environ: Mapping[str, str], unset: tuple[str, ...]
) -> Exported:
    known = sorted({var for s in services for var in before.get(s.name, {})})
    for var in unset:
        if var not in known:
            kept = ", ".join(known) or "nothing"
            raise PlanError(f"{var} is not kept for {', '.join(s.name for s in services)}", f"Kept: {kept}")
    fresh = {s.name: {**before.get(s.name, {}), **exportable(s.env, environ)} for s in services}
    mine = {name: {var: v for var, v in said.items() if var not in unset} for name, said in fresh.items()}
    return {name: said for name, said in {**before, **mine}.items() if said}


def _run(host: Host, app: str, name: str, after: Exported) -> Report:
    """Bring the services onto the new definitions; their transaction keeps the values, or those of before."""
    request = Request(verb=Verb.CONVERGE, names=(name,), actor=host.invocation.actor)
    request, facts = facts_for(host, request)
    facts[app] = evolve(facts[app], state=evolve(facts[app].state, exported=after))
    plan = make_plan(request, host.catalog, facts, tuple(facts), host.facts())
    report = Report(plan=plan, outcomes=carry_out(evolve(host.machine(), exported={app: after}), plan))
    if all(o.ended is Ended.NOTHING for o in report.outcomes):
        # No definition differs by them, so there was no transaction to keep them.
        state.write(host.layout, evolve(state.read(host.layout, app), exported=after))
    return report
