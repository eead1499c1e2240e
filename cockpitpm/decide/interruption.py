"""What a plan will interrupt, and for how long: the services that run and will be cycled, by their last restarts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from cockpitpm.decide.running import judge
from cockpitpm.model.bundle import Activation, Bundle, Service
from cockpitpm.model.facts import AppFacts
from cockpitpm.model.interruption import Interruption, ServiceInterruption
from cockpitpm.model.plan import AppPlan, Converge, Register, Swap
from cockpitpm.model.receipt import ActivationRecord, Outcome
from cockpitpm.model.service import Runs

RECENT = 5
"""How many of the last measured restarts count; what a service did long ago says little of today's build."""


def interruption(facts: AppFacts, plan: AppPlan) -> Interruption | None:
    """What to expect of the plan; None if nothing that runs will be restarted. Services that go for good do not count.

    A service that runs the right bytes already is left alone, so it is not among them.
    """
    if plan.bundle is None:
        return None
    going = tuple(s.name for s in _cycled(facts, plan, plan.bundle))
    if not going:
        return None
    found = tuple(_expected(facts.activations, facts.app, name) for name in going)
    overlapping = plan.bundle.activation is Activation.TOGETHER or _together(facts, plan)
    return Interruption(services=found, total_ms=_total(found, overlapping))


def measured(activations: Iterable[ActivationRecord], app: str, service: str) -> tuple[int, ...]:
    """The last restarts of a service that were measured, oldest first, at most RECENT; in milliseconds.

    A transaction that was taken back counts for nothing: most of its time is the wait for a build that failed.
    """
    known = (a for a in activations if a.app == app and a.outcome is Outcome.COMMITTED)
    found = [c.interrupted_ms for a in known for c in a.services if c.service == service]
    return tuple(ms for ms in found if ms is not None)[-RECENT:]


def median(found: tuple[int, ...]) -> int | None:
    """The value in the middle, or between the two in the middle, rounded down; None of nothing."""
    if not found:
        return None
    middle = len(found) // 2
    ordered = sorted(found)
    return ordered[middle] if len(found) % 2 else (ordered[middle - 1] + ordered[middle]) // 2


def _expected(activations: Iterable[ActivationRecord], app: str, service: str) -> ServiceInterruption:
    found = measured(activations, app, service)
    return ServiceInterruption(service=service, expected_ms=median(found), restarts=len(found))


def _total(found: tuple[ServiceInterruption, ...], overlapping: bool) -> int | None:
    """One after another they add up; of those that go together the slowest one counts."""
    known = [one.expected_ms for one in found if one.expected_ms is not None]
    if len(known) < len(found):
        return None
    return max(known) if overlapping else sum(known)


def _cycled(facts: AppFacts, plan: AppPlan, target: Bundle) -> Iterator[Service]:
    """The services that run now and will be stopped and started, in declared order."""
    moving = {s.service for s in plan.steps if isinstance(s, Converge)}
    certain = {s.service for s in plan.steps if isinstance(s, Register)} | set(plan.cycle)
    changed = _changed(facts, plan, target)
    together = _together(facts, plan)
    for service in target.services:
        fact = facts.services.get(service.name)
        if service.name not in moving or fact is None or fact.process is None:
            continue
        other = not changed.isdisjoint({service.binary} if service.binary else changed)
        behind = judge(service, fact, facts.in_place) is not Runs.CURRENT
        if other or behind or together or service.name in certain:
            yield service


def _changed(facts: AppFacts, plan: AppPlan, target: Bundle) -> set[str]:
    """The binaries whose bytes will be others than those in place."""
    if not _swaps(plan):
        return set()
    coming = {r.binary: r.sha256 for r in plan.kept}
    here = {f.binary: f.sha256 for f in facts.files.values()}
    return {b.name for b in target.binaries if b.name not in coming or coming[b.name] != here.get(b.name)}


def _together(facts: AppFacts, plan: AppPlan) -> bool:
    """Whether all services of the app are stopped before other bytes come into place."""
    before = facts.installed.bundle if facts.installed else None
    return _swaps(plan) and before is not None and before.activation is Activation.TOGETHER


def _swaps(plan: AppPlan) -> bool:
    return any(isinstance(step, Swap) for step in plan.steps)
