"""What a channel that leads back, or that nobody can read, looks like, and what can be done meanwhile."""

from __future__ import annotations

import re
import shlex

import pytest
from playwright.sync_api import expect

from cockpitpm.errors import ExitCode
from cockpitpm.model.job import JobState
from cockpitpm.model.receipt import Verb
from tests.acceptance.arrangements import forge_down
from tests.browser.house import House
from tests.browser.test_upgrade import ends, job_of
from tests.browser.visitor import Visits, live, row, shape, words

BOOKS = "hero_books"


def upgraded(house: House) -> str:
    """Another build of hero_books, installed. Gives its commit."""
    commit = house.publish(BOOKS)
    assert house.code(Verb.UPGRADE, BOOKS) is ExitCode.DONE
    return commit


def installed(house: House) -> set[str]:
    """The commits that hero_books is installed from."""
    return {service["build"]["commit"] for service in house.services(BOOKS).values()}


def test_an_app_that_is_ahead_has_no_upgrade_and_a_command_that_works(admin: House, visits: Visits) -> None:
    older, newer = upgraded(admin), upgraded(admin)
    admin.publish_again(BOOKS, older)
    admin.refresh()
    page = live(visits.open(admin, "/services?rows=all"))
    assert words(page, BOOKS).startswith("Ahead of channel")
    assert shape(page, BOOKS) == "#i-down"
    row(page, BOOKS).locator(".menu > summary").evaluate_all("all => all.forEach((it) => it.parentElement.open = true)")
    labels = row(page, BOOKS).locator("a").all_inner_texts()
    assert len(labels) > 8 and not [one for one in labels if "Upgrade" in one], "neither in the row nor in its menus"
    row(page, BOOKS).get_by_role("link", name="What is wrong").click()
    plan = page.locator("#plan")
    expect(plan.locator(".banner")).to_contain_text("ancestor")
    assert page.locator("button.primary").count() == 0
    command = plan.locator(".way code").inner_text()
    program, *said = shlex.split(command)
    assert (program, said[:2]) == ("cockpitpm", ["upgrade", BOOKS]) and "--allow-downgrade" in said
    assert installed(admin) == {newer}
    done = admin.cli(*said, "--yes")
    assert (done.returncode, installed(admin)) == (0, {older}), done.stderr
    upgraded(admin)


@pytest.mark.slow
def test_a_rollback_is_carried_out_while_the_forge_is_gone(admin: House, visits: Visits) -> None:
    older = upgraded(admin)
    upgraded(admin)
    admin.refresh()
    (read,) = {s["truths"]["channel"]["read_at"] for s in admin.services(BOOKS).values()}
    page = live(visits.open(admin))
    expect(row(page, BOOKS).locator(".st").first).to_contain_text("Current")
    with forge_down(admin):
        page.goto(admin.url("/check"))
        page.get_by_role("button", name="Read the channels").click()
        expect(page.locator("main [role=alert]")).to_contain_text("could not be read")
        page.goto(admin.url("/services"))
        told = words(page, BOOKS)
        assert re.match(rf"Channel not read since \d+ \w{{3}}, {read[11:16]} .*no connection to 127\.0\.0\.1", told), (
            told
        )
        assert shape(page, BOOKS) == "#i-unread"
        fetched = len(admin.world.downloads())
        page.goto(admin.url(f"/apps/{BOOKS}/plan?do=rollback"))
        page.get_by_role("button", name=f"Roll back {BOOKS}", exact=True).click()
        number = job_of(page)
        ends(page, "done")
        assert admin.settled(number).state is JobState.DONE
        assert (installed(admin), len(admin.world.downloads())) == ({older}, fetched)
        assert {s["truths"]["process"]["is"] for s in admin.services(BOOKS).values()} == {"current"}
    admin.refresh()
    page.goto(admin.url("/services"))
    expect(row(page, BOOKS).locator(".st").first).not_to_contain_text("Channel not read")
    upgraded(admin)
