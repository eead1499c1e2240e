"""An upgrade as a person makes it: the plan, the button, the steps, how it ended; with a script and without one."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from cockpitpm.model.job import JobState
from cockpitpm.sandbox.daemons import Behaviour
from tests.acceptance.scene import CHAIN, COMPUTE, ROWS
from tests.browser.guest import differences, everything
from tests.browser.house import House
from tests.browser.lively import MAIN, TESTNET
from tests.browser.visitor import Visits, live, row, shape, words

ASSET = "my_compute_zos_server-linux-musl-x86_64"
ENDS = 40_000
ORDER = [CHAIN, MAIN, TESTNET]


def facts(plan: Locator) -> dict[str, list[str]]:
    """What a plan says, by its labels."""
    rows = plan.locator(".facts > div").all()
    return {row.locator("dt").inner_text(): row.locator("dd > span, dd li").all_inner_texts() for row in rows}


def asked_from_its_row(page: Page, service: str = MAIN) -> None:
    """Open the plan of the upgrade from the row of one service."""
    line = page.locator(f'tr[data-service="{service}"]')
    line.locator(".menu > summary").click()
    line.get_by_role("link", name="Upgrade…", exact=True).click()


def job_of(page: Page) -> int:
    """The number of the job that the page shows."""
    page.wait_for_url(re.compile(r"/jobs/[0-9]+"))
    return int(page.locator("#job").get_attribute("data-job") or 0)


def ends(page: Page, state: str) -> None:
    expect(page.locator("#job")).to_have_attribute("data-state", state, timeout=ENDS)


def check_plan(house: House, plan: Locator) -> None:
    told = facts(plan)
    assert [line.split()[0] for line in told["Download"]] == [ASSET], "the plan names one asset"
    assert [line.split()[0] for line in told["Restart"]] == ORDER
    expect(plan).to_contain_text(f"asked from {MAIN}")
    before = house.services()[MAIN]["build"]
    assert before["commit"][:7] in plan.inner_text()


def results(page: Page) -> dict[str, tuple[str, str]]:
    """For each service what ran before and what runs after, as the job's page says."""
    expect(page.locator("#after table.plain")).to_be_visible()
    rows = page.locator("#after table.plain tbody tr").all()
    cells = [row.locator("th, td").all_inner_texts() for row in rows]
    return {one[0].replace("\u200b", ""): (one[1], one[2]) for one in cells}


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
def test_an_upgrade_from_the_row_of_one_of_three_services(
    admin: House, tester: House, visits: Visits, script: bool
) -> None:
    commit = admin.publish(COMPUTE)
    admin.refresh()
    others, old = everything(tester.router), admin.pids()
    page = visits.open(admin, "/services?rows=all", script=script)
    assert words(page, COMPUTE).startswith("Update ready")
    asked_from_its_row(page)
    plan = page.locator("#plan")
    expect(plan.get_by_role("heading", level=1)).to_have_text(f"Upgrade {COMPUTE}")
    check_plan(admin, plan)
    fetched = len(admin.world.downloads())
    plan.get_by_role("button", name=f"Upgrade {COMPUTE}", exact=True).click()
    number = job_of(page)
    ends(page, "done")
    assert admin.settled(number).state is JobState.DONE
    new = admin.pids()
    assert admin.world.downloads()[fetched:] == [ASSET], "the forge gave one file, once"
    assert results(page) == {name: (f"pid {old[name]}", f"pid {new[name]}") for name in ORDER}
    assert admin.commits() == dict.fromkeys(ROWS, commit)
    page.get_by_role("link", name=f"Receipts of {COMPUTE}").click()
    expect(page.locator("#generations")).to_be_visible()
    first = page.locator(".card").first
    expect(first).to_contain_text("current")
    expect(first).to_contain_text(commit[:7])
    assert differences(others, everything(tester.router)) == [], "the tester's machine shows the same bytes as before"


@pytest.mark.slow
def test_without_a_script_a_running_job_asks_for_itself(admin: House, visits: Visits) -> None:
    """And with one it does not: its stream tells it.

    In short this is proved by the upgrade above, whose page without a script reaches the end, by the killed server's
    page in `test_stream.py`, which is never loaded again, and by `tests/unit/web/test_plans.py`, which reads the tag.
    """
    admin.publish(COMPUTE)
    asked = []
    with admin.slow_downloads(3):
        plain = visits.open(admin, f"/services/{MAIN}/plan", script=False)
        plain.get_by_role("button", name=f"Upgrade {COMPUTE}", exact=True).click()
        number = job_of(plain)
        plain.on("request", lambda r: asked.append(r.url) if r.is_navigation_request() else None)
        lively = live(visits.open(admin, f"/jobs/{number}"))
        went = []
        lively.on("request", lambda r: went.append(r.url) if r.is_navigation_request() else None)
        ends(plain, "done")
        ends(lively, "done")
    assert asked and set(asked) == {admin.url(f"/jobs/{number}")}
    count = len(asked)
    plain.wait_for_timeout(3500)
    assert (len(asked), went) == (count, [])


def test_a_broken_build_is_taken_back_and_told(admin: House, visits: Visits) -> None:
    old = admin.pids()
    bad = admin.publish(COMPUTE, Behaviour.FAILS_PROBE)
    page = visits.open(admin, f"/services/{MAIN}/plan")
    page.get_by_role("button", name=f"Upgrade {COMPUTE}", exact=True).click()
    number = job_of(page)
    ends(page, "rolled_back")
    job = admin.settled(number)
    told = page.locator("#job .banner")
    expect(told).to_contain_text("Rolled back.")
    expect(told).to_contain_text(job.said)
    assert CHAIN in job.said and "500" in job.said, "the reason names the service and what it answered"
    new = admin.pids()
    assert results(page)[CHAIN][1] == f"pid {new[CHAIN]}" != f"pid {old[CHAIN]}"
    assert {name: results(page)[name][1] for name in (MAIN, TESTNET)} == {
        name: f"keeps {old[name]}" for name in (MAIN, TESTNET)
    }
    wrote = page.locator(f'section[aria-label="What {CHAIN} wrote"] pre').inner_text()
    assert 1 <= len(wrote.strip().splitlines()) <= 8
    assert "500" in wrote or bad[:7] in wrote, wrote
    expect(page.locator("#alert")).to_have_text(re.compile("^Rolled back"))
    page.goto(admin.url("/services"))
    expect(row(page, COMPUTE).locator(".st").first).to_contain_text("Newest build failed here", timeout=10_000)
    assert shape(page, COMPUTE) == "#i-blocked"
    page.goto(admin.url("/history"))
    expect(page.locator(".past li").first).to_contain_text("Rolled back")


def test_an_absent_app_is_installed_and_removed(admin: House, visits: Visits) -> None:
    admin.publish_ready("hero_osis", "hero_db")
    page = live(visits.open(admin))
    row(page, "hero_osis").get_by_role("link", name="Install").click()
    page.get_by_role("button", name="Install hero_osis", exact=True).click()
    admin.settled(job_of(page))
    page.goto(admin.url("/apps/hero_osis/plan?do=remove"))
    page.get_by_role("button", name="Remove hero_osis", exact=True).click()
    ends(page, "done")
    assert admin.services("hero_osis") == {}
