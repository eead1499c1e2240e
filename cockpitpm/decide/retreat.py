"""The ways back: an older generation, or none at all. Both use the bundle as it was stored, not today's."""

from __future__ import annotations

from cockpitpm.decide.drift import drift
from cockpitpm.decide.obstacles import not_installed
from cockpitpm.decide.steps import retires, steps_towards
from cockpitpm.decide.wanted import wanted_services
from cockpitpm.model.facts import AppFacts, MachineFacts
from cockpitpm.model.plan import AppPlan, Reason, Record, Refused, Remove, Rollback, Swap
from cockpitpm.model.receipt import Generation


def rollback(facts: AppFacts, to: int | None, machine: MachineFacts) -> AppPlan:
    """Make an older generation current. Without a number: the newest that is older than the current one, or the
    current one itself, fresh from the store, where there is no older one and a file was changed by hand."""
    if facts.installed is None:
        raise not_installed(facts)
    target = _target(facts, to)
    if target is None:
        return _refused(facts, to)
    wanted = wanted_services(facts, target.bundle)
    return AppPlan(
        app=facts.app,
        decision=Rollback(generation=target.number, commit=target.built_from),
        channel=facts.channel,
        bundle=target.bundle,
        steps=steps_towards(facts, target.bundle, (), target.number, wanted, machine),
        installed=target.receipts,
        origin=facts.installed.number,
        to=target.number,
        wanted=wanted,
    )


def _target(facts: AppFacts, to: int | None) -> Generation | None:
    assert facts.installed is not None
    if to is not None:
        return next((g for g in facts.generations if g.number == to), None)
    older = [g for g in facts.generations if g.number < facts.installed.number]
    if older:
        return max(older, key=lambda g: g.number)
    drifted = any(drift(facts, f) for f in facts.files.values())
    return facts.installed if drifted else None


def _refused(facts: AppFacts, to: int | None) -> AppPlan:
    assert facts.installed is not None
    kept = ", ".join(str(g.number) for g in facts.generations)
    asked = f"generation {to} is not kept" if to is not None else "there is no older generation"
    return AppPlan(
        app=facts.app,
        decision=Refused(
            reason=Reason.NO_GENERATION,
            evidence=f"{asked}; kept: {kept}; current: {facts.installed.number}",
            way_out=f"Name a kept one with `cockpitpm rollback {facts.app} --to N`",
        ),
        channel=facts.channel,
        bundle=facts.installed.bundle,
        origin=facts.installed.number,
        to=facts.installed.number,
    )


def removal(facts: AppFacts, machine: MachineFacts, going: tuple[str, ...]) -> AppPlan:
    """Take the app off the machine, unless an installed app that stays needs it."""
    if facts.installed is None:
        raise not_installed(facts)
    origin = facts.installed.number
    needing = [
        other
        for other, bundle in machine.installed.items()
        if other not in going and any(r.app == facts.app and r.hard for r in bundle.requires)
    ]
    if needing:
        refusal = Refused(
            reason=Reason.REQUIREMENT,
            evidence=f"{facts.app} is required by {', '.join(needing)}",
            way_out=f"Remove them together: `cockpitpm remove {' '.join([*needing, facts.app])}`",
        )
        return AppPlan(app=facts.app, decision=refusal, channel=facts.channel, origin=origin, to=origin)
    binaries = tuple(b.name for b in facts.installed.bundle.binaries)
    swap = Swap(origin=origin, to=0, binaries=binaries)
    return AppPlan(
        app=facts.app,
        decision=Remove(),
        channel=facts.channel,
        steps=(swap, *retires(facts, None), Record(generation=0)),
        origin=origin,
        to=0,
    )
