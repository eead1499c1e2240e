"""Everybody can read and reach it: contrast, sizes, no sideways scroll, and the rules of axe-core, on every page."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.acceptance.scene import COMPUTE, VOICE
from tests.browser.house import House
from tests.browser.lively import HELD, MAIN, READY
from tests.browser.measures import AXE, faint, measured, small, violations
from tests.browser.visitor import Visits, live

PAGES = {
    "services": "/services",
    "every service": "/services?rows=all",
    "several plans": "/services/plan",
    "plan": f"/apps/{READY[0]}/plan?do=upgrade",
    "refused plan": f"/apps/{VOICE}/plan?do=upgrade",
    "keep": f"/apps/{VOICE}/plan?do=adopt",
    "stop": f"/services/{MAIN}/do?verb=stop",
    "app": f"/apps/{COMPUTE}",
    "held app": f"/apps/{HELD}",
    "hold": f"/apps/{COMPUTE}/hold",
    "generations": f"/apps/{COMPUTE}/generations/1..2",
    "log": f"/services/{COMPUTE}/log",
    "jobs": "/jobs",
    "done": "/jobs/1",
    "rolled back": "/jobs/2",
    "history": "/history",
    "settings": "/settings",
    "check": "/check",
    "missing": "/nothing/here",
}


def each(visits: Visits, house: House, size: tuple[int, int], dark: bool = False) -> Iterator[tuple[str, Page]]:
    page = visits.open(house, size=size, dark=dark)
    for name, path in PAGES.items():
        answer = page.goto(house.url(path))
        assert answer and answer.status == (404 if name == "missing" else 200), name
        yield name, page


def test_axe_finds_nothing(lively: House, visits: Visits) -> None:
    if not AXE.exists():
        pytest.skip("axe-core is not installed")
    found = [(name, one) for name, page in each(visits, lively, (1280, 900)) for one in violations(page)]
    page = live(visits.open(lively))
    page.get_by_label(f"More actions for {READY[0]}").click()
    found += [("menu", one) for one in violations(page)]
    page.keyboard.press("Escape")
    page.locator(f"#app-{READY[0]}").get_by_role("link", name="Upgrade").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    found += [("dialog", one) for one in violations(page)]
    assert found == []


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_every_text_and_sign_can_be_read(lively: House, visits: Visits, dark: bool) -> None:
    found = {}
    for name, page in each(visits, lively, (1280, 900), dark):
        told = measured(page)
        assert len(told["words"]) > 5
        found[name] = faint(told)
    assert {name: bad for name, bad in found.items() if bad} == {}


@pytest.mark.parametrize("width", [320, 360, 834, 1280])
def test_nothing_scrolls_sideways_and_fingers_find_everything(lively: House, visits: Visits, width: int) -> None:
    """320 px is also what 400 % of zoom leaves of 1280."""
    wide, tiny = {}, {}
    for name, page in each(visits, lively, (width, 800)):
        told = measured(page)
        wide[name], tiny[name] = told["sideways"], small(told, phone=width < 720)
    assert {name: bad for name, bad in wide.items() if bad} == {}
    assert {name: bad for name, bad in tiny.items() if bad} == {}
