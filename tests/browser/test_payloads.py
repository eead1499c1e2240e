"""Texts that want to be more than text, in everything that others write: a browser shows them and does nothing."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import Page, expect
from ruamel.yaml import YAML

from cockpitpm.app.settings import set_hold
from cockpitpm.errors import CockpitPmError
from tests.browser.guest import PREFIX, ask
from tests.browser.house import House
from tests.browser.test_upgrade import ends, job_of
from tests.browser.visitor import Visits, live
from tests.unit.web.payloads import PAYLOADS, unseen

APP = "hero_db"
SERVER = "hero_db_server"
PAGES = ("/services?rows=all", f"/apps/{APP}", f"/apps/{APP}/plan?do=upgrade", f"/services/{APP}/log", "/jobs",
         "/jobs/1", "/jobs/1/log.txt", "/history", "/settings", f"/apps/{APP}/hold")  # fmt: skip

NEVER = (
    "iframe, base, object, embed, math, style, meta[http-equiv], main img, main link, main script, form[action^='//']"
)
"""What no page of ours holds."""


def titled(folder: Path) -> list[str]:
    """Write payloads into the titles and summaries of the bundles; those that the catalog takes."""
    yaml, taken = YAML(), []
    texts = itertools.cycle(one for one in PAYLOADS if one.isprintable() and one.strip() == one and len(one) < 60)
    for file in sorted(folder.glob("*/*.yaml")):
        tree = yaml.load(file.read_text())
        tree["title"], tree["summary"] = next(texts), next(texts)
        taken += [tree["title"], tree["summary"]]
        with file.open("w") as out:
            yaml.dump(tree, out)
    return taken


def chunks(longest: int = 480) -> Iterator[str]:
    """All payloads, several in one text."""
    text = ""
    for payload in PAYLOADS:
        if len(text) + len(payload) > longest:
            yield text
            text = ""
        text += payload
    yield text


@pytest.fixture(scope="module")
def hostile(land: Path, engine: Chromium) -> Iterator[tuple[House, list[str]]]:
    """A machine whose bundles and services write payloads."""
    house = House(land / "p")
    titles = titled(house.bundles)
    with house:
        house.install_here(APP)
        log = next(house.root.rglob(f"{SERVER}*.log"))
        with log.open("a", encoding="utf-8", errors="surrogateescape", newline="") as out:
            out.writelines(f"{text}\n" for text in PAYLOADS)
        house.publish(APP)
        house.refresh()
        yield house, titles


def harmless(page: Page, house: House) -> None:
    """Every page that can carry it: nothing of it became an element, and nothing unseen is in the bytes."""
    for path in PAGES:
        answer = ask(house.router, f"{PREFIX}{path}")
        assert answer.status == 200, path
        assert not unseen(answer.text), path
        if path.endswith(".txt"):
            continue
        page.goto(house.url(path))
        assert page.locator(NEVER).count() == 0, path
        assert page.locator("script").count() == 1, path


def test_titles_and_log_lines(hostile: tuple[House, list[str]], visits: Visits) -> None:
    house, titles = hostile
    page = live(visits.open(house))
    shown = " ".join(page.locator(".ti").all_inner_texts())
    assert sum(title in shown for title in titles[::2]) == 21, "each title stands there as it was written"
    page.goto(house.url(f"/services/{APP}/log"))
    wrote = page.locator("pre").first.inner_text()
    plain = [text for text in PAYLOADS if text.isprintable()]
    assert [text for text in plain if text not in wrote] == []
    assert len(plain) > 80


@pytest.mark.parametrize(
    "texts", [pytest.param(1, id="quick"), pytest.param(None, id="every payload", marks=pytest.mark.slow)]
)
def test_reasons_and_jobs(hostile: tuple[House, list[str]], visits: Visits, texts: int | None) -> None:
    """A job's reason and a hold's; the quick form shows the first text that a hold may have."""
    house, _ = hostile
    page = visits.open(house, f"/services/{APP}/do?verb=restart")
    typed = "".join(text for text in PAYLOADS[:24] if text.isprintable())[:500]
    page.get_by_label("Why?").fill(typed)
    page.locator("button.primary").click()
    job_of(page)
    ends(page, "done")
    expect(page.locator("main")).to_contain_text(typed.strip())
    shown = 0
    for reason in itertools.islice(held(house), texts):
        harmless(page, house)
        page.goto(house.url(f"/apps/{APP}"))
        expect(page.locator("main")).to_contain_text(reason.strip())
        shown += 1
    assert shown >= (texts or 3)


def held(house: House) -> Iterator[str]:
    """Hold the app for one text after another. What a reason may not hold is refused before anything shows it."""
    for reason in chunks():
        with suppress(CockpitPmError):
            set_hold(house.host(), APP, "20d", reason)
            yield reason
