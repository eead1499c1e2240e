"""Services that run and are not well, on a real machine: what its pages and its command say of them."""

from __future__ import annotations

import json
import os
import re
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import Page, expect

from cockpitpm.app import secrets
from cockpitpm.app.services import stop
from cockpitpm.errors import ExitCode
from cockpitpm.model.receipt import Verb
from tests.browser.house import House
from tests.browser.visitor import Visits, live, row, shape, words
from tests.waiting import until

BROKER, FOUNDRY, PROXY = "hero_aibroker", "hero_foundry", "hero_proxy"
RESTLESS, KEY = f"{FOUNDRY}_server", "OPENROUTER_API_KEYS"
VALUE = "sk-never-shown-anywhere"
PATIENCE = 40_000  # milliseconds


@pytest.fixture(scope="module")
def unwell(land: Path, engine: Chromium) -> Iterator[House]:
    with House(land / "u") as made:
        made.install_here(BROKER, FOUNDRY, PROXY)
        yield made


def pid(house: House, app: str, service: str) -> int:
    """The process of a service, when there is one."""
    found: list[int] = []
    until(lambda: (now := house.pids(app)[service]) and (found.append(now) or True))
    return found[-1]


@contextmanager
def frozen(process: int) -> Iterator[None]:
    """The process is there, listens, and does nothing."""
    os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(process, signal.SIGCONT)


def killed_again_and_again(house: House, times: int) -> None:
    for _ in range(times):
        before = pid(house, FOUNDRY, RESTLESS)
        os.kill(before, signal.SIGKILL)
        until(lambda before=before: house.pids(FOUNDRY)[RESTLESS] not in (None, before))
        time.sleep(1.5)  # the page looks once a second


def told(house: House, app: str, *more: str) -> dict[str, list[dict[str, str]]]:
    """The notes of each service as the command prints them."""
    ended = house.cli("status", app, "--json", *more)
    assert ended.returncode == 0, ended.stderr
    found: Any = json.loads(ended.stdout)
    return {s["name"]: s["notes"] for s in found["apps"][0]["services"]}


def buttons(page: Page, app: str) -> list[str]:
    return [str(text) for text in row(page, app).locator(".act > .btn").all_inner_texts()]


@pytest.mark.slow
def test_restlessness_and_old_settings_are_told(unwell: House, visits: Visits) -> None:
    page = live(visits.open(unwell))
    assert {words(page, app)[:7] for app in (BROKER, FOUNDRY, PROXY)} == {"Current"}
    # The declaration changes while the process runs.
    secrets.set_(unwell.host(), "aibroker", KEY, VALUE)
    killed_again_and_again(unwell, 4)
    expect(row(page, BROKER)).to_contain_text("Settings not applied", timeout=PATIENCE)
    expect(row(page, BROKER).locator(".why")).to_contain_text(f"was started before {KEY} changed")
    assert buttons(page, BROKER) == ["Finish restart…", "Details"] and shape(page, BROKER) == "#i-pend"
    expect(row(page, FOUNDRY)).to_contain_text("Keeps restarting", timeout=PATIENCE)
    assert re.search(r"one of two services, [34] in 2 min", words(page, FOUNDRY)), words(page, FOUNDRY)
    assert buttons(page, FOUNDRY) == ["Show log", "Stop…"] and shape(page, FOUNDRY) == "#i-bad"
    assert [n["note"] for notes in told(unwell, BROKER).values() for n in notes] == ["unapplied"]
    assert VALUE not in page.content()


def test_the_command_asks_and_tells_who_is_silent(unwell: House) -> None:
    """The quick form of what the page tells once it has asked twice."""
    silent = f"{PROXY}_server"
    with frozen(pid(unwell, PROXY, silent)):
        until(lambda: told(unwell, PROXY, "--probe")[silent])  # one that has just started is not asked yet
        (note,) = told(unwell, PROXY, "--probe")[silent]
        assert note["note"] == "silent" and note["evidence"].endswith("no answer in time")
        assert told(unwell, PROXY)[silent] == [], "only who asks is answered, or not"
    assert told(unwell, PROXY, "--probe")[silent] == []


@pytest.mark.slow  # a page says so after two missed answers, ten seconds apart
def test_silence_is_told_and_ends(unwell: House, visits: Visits) -> None:
    silent = f"{PROXY}_server"
    page = live(visits.open(unwell))
    with frozen(pid(unwell, PROXY, silent)):
        expect(row(page, PROXY)).to_contain_text("Not answering", timeout=PATIENCE)
        expect(row(page, PROXY).locator(".why")).to_contain_text("no answer in time")
        assert re.search(r"since \d+ \w{3}, \d+:\d\d", words(page, PROXY)), words(page, PROXY)
        assert buttons(page, PROXY) == ["Show log", "Restart…"] and shape(page, PROXY) == "#i-bad"
        expect(row(page, PROXY).locator(f'tr[data-service="{silent}"] .sup')).to_contain_text("disagrees")
    expect(row(page, PROXY).locator(".st").first).to_contain_text("Current", timeout=PATIENCE)


def test_old_settings_are_applied_by_their_button(unwell: House, visits: Visits) -> None:
    secrets.set_(unwell.host(), "aibroker", KEY, VALUE)
    page = live(visits.open(unwell))
    row(page, BROKER).get_by_role("link", name=re.compile("^Finish restart")).first.click()
    page.locator("#plan button.primary").click()
    page.wait_for_url("**/jobs/*")
    until(lambda: unwell.jobs()[0].state.ended, 40)
    page.goto(unwell.url())
    expect(row(page, BROKER).locator(".st").first).to_contain_text("Current", timeout=PATIENCE)
    assert all(not notes for notes in told(unwell, BROKER).values())
    environ = Path(f"/proc/{pid(unwell, BROKER, f'{BROKER}_server')}/environ").read_bytes()
    assert f"{KEY}={VALUE}".encode() in environ.split(b"\0")


@pytest.mark.slow
def test_our_own_restarts_are_none(unwell: House, visits: Visits) -> None:
    page = live(visits.open(unwell))
    for _ in range(4):
        assert unwell.code(Verb.RESTART, FOUNDRY) is ExitCode.DONE
    page.wait_for_timeout(2500)
    expect(row(page, FOUNDRY).locator(".st").first).to_contain_text("Current", timeout=PATIENCE)


def test_who_stopped_it_is_told(unwell: House, visits: Visits) -> None:
    page = live(visits.open(unwell))
    stop(unwell.host(), PROXY)
    expect(row(page, PROXY)).to_contain_text("Stopped on purpose", timeout=PATIENCE)
    assert re.search(r"by sandbox, \d+ \w{3}, \d+:\d\d", words(page, PROXY)), words(page, PROXY)
    assert "it was stopped on purpose by sandbox on 20" in unwell.cli("status", PROXY).stdout
    assert unwell.code(Verb.START, PROXY) is ExitCode.DONE
