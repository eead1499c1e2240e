"""What a reader chose stays: single keys, the look, opened rows; and who may frame the pages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.guest import PREFIX
from tests.browser.house import House
from tests.browser.measures import AXE, faint, measured, small, violations
from tests.browser.visitor import PHONE, Visits, live, row

CHOSEN = {"cockpit_keys": "on", "cockpit_look": "dark"}


def focused(page: Page) -> str:
    return str(page.evaluate("document.activeElement.id || document.activeElement.tagName"))


def choose(page: Page, house: House, look: str = "system", keys: bool = True) -> None:
    """As anybody does in Settings."""
    page.goto(house.url("/settings"))
    page.get_by_label(look, exact=True).check()
    page.get_by_label("shortcuts", exact=True).set_checked(keys)
    page.get_by_role("button", name="Keep these choices").click()
    page.wait_for_url("**/settings")


def kept(page: Page) -> dict[str, Any]:
    """The cookies of what was chosen, by name; each is for this part of the origin and for this site alone."""
    found = {one["name"]: one for one in page.context.cookies() if re.fullmatch("cockpit_[a-z]{4}", one["name"])}
    assert all((one["path"], one["sameSite"]) == (PREFIX, "Strict") for one in found.values()), found
    return {name: one["value"] for name, one in found.items()}


def is_open(page: Page, app: str) -> bool:
    return row(page, app).locator(".fold").get_attribute("open") is not None


# --- single keys


def test_keys_do_nothing_until_somebody_wants_them(tester: House, visits: Visits) -> None:
    page = live(visits.open(tester))
    for key in ("/", "g", "s", "g", "j", "?"):
        page.keyboard.press(key)
    page.wait_for_timeout(300)
    assert (focused(page), page.url) == ("BODY", tester.url("/services"))
    expect(page.get_by_role("dialog")).to_be_hidden()


def test_keys_that_were_chosen(tester: House, visits: Visits) -> None:
    page = visits.open(tester)
    choose(page, tester)
    page.goto(tester.url("/jobs"))
    page.keyboard.press("/")
    page.wait_for_url("**/services#q")
    expect(page.get_by_label("Filter by name")).to_be_focused()
    page.keyboard.type("g j/?")
    expect(page.get_by_label("Filter by name")).to_have_value("g j/?")
    page.get_by_label("Filter by name").fill("")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("g")
    page.keyboard.press("j")
    page.wait_for_url("**/jobs")
    page.keyboard.press("g")
    page.keyboard.press("s")
    page.wait_for_url("**/services")
    page.keyboard.press("/")
    assert focused(page) == "q" and page.get_by_label("Filter by name").input_value() == ""
    page.goto(tester.url("/services"))
    for key in ("Control+/", "Alt+/", "Meta+/", "j", "s"):
        page.keyboard.press(key)
    assert focused(page) == "BODY", "a key with another one is the browser's, and half a shortcut is none"


def test_a_list_of_the_keys(tester: House, visits: Visits) -> None:
    page = visits.open(tester)
    choose(page, tester)
    page.goto(tester.url("/services"))
    link = page.get_by_role("link", name="Check now")
    link.focus()
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Shortcuts")
    expect(dialog).to_be_visible()
    assert focused(page) == "keys-title"
    assert dialog.locator("kbd").all_inner_texts() == ["/", "g", "s", "g", "j", "?"]
    for key in ("/", "g", "j", "?"):
        page.keyboard.press(key)
    page.wait_for_timeout(300)
    expect(dialog).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(link).to_be_focused()
    page.keyboard.press("?")
    dialog.get_by_role("button", name="Close").click()
    expect(dialog).to_be_hidden()
    choose(page, tester, keys=False)
    page.keyboard.press("?")
    expect(dialog).to_be_hidden()
    assert kept(page) == {"cockpit_look": "system"}


def test_choosing_needs_no_script(tester: House, visits: Visits) -> None:
    page = visits.open(tester, script=False)
    choose(page, tester, "dark")
    assert kept(page) == CHOSEN
    assert (
        page.get_by_label("shortcuts", exact=True).is_checked() and page.get_by_label("dark", exact=True).is_checked()
    )
    page.goto(tester.url("/services"))
    assert page.locator("html").get_attribute("data-theme") == "dark", "as the server wrote it"
    assert page.locator("body").get_attribute("data-keys") == "on"
    choose(page, tester, "light", keys=False)
    assert kept(page) == {"cockpit_look": "light"}


@pytest.mark.parametrize(("look", "page_is"), [("dark", "rgb(16, 19, 23)"), ("light", "rgb(246, 247, 248)")])
def test_a_look_outranks_the_system(tester: House, visits: Visits, look: str, page_is: str) -> None:
    page = visits.open(tester, dark=look == "light")
    choose(page, tester, look)
    page.goto(tester.url("/services"))
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == page_is


# --- rows


def test_opened_rows_survive_a_reload(tester: House, visits: Visits) -> None:
    page = live(visits.open(tester))
    assert not is_open(page, "hero_books") and kept(page) == {}
    row(page, "hero_books").locator("summary").first.click()
    assert kept(page) == {"cockpit_open": "hero_books"}
    page.reload()
    assert is_open(page, "hero_books")
    row(page, "hero_books").locator("summary").first.press("Enter")
    assert kept(page) == {}
    page.reload()
    assert not is_open(page, "hero_books")


def test_every_row_open_is_kept_and_each_can_be_closed(tester: House, visits: Visits) -> None:
    page = live(visits.open(tester))
    page.get_by_role("link", name="Show every service").click()
    page.wait_for_url("**/services?rows=all")
    page.goto(tester.url("/services"))
    opened = page.locator(".fold[open]").count()
    assert is_open(page, "hero_books") and opened > 1
    row(page, "hero_books").locator("summary").first.click()
    assert kept(page) == {"cockpit_open": "*.-hero_books"}
    page.reload()
    assert not is_open(page, "hero_books") and page.locator(".fold[open]").count() == opened - 1
    page.get_by_role("link", name="Show apps only").click()
    page.wait_for_url("**/services?rows=apps")
    assert page.locator(".fold[open]").count() == 0 and kept(page) == {}


def test_every_row_open_is_kept_without_a_script(tester: House, visits: Visits) -> None:
    page = visits.open(tester, script=False)
    page.get_by_role("link", name="Show every service").click()
    page.goto(tester.url("/services"))
    assert is_open(page, "hero_books")
    page.get_by_role("link", name="Show apps only").click()
    page.goto(tester.url("/services"))
    assert not is_open(page, "hero_books")


def test_a_cookie_of_garbage_is_written_anew(tester: House, visits: Visits) -> None:
    page = live(visits.open(tester))
    page.evaluate(f"document.cookie = 'cockpit_open=<b>.*x.hero_os.é; Path={PREFIX}; SameSite=Strict'")
    page.reload()
    assert page.locator(".fold[open]").count() == 0
    row(page, "hero_books").locator("summary").first.click()
    assert kept(page) == {"cockpit_open": "hero_os.hero_books"}


# --- everybody can read it


def test_settings_and_the_list_of_keys_can_be_read_by_everybody(tester: House, visits: Visits) -> None:
    if not AXE.exists():
        pytest.skip("axe-core is not installed")
    found = []
    page = visits.open(tester)
    for look in ("system", "dark", "light"):
        choose(page, tester, look)
        found += [(look, "settings", one) for one in violations(page)]
        page.keyboard.press("?")
        expect(page.get_by_role("dialog")).to_be_visible()
        found += [(look, "keys", one) for one in violations(page)]
    assert found == []


@pytest.mark.parametrize("size", [(320, 800), PHONE, (1280, 900)], ids=["narrow", "phone", "desktop"])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_settings_and_the_list_of_keys_fit(tester: House, visits: Visits, size: tuple[int, int], dark: bool) -> None:
    page = visits.open(tester, size=size, dark=dark)
    choose(page, tester)
    fits(page, phone=size[0] < 720)
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    fits(page, phone=size[0] < 720)


def fits(page: Page, phone: bool) -> None:
    told = measured(page)
    assert (told["sideways"], small(told, phone), faint(told)) == ([], [], [])


# --- frames


@contextmanager
def framed(house: House, said: str) -> Iterator[None]:
    """The machine's file says this besides, and its server was started with it."""
    settings = house.machine.layout.settings
    before = settings.read_text()
    settings.write_text(f"{before}\n{said}\n")
    try:
        house.again()
        yield
    finally:
        settings.write_text(before)
        house.again()


def shell(page: Page, house: House) -> None:
    """A page of the same origin that shows Cockpit in a frame, as a desktop of all apps would."""
    where = f"{house.router.url}/hero_os/ui/cockpit"
    text = f'<!doctype html><title>Shell</title><iframe title="Cockpit" src="{PREFIX}/services"></iframe>'
    page.route(where, lambda it: it.fulfill(body=text, content_type="text/html"))
    page.goto(where)


def test_a_shell_of_the_same_origin_may_show_the_pages(tester: House, visits: Visits) -> None:
    with framed(tester, "cockpit: {frames: self}"):
        page = visits.open(tester)
        shell(page, tester)
        inside = page.frame_locator("iframe")
        expect(inside.locator("#live span")).to_have_text("Live")
        row_in = inside.locator("#app-hero_books .fold")
        row_in.locator("summary").first.click()
        page.reload()
        expect(row_in).to_have_attribute("open", "")
        inside.get_by_role("link", name="Settings").click()
        inside.get_by_label("dark", exact=True).check()
        inside.get_by_role("button", name="Keep these choices").click()
        expect(inside.locator("html")).to_have_attribute("data-theme", "dark")
        page.goto("about:blank")


def test_nobody_frames_the_pages_unless_the_machine_says_so(tester: House, visits: Visits) -> None:
    context = visits.browser.new_context()  # what the browser complains of here is what is wanted
    try:
        page, said = context.new_page(), []
        page.on("console", lambda it: said.append(it.text))
        page.goto(tester.router.link(f"{PREFIX}/services"))
        expect(page.locator("#live span")).to_have_text("Live")
        shell(page, tester)
        page.wait_for_timeout(500)
        assert page.frame_locator("iframe").locator("#live").count() == 0
        assert any("frame-ancestors" in text or "X-Frame-Options" in text for text in said), said
    finally:
        context.close()
