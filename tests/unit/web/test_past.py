"""The buttons of a held app and of a build that failed: a plan first, then exactly that plan, or nothing."""

from __future__ import annotations

import re
from html import unescape

import pytest

from cockpitpm.app import plans
from cockpitpm.app.change import change
from cockpitpm.app.refresh import refresh
from cockpitpm.app.settings import end_hold, hold_of, set_hold
from cockpitpm.app.status import status
from cockpitpm.model.job import JobState
from cockpitpm.model.receipt import Outcome, Verb
from cockpitpm.model.request import OLDER, Request
from cockpitpm.record import history, jobs
from tests.unit.web.conftest import PREFIX, Browser, Machine
from tests.unit.web.test_plans import form, generation

APP = "hero_compute"
ONCE, AGAIN = f"/apps/{APP}/plan?do=upgrade&past_hold=1", f"/apps/{APP}/plan?do=upgrade&retry_failed=1"


@pytest.fixture
def browser(machine: Machine) -> Browser:
    """hero_compute is installed; its channel has a build that works only while the machine is not ill."""
    change(machine.host(), Request(verb=Verb.INSTALL, names=(APP,), actor="mik"), lambda _: True)
    machine.publish(APP, "1.1", "frail")
    refresh(machine.host())
    return machine.client()


def hold(machine: Machine, reason: str = "the fair") -> None:
    set_hold(machine.host(), APP, "", reason)


def fail(machine: Machine) -> None:
    machine.world.fault("ill")
    change(machine.host(), Request(verb=Verb.UPGRADE, names=(APP,), actor="mik"), lambda _: True)
    assert generation(machine) == 1


def links(page: str) -> dict[str, str]:
    """Where the buttons of a page lead, by their words."""
    found = re.findall(r'<a class="btn"[^>]* href="([^"]+)"[^>]*>([^<]+)</a>', page)
    return {text: unescape(path) for path, text in found}


def plain(page: str) -> str:
    return unescape(page.replace("<wbr>", ""))


def state_of(machine: Machine) -> tuple[object, ...]:
    """All that a look must not change."""
    layout = machine.host().layout
    return (layout.settings.read_bytes(), machine.world.file.read_bytes(), jobs.numbers(layout), generation(machine))


def test_a_held_app_is_upgraded_once_and_stays_held(machine: Machine, browser: Browser) -> None:
    hold(machine)
    rows = machine.client(PREFIX).get("/services").text
    assert "the fair" in rows and f'href="{PREFIX}{ONCE.replace("&", "&amp;")}" data-plan>Upgrade once…</a>' in rows
    assert links(browser.get(f"/apps/{APP}").text)["Upgrade once…"] == ONCE
    before = state_of(machine)
    page = plain(browser.get(ONCE).text)
    assert state_of(machine) == before, "looking changes nothing"
    assert f"Upgrade {APP} once</button>" in page
    assert "it is held without an end (the fair), and stays so afterwards." in page
    action, fields = form(page)
    answer = browser.post(action, **fields, reason="the fix cannot wait")
    assert answer.headers["location"] == "/jobs/1" and generation(machine) == 2
    told = hold_of(machine.host(), APP)
    assert told is not None and told.reason == "the fair"
    (*_, line) = history.entries(machine.host().layout.history)
    assert (line.actor, line.reason, line.allowed) == ("mik", "the fix cannot wait", ("hold",))
    assert "went through hold" in browser.get("/history").text


def test_a_held_app_without_the_word_is_left_alone_and_the_page_leads_on(machine: Machine, browser: Browser) -> None:
    hold(machine)
    page = browser.get(f"/apps/{APP}/plan?do=upgrade").text
    assert 'class="btn primary"' not in page and f"cockpitpm upgrade {APP} --past-hold" in page
    assert links(page)["Upgrade once…"] == ONCE
    behind = machine.client(PREFIX).get(f"/apps/{APP}/plan?do=upgrade").text
    assert links(behind)["Upgrade once…"] == PREFIX + ONCE
    several = browser.get(f"/services/plan?app={APP}&past_hold=1").text
    assert 'class="btn primary"' not in several, "nobody goes past a hold for several apps at once"


def test_an_absent_app_is_installed_past_its_hold(machine: Machine, browser: Browser) -> None:
    set_hold(machine.host(), "hero_osis", "", "not yet")
    there = "/apps/hero_osis/plan?do=install&past_hold=1"
    assert links(browser.get("/apps/hero_osis/plan?do=install").text)["Install…"] == there
    page = browser.get(there).text
    assert "Install hero_osis once</button>" in page and "not yet" in page


def test_another_hold_since_is_a_conflict(machine: Machine, browser: Browser) -> None:
    hold(machine)
    action, fields = form(browser.get(ONCE).text)
    hold(machine, "it eats disks")
    answer = browser.post(action, **fields)
    assert answer.status_code == 409 and "it eats disks" in plain(answer.text)
    assert (machine.jobs, generation(machine)) == ([], 1)
    action, fields = form(answer.text)
    assert browser.post(action, **fields).status_code == 303 and generation(machine) == 2


def test_a_hold_that_came_since_is_a_conflict(machine: Machine, browser: Browser) -> None:
    action, fields = form(browser.get(f"/apps/{APP}/plan?do=upgrade").text)
    hold(machine)
    answer = browser.post(action, **fields)
    assert answer.status_code == 409 and f"{APP} is now held without an end: the fair" in plain(answer.text)
    assert (machine.jobs, generation(machine)) == ([], 1)


def test_a_failed_build_is_tried_again_and_works(machine: Machine, browser: Browser) -> None:
    fail(machine)
    assert AGAIN.replace("&", "&amp;") + '" data-plan>Try again…</a>' in machine.client().get("/services").text
    assert links(browser.get(f"/apps/{APP}/plan?do=upgrade").text)["Try again…"] == AGAIN
    machine.world.mended("ill")
    before = state_of(machine)
    page = plain(browser.get(AGAIN).text)
    assert state_of(machine) == before and "and is tried once more;" in page
    action, fields = form(page)
    assert browser.post(action, **fields).headers["location"] == "/jobs/1"
    assert generation(machine) == 2
    assert "Newest build failed here" not in machine.client().get("/services").text


def test_a_failed_build_that_fails_again_is_blocked_again(machine: Machine, browser: Browser) -> None:
    fail(machine)
    action, fields = form(browser.get(AGAIN).text)
    browser.post(action, **fields)
    assert "<b>Rolled back.</b>" in browser.get("/jobs/1").text and generation(machine) == 1
    (*_, line) = history.entries(machine.host().layout.history)
    assert (line.outcome, line.allowed) == (Outcome.ROLLED_BACK, ("blocked_build",))
    assert "Newest build failed here" in machine.client().get("/services").text
    action, fields = form(browser.get(f"/apps/{APP}/plan?do=upgrade").text)
    assert 'class="btn primary"' not in browser.get(f"/apps/{APP}/plan?do=upgrade").text


def test_a_try_that_was_shown_before_the_next_failure_is_a_conflict(machine: Machine, browser: Browser) -> None:
    fail(machine)
    action, fields = form(browser.get(AGAIN).text)
    machine.host().clock.sleep(3600)
    other, others = form(machine.client(actor="eve").get(AGAIN).text)
    assert machine.client(actor="eve").post(other, **others).status_code == 303
    answer = browser.post(action, **{**fields, "key": "mine"})
    assert answer.status_code == 409 and machine.jobs == [1]


def test_past_a_hold_a_failed_build_is_told_and_both_can_be_gone_past(machine: Machine, browser: Browser) -> None:
    fail(machine)
    hold(machine)
    machine.world.mended("ill")
    page = browser.get(ONCE).text
    assert f"cockpitpm upgrade {APP} --past-hold --retry-failed" in page
    both = links(page)["Try again…"]
    assert both == f"{ONCE}&retry_failed=1"
    action, fields = form(browser.get(both).text)
    assert browser.post(action, **fields).status_code == 303 and generation(machine) == 2
    (*_, line) = history.entries(machine.host().layout.history)
    assert line.allowed == ("hold", "blocked_build")


def test_a_word_that_belongs_to_no_upgrade_is_passed_over(machine: Machine, browser: Browser) -> None:
    hold(machine)
    page = browser.get(f"/apps/{APP}/plan?do=remove&past_hold=1").text
    assert f"Remove {APP}</button>" in page and "the fair" not in page
    assert 'class="btn primary"' not in browser.get(f"/apps/{APP}/plan?do=upgrade&past_hold=").text


def test_what_only_its_owner_may_go_past_is_not_carried_out_by_the_page(machine: Machine, browser: Browser) -> None:
    """Whoever has the digest of the owner's plan gets no further with it."""
    wish = Request(verb=Verb.UPGRADE, names=(APP,), actor="root", allow=OLDER, reason="told so")
    digest, _ = plans.show(machine.host(), wish)
    answer = browser.post(f"/plans/{digest}/apply", key="k")
    assert answer.status_code == 403 and "for the owner of the machine" in answer.text
    assert (machine.jobs, generation(machine)) == ([], 1)


def test_a_released_hold_stops_no_plan_that_went_past_it(machine: Machine, browser: Browser) -> None:
    hold(machine)
    action, fields = form(browser.get(ONCE).text)
    end_hold(machine.host(), APP)
    assert browser.post(action, **fields).status_code == 303 and generation(machine) == 2
    assert jobs.read(machine.host().layout, 1).state is JobState.DONE
    assert [app.generation for app in status(machine.host()).apps if app.name == APP] == [2]
