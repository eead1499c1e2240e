"""Signing in, and a session that ended: the stream, the list and a form say so in one sentence; nothing changes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from cockpitpm.model.job import JobState
from tests.acceptance.scene import COMPUTE
from tests.browser.house import House, Plug, on_tcp
from tests.browser.measures import AXE, faint, measured, small, violations
from tests.browser.visitor import PHONE, Visits, live, signs_in

LIST = "Your session ended: sign in to come back to where you were."
FORM = "Nothing was changed, because your session had ended."


@pytest.fixture(scope="module")
def plug(admin: House) -> Iterator[Plug]:
    with on_tcp(admin) as made:
        yield made


def told(page: Page) -> list[str]:
    return page.get_by_role("alert").all_inner_texts()


@pytest.mark.slow
def test_three_sentences_of_a_session_that_ended(plug: Plug, visits: Visits) -> None:
    house = plug.house
    house.publish(COMPUTE)
    page = visits.window(plug.origin)
    signs_in(page, f"{plug.origin}/services", plug.token)
    at, form = page.context.new_page(), page.context.new_page()
    at.goto(f"{plug.origin}/services")
    for one in (page, form):
        one.goto(f"{plug.origin}/apps/{COMPUTE}/plan?do=upgrade")
    with house.slow_downloads(12):
        press(page)
        page.wait_for_url("**/jobs/*")
        number = int(page.url.rpartition("/")[2])
        live(page)
        before = len(house.jobs()), house.pids()
        plug.renew()
        expect(page.locator("#live span")).to_have_text("Signed out", timeout=15_000)
        assert page.locator("#notices").inner_text() == f"Your session ended. Job {number} goes on. Sign in"

        answer = at.reload()
        assert answer and answer.status == 401 and told(at) == [LIST]

        with form.expect_response(lambda it: it.request.method == "POST") as sent:
            press(form)
        assert sent.value.status == 401
        expect(form.get_by_role("alert")).to_have_text(FORM)
        assert (len(house.jobs()), house.pids()) == before

        signs_in(form, "", plug.token)
        expect(form.get_by_role("heading", level=1)).to_have_text(f"Upgrade {COMPUTE}")
        assert form.url == f"{plug.origin}/apps/{COMPUTE}/plan?do=upgrade", "the plan as it is now"
        assert page.locator("#notices .banner").count() == 1, "it is told once"
        page.get_by_role("link", name="Sign in").click()
        page.wait_for_url(f"**/jobs/{number}")
    assert house.settled(number).state is JobState.DONE, "it went on meanwhile"


def test_a_job_that_has_ended_does_not_go_on(plug: Plug, visits: Visits) -> None:
    plug.house.publish(COMPUTE)
    ended = plug.house.ordered("upgrade_service", COMPUTE)
    page = visits.window(plug.origin)
    signs_in(page, f"{plug.origin}/jobs/{ended.id}", plug.token)
    live(page)
    plug.renew()
    expect(page.locator("#notices")).to_have_text("Your session ended. Sign in", timeout=15_000)
    expect(page.get_by_role("alert").filter(has_text="session")).to_have_text("Your session ended.")


def press(page: Page) -> None:
    page.get_by_role("button", name=f"Upgrade {COMPUTE}", exact=True).click(no_wait_after=True)


def test_a_wrong_token_is_said_and_the_way_is_kept(plug: Plug, visits: Visits) -> None:
    page = visits.window(plug.origin)
    page.goto(f"{plug.origin}/history?app={COMPUTE}")
    assert told(page) == []
    signs_in(page, "", "x" * 20)
    assert told(page) == ["That is not the token of this server."]
    expect(page.get_by_label("Token")).to_be_focused()
    assert page.get_by_label("Token").input_value() == ""
    signs_in(page, "", plug.token)
    page.wait_for_url(f"**/history?app={COMPUTE}")


def states(plug: Plug, page: Page) -> Iterator[str]:
    """The page as a stranger sees it, after a wrong token, and after a session that ended."""
    page.context.clear_cookies()
    page.goto(f"{plug.origin}/apps/{COMPUTE}/plan?do=upgrade&a_long_name_of_nothing={'x' * 80}")
    yield "stranger"
    signs_in(page, "", "x" * 20)
    yield "wrong"
    signs_in(page, f"{plug.origin}/services", plug.token)
    live(page)
    (mine,) = page.context.cookies()
    page.context.add_cookies([{**mine, "value": "abcdefgh.1." + "0" * 64}])  # type: ignore[typeddict-item]
    page.goto(f"{plug.origin}/services")
    assert told(page) == [LIST]
    yield "ended"


@pytest.mark.slow
def test_everybody_can_sign_in(plug: Plug, visits: Visits) -> None:
    found: dict[str, object] = {}
    for size in ((320, 800), PHONE, (1280, 900)):
        for dark in (False, True):
            page = visits.window(plug.origin, size=size, dark=dark)
            for state in states(plug, page):
                assert page.locator("link[rel=stylesheet]").count() == 1
                assert page.evaluate("document.styleSheets[0].cssRules.length") > 100
                seen = measured(page)
                bad = (seen["sideways"], faint(seen), small(seen, phone=size[0] < 720))
                found |= {f"{size} {dark} {state}": bad} if any(bad) else {}
            page.goto("about:blank")
    assert found == {}


def test_axe_finds_nothing_where_one_signs_in(plug: Plug, visits: Visits) -> None:
    if not AXE.exists():
        pytest.skip("axe-core is not installed")
    page = visits.window(plug.origin)
    found = [(state, one) for state in states(plug, page) for one in violations(page)]
    assert found == []


def test_signing_in_needs_no_script(plug: Plug, visits: Visits) -> None:
    page = visits.window(plug.origin, script=False)
    signs_in(page, f"{plug.origin}/jobs", plug.token)
    expect(page.get_by_role("heading", level=1)).to_have_text("Jobs")
