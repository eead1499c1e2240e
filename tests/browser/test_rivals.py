"""Two people, one person twice, and pages that stood open too long: one job, and nothing that nobody saw."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from cockpitpm.errors import ExitCode
from cockpitpm.model.job import JobState
from cockpitpm.model.receipt import Verb
from tests.acceptance.scene import COMPUTE
from tests.browser.guest import PREFIX, ask
from tests.browser.house import House
from tests.browser.lively import MAIN
from tests.browser.test_upgrade import ends, job_of
from tests.browser.visitor import Visits, live

BOOKS = "hero_books"


def final(page: Page, app: str = COMPUTE) -> None:
    page.get_by_role("button", name=f"Upgrade {app}", exact=True).click(no_wait_after=True)


def plan(visits: Visits, house: House, app: str = COMPUTE) -> Page:
    return visits.open(house, f"/apps/{app}/plan?do=upgrade")


def test_a_double_click_is_one_job(admin: House, visits: Visits) -> None:
    admin.publish(COMPUTE)
    before = {job.id for job in admin.jobs()}
    page = plan(visits, admin)
    page.get_by_role("button", name=f"Upgrade {COMPUTE}", exact=True).dblclick(no_wait_after=True)
    number = job_of(page)
    ends(page, "done")
    assert {job.id for job in admin.jobs()} - before == {number}


def test_two_browsers_land_on_one_job(admin: House, visits: Visits) -> None:
    """Another app waits its turn, and both pages show the same lines."""
    admin.publish(COMPUTE)
    admin.publish(BOOKS)
    before = {job.id for job in admin.jobs()}
    with admin.held_downloads() as go:
        first, second, third = plan(visits, admin), plan(visits, admin), plan(visits, admin, BOOKS)
        final(first)
        number = job_of(first)
        final(second)
        assert job_of(second) == number
        expect(second.locator("main")).to_contain_text(re.compile("Already started by mik, .*[0-9]"))
        final(third, BOOKS)
        other = job_of(third)
        expect(third.locator("#job")).to_have_attribute("data-state", "waiting")
        go.set()
        for page in (first, second):
            ends(page, "done")
    ends(third, "done")
    assert {job.id for job in admin.jobs()} - before == {number, other}
    expect(first.locator("#log [data-n]")).to_have_count(second.locator("#log [data-n]").count())
    assert first.locator("#log").inner_text() == second.locator("#log").inner_text()


def test_a_stale_plan_changes_nothing(admin: House, visits: Visits) -> None:
    admin.publish(COMPUTE)
    page = plan(visits, admin)
    seen = page.locator(".lede code").first.inner_text()
    newer = admin.publish(COMPUTE)
    pids, jobs = admin.pids(), len(admin.jobs())
    with page.expect_response(lambda r: r.request.method == "POST") as told:
        final(page)
    assert told.value.status == 409
    expect(page.locator("main")).to_contain_text("Things changed since you looked")
    expect(page.locator("main")).to_contain_text("Nothing was done.")
    expect(page.locator(".was")).to_contain_text(seen.split()[-1])
    expect(page.locator(".now")).to_contain_text(newer[:7])
    assert (admin.pids(), len(admin.jobs())) == (pids, jobs)
    final(page)
    ends(page, "done")
    assert set(admin.commits().values()) == {newer}


def test_an_expired_form_changes_nothing(admin: House, visits: Visits) -> None:
    """It answers with the plan as it is now, and that one can be sent."""
    admin.publish(COMPUTE)
    page = plan(visits, admin)
    page.get_by_label("Why?").fill("the form stood open")
    page.context.clear_cookies(name=re.compile("^cockpit_[0-9a-f]{8}$"))
    pids, jobs = admin.pids(), len(admin.jobs())
    with page.expect_response(lambda r: r.request.method == "POST") as told:
        final(page)
    assert told.value.status == 403
    expect(page.get_by_role("alert").first).to_contain_text("Nothing was changed")
    expect(page.get_by_label("Why?")).to_have_value("the form stood open")
    assert (admin.pids(), len(admin.jobs())) == (pids, jobs)
    final(page)
    number = job_of(page)
    ends(page, "done")
    assert admin.settled(number).order.request.reason == "the form stood open"


def test_a_form_of_nobody_changes_nothing(admin: House) -> None:
    """What a page of another origin could send: no token of ours, or one that was seen elsewhere."""
    before = admin.machine.layout.settings.read_bytes()
    for token in ("", "x" * 64):
        form = {"csrf": token, "value": "latest"}
        assert ask(admin.router, f"{PREFIX}/settings/channel", form).status == 403
    assert admin.machine.layout.settings.read_bytes() == before


def test_a_command_beside_the_page(admin: House, visits: Visits) -> None:
    """The list shows what an operator did on the command line, without being loaded again."""
    admin.publish(COMPUTE)
    admin.refresh()
    page = live(visits.open(admin, "/services?rows=all"))
    old = admin.pids()[MAIN]
    expect(page.locator(f'tr[data-service="{MAIN}"]')).to_contain_text(f"pid {old}")
    assert admin.cli("upgrade", COMPUTE, "--yes").returncode == ExitCode.DONE
    new = admin.pids()[MAIN]
    assert new != old
    expect(page.locator(f'tr[data-service="{MAIN}"]')).to_contain_text(f"pid {new}", timeout=10_000)
    assert admin.code(Verb.ROLLBACK, COMPUTE) is ExitCode.DONE
    assert all(job.state is not JobState.UNKNOWN for job in admin.jobs())
