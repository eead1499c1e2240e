"""How apps stand, in words and signs, whatever their supervisor says."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from cockpitpm.errors import ExitCode
from cockpitpm.model.receipt import Verb
from tests.acceptance.arrangements import forge_down
from tests.acceptance.scene import CHAIN, COMPUTE, VOICE
from tests.browser.guest import PREFIX, ask
from tests.browser.house import House
from tests.browser.lively import BLOCKED, HALTED, HELD, MAIN, READY, REASON, RESTING, flattering
from tests.browser.visitor import Visits, live, row, shape, words

STATES = {
    HALTED: ("Failed", "#i-bad"),
    COMPUTE: ("Restart pending", "#i-pend"),
    VOICE: ("Changed by hand", "#i-warn"),
    READY[0]: ("Update ready", "#i-up"),
    HELD: ("Held until", "#i-hold"),
    RESTING: ("Stopped on purpose", "#i-stop"),
    BLOCKED: ("Newest build failed here", "#i-blocked"),
    "hero_os": ("Current", "#i-check"),
    "hero_whiteboard": ("Not installed", "#i-none"),
}


def test_each_state_has_its_words_and_its_shape(lively: House, visits: Visits) -> None:
    """So they are told apart without any colour."""
    page = live(visits.open(lively))
    found = {app: (words(page, app), shape(page, app)) for app in STATES}
    assert {app: (said.startswith(STATES[app][0]), sign) for app, (said, sign) in found.items()} == {
        app: (True, sign) for app, (_, sign) in STATES.items()
    }
    assert len({sign for _, sign in found.values()}) == len(STATES)
    pictures = page.locator(", ".join(f"symbol{sign}" for _, sign in STATES.values())).evaluate_all(
        "all => all.map((one) => one.innerHTML)"
    )
    assert len(set(pictures)) == len(STATES)
    buttons = {app: row(page, app).locator(".act > .btn").all_inner_texts() for app in STATES}
    assert buttons[HALTED] == ["Show log", "Restart…"]
    assert buttons[COMPUTE][0] == "Finish restart…"
    assert "Keep this build…" in buttons[VOICE] and "Upgrade…" not in buttons[VOICE]
    assert buttons[HELD] == ["Release hold…"]


def test_the_supervisor_says_running_and_the_page_does_not(lively: House, visits: Visits) -> None:
    """A changed file, an old process and a newer build are told although the supervisor is content."""
    page = live(visits.open(lively, "/services?rows=all"))
    for app, service in ((VOICE, VOICE), (COMPUTE, MAIN), (READY[0], f"{READY[0]}_server")):
        cells = page.locator(f'tr[data-service="{service}"]')
        expect(cells.locator(".sup")).to_contain_text("RUNNING")
        assert not words(page, app).startswith("Current")
    expect(page.locator(f'tr[data-service="{VOICE}"]')).to_contain_text("differs from receipt")
    expect(page.locator(f'tr[data-service="{MAIN}"]')).to_contain_text("older build")
    expect(page.locator(f'tr[data-service="{READY[0]}_server"]')).to_contain_text(re.compile("other build|newer"))


def test_a_held_app_is_in_sight_with_its_reason(lively: House, visits: Visits) -> None:
    page = live(visits.open(lively))
    assert words(page, HELD).endswith(REASON)
    expect(page.locator("#lede")).to_contain_text("1 is held")
    page.goto(lively.url(f"/apps/{HELD}"))
    expect(page.locator("#wanted")).to_be_visible()
    expect(page.get_by_role("link", name="Release…")).to_be_visible()
    page.goto(lively.url("/settings"))
    expect(page.locator("main")).to_contain_text(REASON)
    page.goto(lively.url(f"/apps/{HELD}/plan?do=upgrade"))
    expect(page.locator("#plan .banner")).to_contain_text(REASON)
    assert page.locator("button.primary").count() == 0, "a held app is not upgraded by a button"


def test_the_channel_leads_back(lively: House, visits: Visits) -> None:
    """There is no button; the plan says why and shows the command."""
    first = lively.publish("hero_foundry")
    second = lively.publish("hero_foundry")
    assert lively.code(Verb.UPGRADE, "hero_foundry") is ExitCode.DONE
    lively.publish_again("hero_foundry", first)
    lively.refresh()
    page = live(visits.open(lively, "/apps/hero_foundry/plan?do=upgrade"))
    expect(page.locator("#plan .banner")).to_contain_text("ancestor")
    expect(page.locator("#plan .way code")).to_contain_text("cockpitpm upgrade hero_foundry --allow-downgrade --reason")
    assert page.locator("button.primary").count() == 0
    page.goto(lively.url("/apps/hero_foundry"))
    expect(page.locator(".standing")).to_contain_text(second[:7])
    lively.publish("hero_foundry")
    assert lively.code(Verb.UPGRADE, "hero_foundry") is ExitCode.DONE


@pytest.fixture
def no_forge(lively: House) -> Iterator[None]:
    with forge_down(lively):
        yield
    lively.refresh()


def test_the_forge_is_gone(lively: House, visits: Visits, no_forge: None) -> None:
    """The page says so with its cause, and a rollback needs no forge."""
    page = live(visits.open(lively, "/check"))
    page.locator("main form button").click()
    expect(page.locator("main")).to_contain_text(re.compile("no connection to 127.0.0.1", re.I))
    page.goto(lively.url("/services"))
    assert words(page, "hero_os").startswith("Channel not read since ")
    page.goto(lively.url(f"/apps/{COMPUTE}/plan?do=rollback"))
    expect(page.get_by_role("button", name=f"Roll back {COMPUTE}")).to_be_visible()
    page.goto(lively.url(f"/apps/{READY[0]}/plan?do=upgrade"))
    expect(page.locator("#plan .banner")).to_be_visible()
    assert page.locator("button.primary").count() == 0


def test_what_is_not_here_is_not_told_from_what_never_was(lively: House) -> None:
    assert {ask(lively.router, f"{PREFIX}{path}").status for path in ("/apps/x", "/jobs/999", "/nothing")} == {404}


def test_a_supervisor_that_is_late_is_told_to_disagree(lively: House, visits: Visits) -> None:
    page = live(visits.open(lively, "/services?rows=all"))
    with flattering(lively, CHAIN):
        said = page.locator(f'tr[data-service="{CHAIN}"]')
        expect(said.locator(".sup")).to_contain_text("RUNNING", timeout=15_000)
        expect(said.locator(".sup")).to_contain_text("disagrees", timeout=15_000)
        expect(said).to_contain_text("no process")
        assert words(page, COMPUTE).startswith("Failed")
        expect(row(page, COMPUTE)).to_contain_text("Its supervisor still says RUNNING")
    assert lively.code(Verb.START, CHAIN) is ExitCode.DONE
    expect(row(page, COMPUTE).locator(".st").first).not_to_contain_text("Failed", timeout=15_000)
