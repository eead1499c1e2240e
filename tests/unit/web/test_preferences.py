"""What a reader prefers: kept in cookies, parsed strictly, and the same bytes for whoever has the same cookie."""

from __future__ import annotations

import re
from http.cookies import SimpleCookie

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request
from starlette.responses import Response

from cockpitpm.app.change import change
from cockpitpm.model.receipt import Verb
from cockpitpm.model.request import Request as Wish
from cockpitpm.web import render_app
from cockpitpm.web.preferences import LONGEST, Opened, keys, look, opened, show_every
from tests.unit.web.conftest import PREFIX, Browser, Machine

ADMIN_APP = "hero_compute"


@pytest.fixture
def browser(tester: Machine) -> Browser:
    change(tester.host(), Wish(verb=Verb.INSTALL, names=("hero_db", "hero_books"), actor="mik"), lambda _: True)
    return tester.client(PREFIX)


def asked(name: str, value: str) -> Request:
    """A request with one cookie, as bytes come in."""
    line = f"{name}={value}".encode("latin-1", "replace")
    return Request({"type": "http", "headers": [(b"cookie", line)]})


def rows(answer: httpx.Response) -> set[str]:
    """The apps whose rows stand open."""
    return set(re.findall(r'data-app="(\w+)"[^>]*>\s*<details class="fold" open>', answer.text))


def cookies(answer: httpx.Response) -> dict[str, tuple[str, str, str, str, bool]]:
    """Value, path, site rule, seconds and whether scripts are kept out, by name."""
    found: SimpleCookie = SimpleCookie()
    for line in answer.headers.get_list("set-cookie"):
        found.load(line)
    return {n: (m.value, m["path"], m["samesite"], str(m["max-age"]), bool(m["httponly"])) for n, m in found.items()}


# --- parsed strictly


@pytest.mark.parametrize(
    ("said", "every", "apps"),
    [
        ("hero_db", False, {"hero_db": True}),
        ("*", True, {}),
        ("*.hero_db.-hero_books", True, {"hero_db": True, "hero_books": False}),
        ("-hero_db.hero_db", False, {"hero_db": True}),
    ],
)
def test_what_a_cookie_says_of_rows(said: str, every: bool, apps: dict[str, bool]) -> None:
    assert opened(asked("cockpit_open", said)) == Opened(every=every, apps=apps)


@pytest.mark.parametrize(
    "said", ["", ".", "hero_db.", "Hero", "--a", "a b", "a%2Eb", "**", "1", "../x", "é", '"><script>', "a" * 65]
)
def test_garbage_says_nothing(said: str) -> None:
    assert opened(asked("cockpit_open", said)) == Opened()


def test_a_cookie_has_a_longest_length() -> None:
    short = ".".join(["a" * 60] * 32)
    assert len(short) <= LONGEST < len(f"{short}.{'b' * 64}")
    assert opened(asked("cockpit_open", short)) != Opened()
    assert opened(asked("cockpit_open", f"{short}.{'b' * 64}")) == Opened()


@given(st.text(max_size=80))
def test_no_cookie_can_be_worse_than_none(said: str) -> None:
    found = opened(asked("cockpit_open", said))
    assert all(re.fullmatch(r"[a-z][a-z0-9_]{0,63}", app) for app in found.apps)
    assert look(asked("cockpit_look", said)) in ("system", "light", "dark")
    assert keys(asked("cockpit_keys", said)) is (said.strip() == "on")


def test_whoever_wants_every_row_keeps_it() -> None:
    request, answer = asked("cockpit_open", ""), Response()
    show_every(request, answer, True)
    value = answer.headers["set-cookie"].partition(";")[0].partition("=")[2].strip('"')
    assert opened(asked("cockpit_open", value)) == Opened(every=True)


# --- rows


def test_rows_stand_as_the_reader_left_them(browser: Browser) -> None:
    assert rows(browser.get("/services")) == set()
    browser.cookies["cockpit_open"] = "hero_db"
    assert rows(browser.get("/services")) == {"hero_db"}
    browser.cookies["cockpit_open"] = "*.-hero_db"
    shown = rows(browser.get("/services"))
    assert "hero_books" in shown and "hero_db" not in shown


def test_every_row_is_kept_until_one_asks_for_apps_only(browser: Browser) -> None:
    """Without a script: the answer that shows them keeps the choice, and no other answer says anything."""
    assert cookies(browser.get("/services")) == {}
    first = browser.get("/services?rows=all")
    assert cookies(first) == {"cockpit_open": ("*", PREFIX, "strict", "2592000", False)}
    browser.cookies["cockpit_open"] = "*"
    again = browser.get("/services")
    assert rows(again) == rows(first) != set() and "Show apps only" in again.text and cookies(again) == {}
    browser.cookies["cockpit_open"] = "*.-hero_db"
    assert "hero_db" not in rows(browser.get("/services?rows=all")), "one that was closed since stays closed"
    ended = browser.get("/services?rows=apps")
    assert rows(ended) == set() and cookies(ended)["cockpit_open"] == ("", PREFIX, "strict", "0", False)
    browser.cookies["cockpit_open"] = "hero_db"
    assert rows(browser.get("/services?rows=apps")) == {"hero_db"} and "Show every service" in ended.text


def test_what_a_filter_finds_is_open(browser: Browser) -> None:
    browser.cookies["cockpit_open"] = "-hero_db"
    assert rows(browser.get("/services?q=hero_db")) == {"hero_db"}


def test_two_viewers_with_one_cookie_see_the_same_bytes(tester: Machine, browser: Browser) -> None:
    other = tester.client(PREFIX)
    browser.cookies["cockpit_open"] = other.cookies["cockpit_open"] = "*.-hero_db"
    one, two = browser.get("/services"), other.get("/services")
    assert (one.content, one.headers) == (two.content, two.headers)


def test_names_of_another_role_tell_nothing(browser: Browser) -> None:
    plain = browser.get("/services")
    for said in (ADMIN_APP, f"-{ADMIN_APP}", "nonsense", f"{ADMIN_APP}.nonsense"):
        browser.cookies["cockpit_open"] = said
        answer = browser.get("/services")
        assert (answer.content, answer.headers) == (plain.content, plain.headers), said


def test_rows_of_events_are_one_rendering_for_all(tester: Machine, browser: Browser) -> None:
    from cockpitpm.app.engine import Engine

    row = render_app(Engine(tester._invocation("mik"), tester.ports()).view(), "hero_db", PREFIX)
    assert row in browser.get("/services").text
    browser.cookies["cockpit_open"] = "hero_db"
    assert row.replace('<details class="fold">', '<details class="fold" open>') in browser.get("/services").text


# --- look and keys


def test_shortcuts_are_off_until_chosen(browser: Browser) -> None:
    for path in ("/services", "/settings", "/jobs", "/nothing"):
        text = browser.get(path).text
        assert "data-keys" not in text and "<template" not in text and "aria-keyshortcuts" not in text, path
    answer = browser.post("/settings/look", look="system", keys="on")
    assert answer.status_code == 303
    assert cookies(answer)["cockpit_keys"] == ("on", PREFIX, "strict", "31536000", True)
    browser.cookies["cockpit_keys"] = "on"
    text = browser.get("/services").text
    assert 'data-keys="on"' in text and 'aria-keyshortcuts="/"' in text
    listed = text.partition('<template id="keys">')[2].partition("</template>")[0]
    assert re.findall("<kbd>(.)</kbd>", listed) == ["/", "g", "s", "g", "j", "?"]
    assert re.search('name="keys"[^>]* checked', browser.get("/settings").text)
    assert cookies(browser.post("/settings/look", look="dark"))["cockpit_keys"][:4] == ("", PREFIX, "strict", "0")


def test_only_the_exact_word_turns_shortcuts_on(browser: Browser) -> None:
    for said in ("off", "ON", "1", "true", "on.on"):
        browser.cookies["cockpit_keys"] = said
        assert "data-keys" not in browser.get("/services").text


def test_at_the_root_the_path_is_the_root(tester: Machine) -> None:
    kept = cookies(tester.client().post("/settings/look", look="dark", keys="on"))
    assert {path for _, path, *_ in kept.values()} == {"/"}
