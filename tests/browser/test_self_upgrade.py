"""Cockpit is upgraded through its own page, which goes away, comes back by itself, and says how it really ended.

SELF_UPGRADES in the environment says how many times; `make selfupgrade` takes 20.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import Page, expect

from cockpitpm.router import Router
from cockpitpm.sandbox.daemons import Behaviour
from cockpitpm.sandbox.packed import APP
from cockpitpm.sandbox.world import World
from tests.acceptance.cockpit import Cockpit, left_behind
from tests.browser.guest import PREFIX
from tests.browser.test_upgrade import job_of
from tests.browser.visitor import Visits, live

TIMES = int(os.environ.get("SELF_UPGRADES", "2"))
BROKEN = cycle((Behaviour.NEVER_ANSWERS, Behaviour.FAILS_PROBE, Behaviour.NEVER_STARTS, Behaviour.CRASHES))
ENDS_WITHIN = 90_000  # milliseconds; unpacking a build takes most of it


class Place:
    """The machine behind a router, which stays while Cockpit comes and goes."""

    def __init__(self, cockpit: Cockpit, router: Router) -> None:
        self.cockpit = cockpit
        self.router = router


@pytest.fixture(scope="module")
def place(land: Path, engine: Chromium) -> Iterator[Place]:
    folder = land / "s"
    folder.mkdir()
    with World() as world:
        cockpit = Cockpit(folder, world)
        with cockpit.machine, Router(cockpit.root / "var/sockets", user="mik") as router:
            cockpit.install()
            yield Place(cockpit, router)


def press(page: Page, place: Place) -> int:
    """From the plan to the job's page."""
    page.goto(f"{place.router.url}{PREFIX}/apps/{APP}/plan?do=upgrade")
    expect(page.locator("#plan")).to_contain_text("This page goes away")
    page.get_by_role("button", name=f"Upgrade {APP}").click()
    return job_of(page)


def once(place: Place, page: Page, broken: Behaviour | None) -> None:
    version = place.cockpit.publish(broken)
    number = press(page, place)
    live(page)
    page.evaluate("window.same = true")
    ended = "rolled_back" if broken else "done"
    expect(page.locator("#job")).to_have_attribute("data-state", ended, timeout=ENDS_WITHIN)
    assert page.evaluate("window.same === true"), "nobody may have loaded the page anew"
    live(page)
    told: Any = place.cockpit.job(number)
    assert told["state"] == ended
    place.cockpit.version = place.cockpit.version if broken else version
    assert place.cockpit.serves() == place.cockpit.version
    assert left_behind(place.cockpit) == []


@pytest.mark.slow
def test_the_page_comes_back_and_tells_how_it_ended(place: Place, visits: Visits) -> None:
    page = visits.window(place.router.url)
    page.goto(place.router.link(f"{PREFIX}/services"))
    for turn in range(TIMES):
        once(place, page, next(BROKEN) if turn % 2 else None)
