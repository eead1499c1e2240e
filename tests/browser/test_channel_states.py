"""A release half uploaded, a build for another machine, a forge that asks to wait, and an app that is not whole: all
told in words, with and without script, while what is installed keeps running.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page

from cockpitpm.app.refresh import refresh
from cockpitpm.errors import ExitCode
from cockpitpm.model.job import JobState
from cockpitpm.model.receipt import Verb
from cockpitpm.sandbox.forge import Publisher
from cockpitpm.sandbox.forge.fault import Fault
from cockpitpm.sandbox.world import CHANNEL, OWNER
from tests.acceptance.test_trust_runnable import of_the_future
from tests.browser.house import House
from tests.browser.test_upgrade import ends, job_of
from tests.browser.visitor import Visits, live, row, shape, words

HALF, FUTURE, MUTE, PART = "hero_whiteboard", "hero_biz", "hero_collab", "hero_slides"


def repository(house: House, app: str) -> str:
    return f"{OWNER}/{house.world.bundle(app).repo.name}"


def half_uploaded(house: House) -> None:
    """A publisher stops after it has taken the first old file away."""
    bundle = house.world.bundle(HALF)
    files = {b.asset_name(bundle.targets[0]): b"#!/bin/sh\n" for b in bundle.binaries}
    for step in Publisher(house.world.state).steps(repository(house, HALF), CHANNEL, files):
        if step.startswith("delete"):
            return


def for_newer_machines(house: House) -> None:
    """A build that needs a glibc which does not exist, found out when it was fetched."""
    bundle, program = house.world.bundle(FUTURE), of_the_future(Path("/bin/true").read_bytes())
    files = {b.asset_name(bundle.targets[0]): program for b in bundle.binaries}
    Publisher(house.world.state).publish(repository(house, FUTURE), CHANNEL, files)
    assert house.code(Verb.UPGRADE, FUTURE) is ExitCode.REFUSED


@pytest.fixture(scope="module")
def house(land: Path, engine: object) -> Iterator[House]:
    """Four apps, each with one thing that its channel or its folder lacks."""
    with House(land / "s") as made:
        made.install_here(HALF, FUTURE, MUTE, PART)
        made.refresh()
        half_uploaded(made)
        for_newer_machines(made)
        wait = {"Retry-After": "900"}
        made.world.state.faults.append(Fault(path=repository(made, MUTE), status=429, headers=wait))
        (made.root / "bin" / PART).unlink()
        assert list(refresh(made.host())) == [MUTE]
        yield made


def told(page: Page, app: str) -> tuple[str, str, list[str]]:
    """The words, the sign and the first button of an app's row."""
    return words(page, app), shape(page, app), row(page, app).locator(".act > .btn").all_inner_texts()[:1]


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
def test_each_is_told_in_words(house: House, visits: Visits, script: bool) -> None:
    page = visits.open(house, script=script)
    if script:
        live(page)
    files = len(house.world.bundle(HALF).binaries)
    said, sign, buttons = told(page, HALF)
    assert said.startswith(f"Release not ready {files - 1} of {files} files")
    assert (sign, buttons) == ("#i-dots", ["Check now"])
    said, sign, buttons = told(page, FUTURE)
    assert re.fullmatch(r"Will not run here it needs GLIBC_2\.99, this machine has 2\.\d+", said), said
    assert (sign, buttons) == ("#i-blocked", ["Details"])
    said, sign, buttons = told(page, MUTE)
    assert re.match(r"Channel not read since \d+ \w{3}, \d\d:\d\d .*asks to wait 900 s, not to be asked before", said)
    assert (sign, buttons) == ("#i-unread", ["Check now"])
    said, sign, buttons = told(page, PART)
    parts = len(house.world.bundle(PART).binaries)
    assert said.startswith(f"Partly installed {parts - 1} of {parts} files")
    assert (sign, buttons) == ("#i-warn", ["Finish installing…"])
    running = {s["state"] for app in (HALF, FUTURE, MUTE, PART) for s in house.services(app).values()}
    assert running == {"running"}


def test_what_is_missing_is_put_back_by_its_button(house: House, visits: Visits) -> None:
    page = live(visits.open(house))
    before = house.pids(PART)
    page.goto(house.url())
    row(page, PART).get_by_role("link", name="Finish installing…").click()
    page.locator("#plan button.primary").click()
    number = job_of(page)
    ends(page, "done")
    assert house.settled(number).state is JobState.DONE
    assert (house.root / "bin" / PART).exists() and house.pids(PART) == before
    page.goto(house.url())
    assert words(page, PART).startswith("Current")
