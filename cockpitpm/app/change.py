"""The verbs that change a machine: a request becomes facts, facts become a plan, the plan is carried out."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from attrs import evolve, frozen

from cockpitpm.act.recovery import Recovered
from cockpitpm.act.run import carry_out
from cockpitpm.app.channels import remember, remember_silence, with_channels
from cockpitpm.app.host import Host
from cockpitpm.app.names import app_of, apps_of
from cockpitpm.app.settings import hold_of
from cockpitpm.decide.order import closure
from cockpitpm.decide.planner import make_plan
from cockpitpm.errors import ExitCode, StoreError
from cockpitpm.model.facts import AppFacts
from cockpitpm.model.outcome import AppOutcome
from cockpitpm.model.plan import Held, Plan, Reason, Request, Waiting
from cockpitpm.model.receipt import ActivationRecord, Verb
from cockpitpm.observe.apps import on_disk, with_activations, with_services
from cockpitpm.record import generations, history

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
    return under_lock(host, evolve(request, names=named), lambda: _planned(host, request), confirm)


def _planned(host: Host, request: Request) -> Plan:
    """The plan; of an app that stays as it is, it is remembered what its channel held, so that the next look is cheap,
    or why it told nothing.
    """
    request, facts = facts_for(host, request)
    plan = make_plan(request, host.catalog, facts, tuple(facts), host.facts())
    for app in plan.apps:
        if not app.acts:
            remember(host, facts[app.app])
            remember_silence(host, facts[app.app])
    return plan


def under_lock(host: Host, request: Request, made: Callable[[], Plan], confirm: Callable[[Plan], bool]) -> Report:
    """Hold the machine's lock, have the plan for a request of apps made, ask, and carry it out."""
    with host.changing() as recovered:
        _stop_if_stuck(recovered, request.names)
        plan = made()
        if not any(app.acts for app in plan.apps):
            return Report(plan=plan, outcomes=carry_out(host.machine(), plan), recovered=recovered)
        if not confirm(plan):
            return Report(plan=plan, outcomes=(), recovered=recovered, confirmed=False)
        done = carry_out(host.machine(), plan, request.on_failure)
        return Report(plan=plan, outcomes=done, recovered=recovered)


def _stop_if_stuck(recovered: tuple[Recovered, ...], apps: tuple[str, ...]) -> None:
    """What is in the middle of a transaction that cannot be finished must not be changed further."""
    for one in recovered:
        if one.error and (not one.app or not apps or one.app in apps):
            raise one.error


def plan_for(host: Host, request: Request) -> Plan:
    """The plan for a request, from what is true now. Changes nothing. Raises PlanError for a name nobody knows."""
    request, facts = facts_for(host, request)
    return make_plan(request, host.catalog, facts, tuple(facts), host.facts())


def facts_for(host: Host, request: Request) -> tuple[Request, dict[str, AppFacts]]:
    """What a plan for the request needs to know, app by app in their order; and the request with apps for names."""
    request = _named(host, request)
    recent = _recent(host)
    facts = {app: with_activations(_facts(host, app), recent) for app in _order(host, request)}
    if request.verb in FORWARD:
        facts = _with_releases(host, request, facts)
    return request, facts


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


def _recent(host: Host) -> tuple[ActivationRecord, ...]:
    """The last lines of history, as far as they can be read: they only foretell, and that must stop nobody."""
    try:
        return tuple(history.recent(host.layout.history))
    except StoreError:
        return ()


def _facts(host: Host, app: str) -> AppFacts:
    declared = host.catalog.bundle(app)
    channel = host.channel_of(declared) if declared else ""
    found = evolve(
        on_disk(host.layout, app, declared, channel), hold=hold_of(host, app), pinned=app in host.settings.pins
    )
    return with_services(found, host.supervisor, host.processes)


def _with_releases(host: Host, request: Request, facts: dict[str, AppFacts]) -> dict[str, AppFacts]:
    """Ask the forges about what may be installed or upgraded, and nothing else."""
    return with_channels(host, facts, _asked(request, facts.values()), fresh=False)


def _asked(request: Request, facts: Iterable[AppFacts]) -> list[str]:
    def wanted(fact: AppFacts) -> bool:
        named = not request.names or fact.app in request.names
        return not fact.installed or (named and request.verb is Verb.UPGRADE)

    def waits(fact: AppFacts) -> bool:
        return fact.hold is not None and Reason.HOLD not in request.allowed_for(fact.app)

    return [f.app for f in facts if f.declared and not waits(f) and wanted(f)]


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
    """What the run tells its caller. With `everything` (`--all`) an app that has to wait, or is held, is no failure."""
    codes = [o.exit_code for o in report.outcomes if not (everything and _waits(o))]
    for rank in PRIORITY:
        found = [code for code in codes if code in rank]
        if found:
            return min(found)
    return max(codes, default=ExitCode.DONE)


def _waits(outcome: AppOutcome) -> bool:
    return isinstance(outcome.decision, Waiting | Held)
