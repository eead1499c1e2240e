"""A hold: when it ends, and what status says of it."""

from __future__ import annotations

import pytest

from cockpitpm.decide.holds import held, held_remark, in_force
from cockpitpm.decide.truths import report
from cockpitpm.model.plan import Held
from cockpitpm.model.settings import Hold
from cockpitpm.model.status import Note
from tests.cases.scene import app_facts, bundles

UNTIL = "2026-12-24T00:00:00Z"
FAIR = Hold(reason="the fair", until=UNTIL)


@pytest.mark.parametrize(
    ("hold", "now", "holds"),
    [
        (None, UNTIL, False),
        (Hold(reason="the fair"), "9999-12-31T23:59:59Z", True),
        (FAIR, "2026-12-23T23:59:59Z", True),
        (FAIR, UNTIL, False),
        (FAIR, "2026-12-24T00:00:01Z", False),
    ],
)
def test_a_hold_ends_by_itself_at_its_end(hold: Hold | None, now: str, holds: bool) -> None:
    assert in_force(hold, now) == (hold if holds else None)


@pytest.mark.parametrize(("until", "told"), [(UNTIL, f"until {UNTIL}"), ("", "without an end")])
def test_a_held_app_is_told_with_reason_and_end(until: str, told: str) -> None:
    facts = app_facts("duo", {"installed": "A", "held": {"reason": "the fair", "until": until}}, bundles()["duo"])
    plan = held(facts)
    assert plan is not None and isinstance(plan.decision, Held)
    assert (plan.origin, plan.to, plan.steps, plan.decision.told) == (1, 1, (), f"held {told}: the fair")
    (remark,) = report(facts, "", "").remarks
    assert (remark.note, remark.next_step) == (Note.HELD, "cockpitpm unhold duo")
    assert told in remark.evidence and "the fair" in remark.evidence


def test_an_app_that_nobody_holds() -> None:
    facts = app_facts("duo", {"installed": "A"}, bundles()["duo"])
    assert (held(facts), held_remark(facts)) == (None, None)


def test_an_app_that_is_not_here_can_be_held_too() -> None:
    plan = held(app_facts("duo", {"held": {"reason": "not yet"}}, bundles()["duo"]))
    assert plan is not None and (plan.origin, plan.to, plan.bundle) == (0, 0, bundles()["duo"])
