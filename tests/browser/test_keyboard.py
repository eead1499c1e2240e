"""A whole upgrade without a mouse: every stop is seen, and nobody gets lost."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.acceptance.scene import COMPUTE
from tests.browser.house import House
from tests.browser.lively import MAIN
from tests.browser.measures import measured
from tests.browser.test_upgrade import ends, job_of
from tests.browser.visitor import Visits, live

STOPS = 80


def tab_to(page: Page, what: str) -> None:
    """Press Tab until the focus is there; every stop on the way has a ring that can be seen."""
    for _ in range(STOPS):
        page.keyboard.press("Tab")
        here = page.evaluate(
            "(() => { const it = document.activeElement;"
            " return (it.getAttribute('aria-label') || it.innerText || it.name || '').trim(); })()"
        )
        ring = measured(page)["ring"]
        assert ring and ring["wide"] >= 2 and ring["ratio"] >= 3, ring
        assert page.evaluate(
            "(() => { const box = document.activeElement.getBoundingClientRect();"
            " return box.bottom > 0 && box.top < innerHeight; })()"
        ), f"{here} is out of sight"
        if here == what:
            return
    raise AssertionError(f"{STOPS} stops, and none is {what}")


def test_a_whole_upgrade_by_keyboard(admin: House, visits: Visits) -> None:
    admin.publish(COMPUTE)
    admin.refresh()
    page = live(visits.open(admin, "/services?rows=all"))
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    tab_to(page, f"Actions for {MAIN}")
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowDown")
    assert page.evaluate("document.activeElement.textContent") == "Upgrade…"
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == f"Actions for {MAIN}"
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    assert page.evaluate("document.activeElement.tagName") == "H1", "not on the final button"
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == f"Actions for {MAIN}"
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    tab_to(page, "reason")
    page.keyboard.type("by keyboard")
    tab_to(page, f"Upgrade {COMPUTE}")
    page.keyboard.press("Enter")
    number = job_of(page)
    ends(page, "done")
    assert admin.settled(number).order.request.reason == "by keyboard"
    expect(page).to_have_title(re.compile(f"^Done · Upgrade {COMPUTE}"))
