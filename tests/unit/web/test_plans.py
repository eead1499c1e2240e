"""What was shown is carried out, once, or nothing is; and how a job is told to have ended."""

from __future__ import annotations

import re

import pytest

from cockpitpm.app.change import change
from cockpitpm.app.refresh import refresh
from cockpitpm.app.status import status
from cockpitpm.errors import ForgeUnreachable
from cockpitpm.model.receipt import Verb
from cockpitpm.model.release import Ancestry
from cockpitpm.model.request import Request
from cockpitpm.model.service import Wanted
from cockpitpm.record import history
from tests.sim.world import program
from tests.unit.web.conftest import PREFIX, TOKEN, Browser, Machine


@pytest.fixture
def browser(machine: Machine) -> Browser:
    wish = Request(verb=Verb.INSTALL, names=("hero_compute",), actor="mik")
    change(machine.host(), wish, lambda _: True)
    machine.publish("hero_compute", "1.1")
    refresh(machine.host())
    return machine.client()


def form(text: str) -> tuple[str, dict[str, str]]:
    """Where the form of a page goes, and what it carries."""
    (action,) = re.findall(r'<form method="post" action="([^"]+/apply)"', text)
    return action, dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', text))


def generation(machine: Machine) -> int:
    return next(app.generation for app in status(machine.host()).apps if app.name == "hero_compute")


def test_an_upgrade_from_one_row_restarts_three_services(machine: Machine, browser: Browser) -> None:
    page = browser.get("/services/my_compute_zos_main_server/plan").text
    assert "asked from" in page and page.count("-linux-musl-x86_64") == 1
    order = re.findall(r"<li>(my_.*?)(?: <small>|</li>)", page)
    assert [name.replace("<wbr>", "") for name in order] == [
        "my_compute_zos_server",
        "my_compute_zos_main_server",
        "my_compute_zos_testnet_server",
    ]
    before = machine.forge.requests.count("fetch my_compute_zos_server-linux-musl-x86_64")
    action, fields = form(page)
    answer = browser.post(action, **fields, reason="the fix is in")
    assert (answer.status_code, answer.headers["location"]) == (303, "/jobs/1")
    assert machine.forge.requests.count("fetch my_compute_zos_server-linux-musl-x86_64") == before + 1
    job = browser.get("/jobs/1")
    assert "http-equiv" not in job.text
    assert "<b>Done.</b>" in job.text and "asked from my_<wbr>compute_<wbr>zos_<wbr>main_<wbr>server" in job.text
    assert generation(machine) == 2
    (*_, last) = history.entries(machine.host().layout.history)
    assert (last.actor, last.reason) == ("mik", "the fix is in")


def test_the_same_key_is_the_same_job(machine: Machine, browser: Browser) -> None:
    action, fields = form(browser.get("/apps/hero_compute/plan?do=upgrade").text)
    first, second = browser.post(action, **fields), browser.post(action, **fields)
    assert (first.status_code, second.status_code) == (303, 303)
    assert first.headers["location"] == second.headers["location"] == "/jobs/1"
    assert machine.jobs == [1]


def test_two_browsers_land_on_one_job(machine: Machine, browser: Browser) -> None:
    machine.at_once = False
    other = machine.client(actor="eve")
    one = form(browser.get("/apps/hero_compute/plan?do=upgrade").text)
    two = form(other.get("/apps/hero_compute/plan?do=upgrade").text)
    assert browser.post(one[0], **one[1]).headers["location"] == "/jobs/1"
    landed = other.post(two[0], **{**two[1], "key": "another"})
    assert (landed.status_code, landed.headers["location"]) == (303, "/jobs/1?there=1")
    assert "Already started by mik" in other.get("/jobs/1?there=1").text
    assert machine.jobs == [1]


def test_a_plan_that_does_not_stand_any_more_does_nothing(machine: Machine, browser: Browser) -> None:
    action, fields = form(browser.get("/apps/hero_compute/plan?do=upgrade").text)
    machine.publish("hero_compute", "1.2")
    answer = browser.post(action, **fields)
    assert answer.status_code == 409
    assert "Things changed since you looked" in answer.text and "Nothing was done." in answer.text
    assert "What you saw" in answer.text and "What would be done now" in answer.text
    assert (machine.jobs, generation(machine)) == ([], 1)
    action, fields = form(answer.text)
    assert browser.post(action, **fields).status_code == 303
    assert generation(machine) == 2


def test_an_expired_form_changes_nothing_and_shows_the_plan(machine: Machine, browser: Browser) -> None:
    action, fields = form(browser.get("/apps/hero_compute/plan?do=upgrade").text)
    answer = browser.post(action, **{**fields, "csrf": "of yesterday"}, reason="typed already")
    assert answer.status_code == 403
    assert "Nothing was changed" in answer.text and 'value="typed already"' in answer.text
    assert TOKEN in answer.text and machine.jobs == []
    assert browser.post(form(answer.text)[0], **form(answer.text)[1]).status_code == 303


@pytest.mark.parametrize(
    "path",
    [
        "/check",
        "/services/my_compute_zos_server/do",
        "/apps/hero_compute/hold",
        "/apps/hero_compute/release",
        "/apps/hero_compute/channel",
        "/apps/hero_compute/pin",
        "/settings/channel",
        "/settings/tokens",
        "/settings/look",
    ],
)
def test_no_form_works_without_its_token(machine: Machine, browser: Browser, path: str) -> None:
    before = machine.host().layout.settings.read_bytes(), machine.world.file.read_bytes(), list(machine.forge.requests)
    fields = {"verb": "stop", "reason": "r", "value": "v", "name": "core/FORGE_TOKEN", "look": "dark", "csrf": "wrong"}
    answer = browser.post(path, **fields)
    assert answer.status_code == 403 and "Nothing was changed" in answer.text
    after = machine.host().layout.settings.read_bytes(), machine.world.file.read_bytes(), list(machine.forge.requests)
    assert before == after


def test_what_is_no_form_is_refused(browser: Browser) -> None:
    for data, kind in (
        (b"{}", "application/json"),
        (b"a=1", "text/plain"),
        (b"\xff=%ff", "application/x-www-form-urlencoded"),
        (b"a=" + b"x" * 70_000, "application/x-www-form-urlencoded"),
        (b"&".join(b"a=1" for _ in range(70)), "application/x-www-form-urlencoded"),
    ):
        assert browser.send("POST", "/check", data, kind).status_code == 400


@pytest.mark.parametrize("digest", ["0" * 64, "nonsense", "..%2f..%2fetc"])
def test_a_plan_that_nobody_saw_is_told(machine: Machine, browser: Browser, digest: str) -> None:
    answer = browser.post(f"/plans/{digest}/apply", key="k")
    assert answer.status_code in (400, 404, 405) and machine.jobs == []


def test_a_broken_build_is_told_with_its_reason(machine: Machine, browser: Browser) -> None:
    machine.publish("hero_compute", "1.3", "sick")
    with machine.world.changing() as state:
        state["services"]["my_compute_zos_server"]["log"] = ["cannot open its database"]
    action, fields = form(browser.get("/apps/hero_compute/plan?do=upgrade").text)
    browser.post(action, **fields)
    page = browser.get("/jobs/1").text
    assert "<b>Rolled back.</b>" in page and "HTTP 500" in page and "cannot open its database" in page
    assert 'class="failed"' in page and "Take back" in page
    assert "keeps " in page  # the services that were not reached kept their processes
    assert "Newest build failed here" in machine.client().get("/services").text


def test_a_waiting_job_asks_for_itself_again_and_can_be_cancelled(machine: Machine, browser: Browser) -> None:
    machine.at_once = False
    action, fields = form(browser.get("/apps/hero_compute/plan?do=upgrade").text)
    browser.post(action, **fields)
    page = browser.get("/jobs/1")
    assert '<noscript><meta http-equiv="refresh" content="3"></noscript>' in page.text
    assert "Cancel job 1" in page.text
    assert browser.post("/jobs/1/cancel", csrf="wrong").status_code == 403
    assert browser.post("/jobs/1/cancel").headers["location"] == "/jobs/1"
    ended = browser.get("/jobs/1")
    assert "http-equiv" not in ended.text and "Cancelled" in ended.text
    again = browser.post("/jobs/1/cancel")
    assert again.status_code == 409 and "it has ended" in again.text
    assert browser.get("/jobs/1/log.txt").headers["content-type"].startswith("text/plain")


def test_a_row_of_a_running_job_leads_to_it(machine: Machine, browser: Browser) -> None:
    machine.at_once = False
    action, fields = form(browser.get("/apps/hero_compute/plan?do=upgrade").text)
    browser.post(action, **fields)
    page = machine.client(PREFIX).get("/services").text
    assert f'href="{PREFIX}/jobs/1"' in page and "Waiting to begin" in page
    assert '<span class="n" id="working">1</span>' in page


def test_stopping_is_asked_and_starting_is_a_job(machine: Machine, browser: Browser) -> None:
    assert "Stop my_compute_zos_server" in browser.get("/services/my_compute_zos_server/do?verb=stop").text
    answer = browser.post("/services/my_compute_zos_server/do", verb="stop")
    assert answer.headers["location"] == "/apps/hero_compute"
    services = {s.name: s for app in status(machine.host()).apps for s in app.services}
    assert services["my_compute_zos_server"].wanted is Wanted.STOPPED
    assert browser.post("/services/my_compute_zos_server/do", verb="kill").status_code == 404
    action, fields = form(browser.get("/services/my_compute_zos_server/do?verb=start").text)
    assert browser.post(action, **fields).headers["location"] == "/jobs/1"
    assert machine.world.state()["services"]["my_compute_zos_server"]["pid"]


def test_who_needs_it_is_named(machine: Machine, browser: Browser) -> None:
    for path in ("/services/hero_db/do?verb=stop", "/services/hero_db_server/do?verb=restart"):
        assert "hero_compute" in browser.get(path).text.replace("<wbr>", "")


def test_what_somebody_wants(machine: Machine, browser: Browser) -> None:
    assert browser.post("/apps/hero_compute/hold", reason="", until="").status_code == 400
    late = browser.post("/apps/hero_compute/hold", reason="demo week", until="1999-01-01")
    assert late.status_code == 400 and "is past" in late.text and 'value="demo week"' in late.text
    assert browser.post("/apps/hero_compute/hold", reason="demo week", until="3d").status_code == 303
    assert "Held until" in machine.client().get("/services").text
    assert browser.post("/apps/hero_compute/release").status_code == 303
    assert browser.post("/apps/hero_compute/pin", value="v1.0").status_code == 303
    assert browser.post("/apps/hero_compute/channel", value="latest-development").status_code == 303
    settings = machine.host().settings
    assert (settings.pins, settings.channels, dict(settings.holds)) == (
        {"hero_compute": "v1.0"},
        {"hero_compute": "latest-development"},
        {},
    )
    assert browser.post("/apps/hero_compute/pin", value="").status_code == 303
    assert not machine.host().settings.pins


def test_settings(machine: Machine, browser: Browser) -> None:
    assert browser.post("/settings/channel", value="latest").status_code == 303
    assert machine.host().settings.channel == "latest"
    assert browser.post("/settings/channel", value=" ").status_code == 400
    assert browser.post("/settings/tokens", name="core/FORGE_TOKEN", value="s3cret-value").status_code == 303
    page = machine.client().get("/settings").text
    assert "core/FORGE_TOKEN" in page and "s3cret-value" not in page
    assert browser.post("/settings/tokens", name="core/FORGE_TOKEN", value="").status_code == 400
    assert browser.post("/settings/tokens", name="core/FORGE_TOKEN", do="remove").status_code == 303
    assert browser.post("/settings/tokens", name="core/FORGE_TOKEN", do="remove").status_code == 400


def test_reading_the_channels(machine: Machine, browser: Browser) -> None:
    machine.publish("hero_db", "2.0")
    assert browser.post("/check").headers["location"] == "/services"
    assert "Update ready" in machine.client().get("/services").text
    machine.forge.down = ForgeUnreachable("The forge does not answer", "Try later")
    told = browser.post("/check")
    assert told.status_code == 200 and "The forge does not answer" in told.text and "could not be read" in told.text


def test_a_build_is_kept_at_the_command_line_which_the_page_tells(machine: Machine, browser: Browser) -> None:
    link = machine.root / "bin" / "my_compute_zos_server"
    link.unlink()
    link.write_bytes(program("by hand"))
    link.chmod(0o755)
    assert "Changed by hand" in machine.client().get("/services").text
    page = browser.get("/apps/hero_compute/plan?do=adopt").text
    assert "cockpitpm adopt hero_compute --reason" in page and 'class="btn primary"' not in page
    action, fields = form(page)
    told = browser.post(action, **fields, reason="a fix of my own")
    assert told.status_code == 403 and "for the owner of the machine" in told.text
    assert browser.get("/jobs/1").status_code == 404


def test_a_refusal_has_no_button_and_names_the_command(machine: Machine, browser: Browser) -> None:
    old, new = machine.forge.commits["hero_compute"]
    machine.forge.lineage[old, new] = Ancestry.DOWNGRADE
    page = browser.get("/apps/hero_compute/plan?do=upgrade").text
    assert "--allow-downgrade --reason" in page
    assert "Upgrade hero_compute</button>" not in page
