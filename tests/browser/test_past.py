"""What an operator may go past: a hold, once, and a build that failed, once more. Each is a plan before it is a job."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from cockpitpm.app.settings import hold_of
from cockpitpm.model.job import JobState
from cockpitpm.record import history
from tests.browser.house import House
from tests.browser.lively import BLOCKED, HELD, REASON
from tests.browser.test_upgrade import ends, facts, job_of
from tests.browser.visitor import Visits, live, row, words

WHY = "the fair wants the fix"


@pytest.fixture
def offered(lively: House) -> Iterator[str]:
    """The commit that the held app is offered; there is another one afterwards, as there was one before."""
    yield lively.publish(HELD)
    lively.publish(HELD)
    lively.refresh()


def chosen(page: Page, app: str, label: str) -> None:
    """Take a way from the menu of an app's row."""
    act = row(page, app).locator(".act")
    act.locator(".menu > summary").click()
    act.get_by_role("link", name=label, exact=True).click()


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
def test_a_held_app_is_visible_with_its_reason_and_upgrading_it_once_keeps_the_hold(
    lively: House, visits: Visits, offered: str, script: bool
) -> None:
    lively.refresh()
    before, generation = hold_of(lively.host(), HELD), lively.services(HELD)
    page = visits.open(lively, script=script)
    assert words(page, HELD).startswith("Held until") and words(page, HELD).endswith(REASON)
    chosen(page, HELD, "Upgrade once…")
    plan = page.locator("#plan")
    expect(plan.get_by_role("heading", level=1)).to_have_text(f"Upgrade {HELD} once")
    (told,) = facts(plan)["Although"]
    assert REASON in told and told.endswith("and stays so afterwards.")
    assert lively.services(HELD) == generation, "looking changes nothing"
    plan.get_by_label("Why?").fill(WHY)
    plan.get_by_role("button", name=f"Upgrade {HELD} once", exact=True).click()
    number = job_of(page)
    ends(page, "done")
    assert lively.settled(number).state is JobState.DONE
    assert {one["build"]["commit"] for one in lively.services(HELD).values()} == {offered}
    assert before is not None and hold_of(lively.host(), HELD) == before
    (*_, line) = history.entries(lively.machine.layout.history)
    assert (line.app, line.reason, line.allowed) == (HELD, WHY, ("hold",))
    page.goto(lively.url(f"/apps/{HELD}"))
    expect(page.locator("#wanted ~ dl, section:has(#wanted) dl").first).to_contain_text(REASON)
    page.goto(lively.url("/history"))
    expect(page.locator(".past li").first).to_contain_text("went through hold")


@pytest.mark.slow
def test_a_failed_build_is_tried_again_from_its_row_and_goes_back_again(lively: House, visits: Visits) -> None:
    old = lively.services(BLOCKED)
    page = live(visits.open(lively))
    assert words(page, BLOCKED).startswith("Newest build failed here")
    chosen(page, BLOCKED, "Try again…")
    plan = page.locator("#plan")
    expect(plan).to_contain_text("and is tried once more;")
    plan.get_by_role("button", name=f"Upgrade {BLOCKED}", exact=True).click()
    number = job_of(page)
    ends(page, "rolled_back")
    assert lively.settled(number).state is JobState.ROLLED_BACK
    kept = {name: one["build"]["commit"] for name, one in old.items()}
    assert {name: one["build"]["commit"] for name, one in lively.services(BLOCKED).items()} == kept
    page.goto(lively.url("/services"))
    expect(row(page, BLOCKED).locator(".st").first).to_contain_text("Newest build failed here", timeout=10_000)


def test_a_plan_without_the_word_leads_to_the_one_with_it(lively: House, visits: Visits) -> None:
    page = visits.open(lively, f"/apps/{HELD}/plan?do=upgrade")
    assert page.locator("button.primary").count() == 0
    page.locator("#plan").get_by_role("link", name="Upgrade once…").click()
    page.wait_for_url(re.compile("past_hold=1"))
    expect(page.get_by_role("button", name=f"Upgrade {HELD} once", exact=True)).to_be_visible()
