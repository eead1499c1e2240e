"""The page stays where it is while the server dies and comes back; it says what it knows, and since when."""

from __future__ import annotations

import itertools
import re
import signal

import pytest
from playwright.sync_api import Page, expect

from tests.acceptance.scene import COMPUTE
from tests.browser.guest import PREFIX
from tests.browser.house import House, on_tcp
from tests.browser.test_upgrade import ends, job_of
from tests.browser.visitor import Visits, live, signs_in

WENT = "performance.getEntriesByType('navigation')[0].startTime + performance.timeOrigin"
HEAR = """
window.spoken = [];
document.addEventListener('DOMContentLoaded', () => {
  const it = document.querySelector('#status');
  new MutationObserver(() => spoken.push([Date.now(), it.textContent]))
    .observe(it, { childList: true, characterData: true, subtree: true });
});
"""


def numbers(page: Page) -> list[int]:
    return [int(n) for n in page.locator("#log [data-n]").evaluate_all("all => all.map((it) => it.dataset.n)")]


def begin(page: Page, app: str = COMPUTE) -> int:
    page.get_by_role("button", name=f"Upgrade {app}", exact=True).click()
    return job_of(page)


def test_the_server_is_killed_in_the_middle_of_a_job(admin: House, visits: Visits) -> None:
    admin.publish(COMPUTE)
    page = visits.open(admin, f"/apps/{COMPUTE}/plan?do=upgrade")
    with admin.held_downloads() as go:
        number = begin(page)
        live(page)
        loaded = page.evaluate(WENT)
        admin.leave(signal.SIGKILL)
        word = page.locator("#live span")
        expect(word).to_have_text(re.compile(r"^Reconnecting, shown as of [0-9:]{8}$"), timeout=10_000)
        admin.serve()
        expect(word).to_have_text("Live", timeout=10_000)
        go.set()
        ends(page, "done")
    assert admin.settled(number).state.value == "done"
    expect(page.locator("#working")).to_have_count(0, timeout=10_000)
    assert page.evaluate(WENT) == loaded, "the page was never loaded again"
    expect(page.locator("#log")).to_contain_text("generation", timeout=5_000)
    found = numbers(page)
    page.reload()
    assert found == numbers(page), "every line, in its order, once"
    assert found == sorted(set(found))


def test_a_link_that_is_dead_is_not_called_live(admin: House, visits: Visits) -> None:
    """The connection stands and nothing comes any more; the page's clock goes on."""
    page = visits.window(admin.router.url)
    page.clock.install()
    page.goto(admin.router.link(f"{PREFIX}/services"))
    live(page)
    assert admin.server
    admin.server.send_signal(signal.SIGSTOP)
    try:
        page.clock.run_for(45_000)
        page.clock.run_for(5_000)
        expect(page.locator("#live span")).to_have_text(re.compile("^Reconnecting, shown as of"))
    finally:
        admin.server.send_signal(signal.SIGCONT)
    page.clock.resume()
    live(page)


@pytest.mark.parametrize(
    "real", [pytest.param(True, id="real time", marks=pytest.mark.slow), pytest.param(False, id="quick")]
)
def test_what_is_said_aloud(admin: House, visits: Visits, real: bool) -> None:
    """At most one thing in five seconds, never a percentage, the end once; and nothing on the page jumps.

    The quick form does not wait: the page's clock goes on by itself.
    """
    admin.publish(COMPUTE)
    page = visits.window(admin.router.url)
    page.add_init_script(HEAR)
    if not real:
        page.clock.install()
    page.goto(admin.router.link(f"{PREFIX}/apps/{COMPUTE}/plan") + "&do=upgrade")
    with admin.held_downloads() as go:
        begin(page)
        live(page)
        page.evaluate("window.shifts = 0; window.moved = []")
        expect(page.locator("#job")).to_have_attribute("data-head", f"Step 1 of 5 · {COMPUTE}")
        if real:
            page.wait_for_timeout(3000)
        go.set()
        ends(page, "done")
    if real:
        page.wait_for_timeout(5500)
    else:
        page.clock.run_for(5500)
    spoken = page.evaluate("window.spoken")
    print(f"\n{spoken}")
    assert not [text for _, text in spoken if "%" in text]
    assert [text for _, text in spoken if text.startswith("Done")] == [f"Done · Upgrade {COMPUTE}"] == [spoken[-1][1]]
    gaps = [b - a for (a, _), (b, _) in itertools.pairwise(spoken)]
    assert all(gap >= 4900 for gap in gaps), spoken
    assert page.evaluate("window.shifts") < 0.02, page.evaluate("window.moved")


def test_rows_focus_and_filter_survive_every_event(admin: House, visits: Visits) -> None:
    admin.publish(COMPUTE)
    admin.refresh()
    page = live(visits.open(admin))
    row = page.locator(f"#app-{COMPUTE}")
    row.locator(".fold > summary").click()
    page.get_by_label("Filter by name").fill("hero_c")
    menu = page.get_by_label(f"More actions for {COMPUTE}")
    menu.focus()
    page.evaluate("window.shifts = 0; window.moved = []")
    assert admin.cli("upgrade", COMPUTE, "--yes").returncode == 0
    expect(row.locator(".st").first).to_contain_text("Current", timeout=10_000)
    assert row.locator(".fold").get_attribute("open") is not None
    assert page.evaluate(f"document.querySelector('#app-{COMPUTE}').contains(document.activeElement)")
    expect(page.get_by_label("Filter by name")).to_have_value("hero_c")
    assert page.locator(".app:visible").count() < 21
    expect(page.locator("#order")).to_be_visible()
    assert page.evaluate("window.shifts") < 0.02, page.evaluate("window.moved")


def test_a_session_that_ended(admin: House, visits: Visits) -> None:
    """Over TCP one signs in. With another token every session is over: the stream, the list and a form say so."""
    admin.publish(COMPUTE)
    with on_tcp(admin) as plug:
        jobs, page = len(admin.jobs()), visits.window(plug.origin)
        signs_in(page, f"{plug.origin}/services", plug.token)
        live(page)
        form = page.context.new_page()
        form.goto(f"{plug.origin}/apps/{COMPUTE}/plan?do=upgrade")
        plug.renew()
        expect(page.locator("#notices")).to_contain_text("Your session ended.", timeout=15_000)
        expect(page.locator("#live span")).to_have_text("Signed out")
        with form.expect_response(lambda r: r.request.method == "POST") as told:
            form.get_by_role("button", name=f"Upgrade {COMPUTE}", exact=True).click(no_wait_after=True)
        assert told.value.status == 401
        assert len(admin.jobs()) == jobs, "nothing was changed"
        page.get_by_role("link", name="Sign in").click()
        signs_in(page, "", plug.token)
        live(page)
        assert page.url == f"{plug.origin}/services", "it returns to where one was"
