"""The verbs that change a machine: a request becomes facts, facts become a plan, the plan is carried out."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from attrs import evolve, frozen

from cockpitpm.act.recovery import Recovered
from cockpitpm.act.run import carry_out
from cockpitpm.app.host import Host
from cockpitpm.app.names import app_of, apps_of
from cockpitpm.decide.order import closure
from cockpitpm.decide.planner import make_plan
from cockpitpm.errors import ExitCode
from cockpitpm.model.bundle import Bundle
from cockpitpm.model.facts import AppFacts
from cockpitpm.model.outcome import AppOutcome
from cockpitpm.model.plan import Plan, Request
from cockpitpm.model.receipt import Verb
from cockpitpm.observe.apps import on_disk, with_release, with_services
from cockpitpm.observe.releases import releases
from cockpitpm.record import generations

FORWARD = (Verb.INSTALL, Verb.UPGRADE)


@frozen(kw_only=True)
class Report:
    """A run as it ended. `recovered` is what an earlier run had left unfinished."""

    plan: Plan
    outcomes: tuple[AppOutcome, ...]
    recovered: tuple[Recovered, ...] = ()
    confirmed: bool = True


def change(host: Host, request: Request, confirm: Callable[[Plan], bool]) -> Report:
    """Plan the request, ask, and carry it out, all under the machine's lock.

    `request.names` may be apps, binaries or services. Raises PlanError, LockedError, MachineError, BundleError.
    """
    named = apps_of(host, request.names)  # a name that nobody knows must not even make a root
    with host.changing() as recovered:
        _stop_if_stuck(recovered, named)
        plan = plan_for(host, request)
        if not any(app.acts for app in plan.apps):
            return Report(plan=plan, outcomes=carry_out(host.machine(), plan), recovered=recovered)
        if not confirm(plan):
            return Report(plan=plan, outcomes=(), recovered=recovered, confirmed=False)
        return Report(plan=plan, outcomes=carry_out(host.machine(), plan), recovered=recovered)


def _stop_if_stuck(recovered: tuple[Recovered, ...], apps: tuple[str, ...]) -> None:
    """What is in the middle of a transaction that cannot be finished must not be changed further."""
    for one in recovered:
        if one.error and (not one.app or not apps or one.app in apps):
            raise one.error


def plan_for(host: Host, request: Request) -> Plan:
    """The plan for a request, from what is true now. Changes nothing. Raises PlanError for a name nobody knows."""
    request = _named(host, request)
    order = _order(host, request)
    facts = {app: _facts(host, app) for app in order}
    if request.verb in FORWARD:
        facts = _with_releases(host, request, facts)
    return make_plan(request, host.catalog, facts, order, host.facts())


def _named(host: Host, request: Request) -> Request:
    """The same request with apps for names; a service name narrows the verbs that work on services.

    Whoever names the app as well means all of it.
    """
    found = {name: app_of(host, name) for name in request.names}
    services = tuple(name for name, app in found.items() if name != app and app not in request.names)
    return evolve(request, names=tuple(dict.fromkeys(found.values())), services=services)


def _order(host: Host, request: Request) -> tuple[str, ...]:
    named = request.names or generations.apps(host.layout)
    if request.verb in FORWARD:
        return closure(host.catalog, named)
    order = closure(host.catalog, named)
    kept = tuple(app for app in order if app in named)
    return kept[::-1] if request.verb is Verb.REMOVE else kept


def _facts(host: Host, app: str) -> AppFacts:
    declared = host.catalog.bundle(app)
    channel = host.channel_of(declared) if declared else ""
    found = on_disk(host.layout, app, declared, channel)
    return with_services(found, host.supervisor, host.processes)


def _with_releases(host: Host, request: Request, facts: dict[str, AppFacts]) -> dict[str, AppFacts]:
    """Ask the forges about what may be installed or upgraded, and nothing else."""
    found = releases(host.forge, _asked(request, facts.values()))
    return {app: with_release(f, found[app]) if app in found else f for app, f in facts.items()}


def _asked(request: Request, facts: Iterable[AppFacts]) -> list[tuple[Bundle, str]]:
    def wanted(fact: AppFacts) -> bool:
        named = not request.names or fact.app in request.names
        return not fact.installed or (named and request.verb is Verb.UPGRADE)

    return [(f.declared, f.channel) for f in facts if f.declared and wanted(f)]


PRIORITY = (
    (ExitCode.TRANSACTION,),
    (ExitCode.ROLLED_BACK,),
    (
        ExitCode.BUNDLE,
        ExitCode.MACHINE,
        ExitCode.PLAN,
        ExitCode.FORGE,
        ExitCode.SUPERVISOR,
        ExitCode.PROBE,
        ExitCode.STORE,
    ),
    (ExitCode.REFUSED,),
)
"""Of several apps' exit codes the first that is present here is the run's."""


def exit_code(report: Report, everything: bool) -> ExitCode:
    """What the run tells its caller. With `everything` (`--all`) an app that has to wait is no failure."""
    codes = [o.exit_code for o in report.outcomes if not (everything and _waits(o))]
    for rank in PRIORITY:
        found = [code for code in codes if code in rank]
        if found:
            return min(found)
    return max(codes, default=ExitCode.DONE)


def _waits(outcome: AppOutcome) -> bool:
    return outcome.decision.KIND == "waiting"
