"""Bytes that somebody put in place by hand, taken into a generation of their own."""

from __future__ import annotations

from cockpitpm.decide.drift import drift
from cockpitpm.decide.obstacles import not_installed
from cockpitpm.decide.wanted import wanted_services
from cockpitpm.model.facts import AppFacts
from cockpitpm.model.plan import Adopt, AppPlan, Decision, Record, Step, Swap, UpToDate


def adopt(facts: AppFacts) -> AppPlan:
    """A generation of what is in place now. No service is stopped; what a process runs is for `converge` to mend."""
    if facts.installed is None:
        raise not_installed(facts)
    origin = facts.installed.number
    named = tuple(f.binary for f in facts.files.values() if f.sha256 and drift(facts, f))
    held = tuple(b for b in named if facts.installed.receipt(b))
    to = max(facts.numbers) + 1
    decision: Decision = Adopt(binaries=held)
    steps: tuple[Step, ...] = (Swap(origin=origin, to=to, binaries=held), Record(generation=to))
    if not held:
        decision, steps, to = UpToDate(why="every file is what its receipt says"), (), origin
    return AppPlan(
        app=facts.app,
        decision=decision,
        channel=facts.channel,
        bundle=facts.installed.bundle,
        steps=steps,
        installed=facts.installed.receipts,
        origin=origin,
        to=to,
        wanted=wanted_services(facts, facts.installed.bundle),
    )
