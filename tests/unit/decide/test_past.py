"""Going past a hold or a failed build: what it leads to, which buttons offer it, and when a shown plan stands."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve

from cockpitpm.decide.binding import newly_held, objections
from cockpitpm.decide.planner import make_plan
from cockpitpm.decide.standing import standing
from cockpitpm.decide.truths import report
from cockpitpm.decide.ways import way_past
from cockpitpm.model.plan import OLDER, Plan, Reason, Request
from cockpitpm.model.receipt import Verb
from cockpitpm.model.release import Ancestry
from cockpitpm.model.settings import Hold
from cockpitpm.model.standing import Act, Known, Standing
from tests.cases.scene import MACHINE, app_facts, bundles, catalog_of
from tests.cases.stands import ALL

DUO = bundles()["duo"]
FAIR = {"reason": "the fair"}
PAST = (Reason.HOLD, Reason.BLOCKED_BUILD)


def planned(allow: tuple[Reason, ...] = PAST, **tree: Any) -> Plan:
    facts = app_facts("duo", {"installed": "A", "release": "B", **tree}, DUO)
    machine = evolve(MACHINE, installed={"duo": DUO})
    request = Request(verb=Verb.UPGRADE, names=("duo",), allow=allow)
    return make_plan(request, catalog_of(["duo"]), {"duo": facts}, ("duo",), machine)


def stands(hold: Hold | None = None, ancestry: Ancestry | None = None, **tree: Any) -> Standing:
    facts = app_facts("duo", {"installed": "A", "wanted": ALL, "observed": {"uuids": "B"}, **tree}, DUO)
    return standing(report(facts, "", ""), Known(bundle=DUO, hold=hold, ancestry=ancestry))


@pytest.mark.parametrize(
    ("reason", "allow", "flags"),
    [
        (Reason.HOLD, (), "--past-hold"),
        (Reason.BLOCKED_BUILD, (), "--retry-failed"),
        (Reason.BLOCKED_BUILD, (Reason.HOLD,), "--past-hold --retry-failed"),
        (Reason.HOLD, OLDER, '--past-hold --allow-downgrade --reason "WHY"'),
        (Reason.STALE_ASSET, (), '--allow-downgrade --reason "WHY"'),
    ],
)
def test_a_way_past_keeps_what_was_gone_past_already(reason: Reason, allow: tuple[Reason, ...], flags: str) -> None:
    here, gone = app_facts("duo", {"installed": "A"}, DUO), app_facts("duo", {}, DUO)
    assert way_past(here, reason, allow) == f"cockpitpm upgrade duo {flags}"
    assert way_past(gone, reason, allow) == f"cockpitpm install duo {flags}"


def test_nothing_to_go_past_leaves_the_plan_as_it_was() -> None:
    assert planned().apps == planned(allow=()).apps


def test_a_plan_stands_until_there_is_more_to_go_past() -> None:
    free, held = planned(), planned(held=FAIR)
    assert objections(held, held) == objections(held, free) == (), "a hold that was released stops nothing"
    assert objections(free, held) == (
        "duo would be changed although it is held without an end (the fair), and stays so afterwards now",
    )
    (told,) = objections(held, planned(held={"reason": "it eats disks"}))
    assert "it eats disks" in told, "another hold is another thing to go past"


def test_a_retry_that_was_shown_does_not_stand_after_the_next_failure() -> None:
    first = planned(blocked=["B"])
    (app,) = first.apps
    later = evolve(first, apps=(evolve(app, past=(evolve(app.past[0], told="it failed here today"),)),))
    assert objections(first, first) == ()
    assert objections(first, later) == ("duo would be changed although it failed here today now",)


def test_a_hold_that_came_since_is_told_first() -> None:
    free, held = planned(allow=()), planned(allow=(), held=FAIR)
    assert newly_held(free, held) == ("duo is now held without an end: the fair",)
    assert newly_held(held, held) == newly_held(free, free) == newly_held(held, free) == ()


@pytest.mark.parametrize(
    ("more", "row", "primary", "others"),
    [
        ({"hold": Hold(**FAIR)}, 17, Act.RELEASE, (Act.UPGRADE_ONCE,)),
        ({"hold": Hold(**FAIR), "ancestry": Ancestry.UPGRADE}, 17, Act.RELEASE, (Act.UPGRADE_ONCE,)),
        ({"hold": Hold(**FAIR), "ancestry": Ancestry.DOWNGRADE}, 17, Act.RELEASE, ()),
        ({"hold": Hold(**FAIR), "ancestry": Ancestry.UNKNOWN}, 17, Act.RELEASE, ()),
        ({"hold": Hold(**FAIR), "blocked": ["B"]}, 17, Act.RELEASE, (Act.UPGRADE_ONCE,)),
        ({"blocked": ["B"]}, 18, Act.WHAT_FAILED, (Act.TRY_AGAIN,)),
        ({}, 16, Act.UPGRADE, (Act.HOLD,)),
    ],
)
def test_the_buttons_that_go_past(more: dict[str, Any], row: int, primary: Act, others: tuple[Act, ...]) -> None:
    found = stands(**more)
    assert (found.row, found.primary and found.primary.act) == (row, primary)
    assert tuple(button.act for button in found.others) == others
    assert {Act.UPGRADE_ONCE, Act.TRY_AGAIN}.isdisjoint(button.act for button in found.menu)
