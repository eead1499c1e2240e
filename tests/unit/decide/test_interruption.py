"""What is expected of restarts, from what was measured of them."""

from __future__ import annotations

import pytest
from attrs import evolve

from cockpitpm.decide.interruption import interruption, measured, median
from cockpitpm.decide.planner import make_plan
from cockpitpm.model.bundle import Activation
from cockpitpm.model.interruption import Interruption, ServiceInterruption
from cockpitpm.model.plan import Request
from cockpitpm.model.receipt import ActivationRecord, Outcome, ServiceChange, Verb
from tests.cases.scene import MACHINE, app_facts, catalog_of

SERVER, ADMIN, SECOND = "duo_server", "duo_admin", "duo_second"


def line(outcome: Outcome = Outcome.COMMITTED, app: str = "duo", **services: int | None) -> ActivationRecord:
    return ActivationRecord(
        transaction="t",
        app=app,
        verb=Verb.UPGRADE,
        outcome=outcome,
        at="2026-06-12T08:00:00Z",
        actor="test",
        reason="",
        from_generation=1,
        to_generation=2,
        services=tuple(
            ServiceChange(service=name, before=None, after=None, answer="", interrupted_ms=ms)
            for name, ms in services.items()
        ),
        detail="",
    )


def expected(*history: ActivationRecord, activation: Activation = Activation.ROLLING) -> Interruption | None:
    """Of an upgrade that changes every byte of two running services."""
    catalog = catalog_of(["duo"])
    bundle = evolve(catalog.bundles[0], activation=activation)
    tree = {"installed": "A", "release": "B", "ancestry": "upgrade"}
    facts = app_facts("duo", tree, bundle)
    assert facts.installed
    facts = evolve(facts, activations=history, installed=evolve(facts.installed, bundle=bundle))
    catalog = evolve(catalog, bundles=(bundle,))
    plan = make_plan(Request(verb=Verb.UPGRADE, names=("duo",)), catalog, {"duo": facts}, ("duo",), MACHINE)
    assert plan.apps[0].interruption == interruption(facts, plan.apps[0])
    return plan.apps[0].interruption


@pytest.mark.parametrize(
    ("found", "middle"),
    [((), None), ((7,), 7), ((9, 1), 5), ((1, 2), 1), ((900, 100, 200), 200), ((30_000, 1, 2, 3), 2)],
)
def test_the_middle(found: tuple[int, ...], middle: int | None) -> None:
    assert median(found) == middle


def test_one_slow_restart_does_not_move_it() -> None:
    assert median((800, 810, 30_000, 790, 805)) == 805


def test_the_last_five_of_this_service_of_this_app() -> None:
    old = [line(duo_server=ms) for ms in (1, 2, 3, 4, 5, 6, 7)]
    assert measured(old, "duo", SERVER) == (3, 4, 5, 6, 7)
    assert measured([*old, line(app="other", duo_server=99)], "duo", SERVER) == (3, 4, 5, 6, 7)
    assert measured([*old, line(duo_server=None, duo_admin=99)], "duo", SERVER) == (3, 4, 5, 6, 7)
    assert measured([*old, line(Outcome.ROLLED_BACK, duo_server=30_000)], "duo", SERVER) == (3, 4, 5, 6, 7)
    assert measured(old, "duo", ADMIN) == ()


def test_nothing_was_measured_yet() -> None:
    found = expected()
    assert found and found.total_ms is None
    assert {(one.expected_ms, one.restarts) for one in found.services} == {(None, 0)}


def test_one_after_another_they_add_up_and_together_the_slowest_counts() -> None:
    first = expected()
    assert first
    names = [one.service for one in first.services]
    assert names[0] == SERVER and len(names) > 1
    history = [line(**{name: 100 * (at + 1) for at, name in enumerate(names)})]
    rolling, together = expected(*history), expected(*history, activation=Activation.TOGETHER)
    assert rolling and together
    each = tuple(ServiceInterruption(service=n, expected_ms=100 * (i + 1), restarts=1) for i, n in enumerate(names))
    assert rolling.services == together.services == each
    assert rolling.total_ms == sum(range(100, 100 * len(names) + 1, 100))
    assert together.total_ms == 100 * len(names)


def test_one_that_is_not_known_leaves_the_whole_unknown() -> None:
    found = expected(line(duo_server=800))
    assert found and found.total_ms is None
    assert found.services[0] == ServiceInterruption(service=SERVER, expected_ms=800, restarts=1)
