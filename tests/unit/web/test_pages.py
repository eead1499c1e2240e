"""Every address: what it answers, what it changes, and what it must not."""

from __future__ import annotations

import gzip
import re

import pytest

from cockpitpm.app.change import change
from cockpitpm.app.refresh import refresh
from cockpitpm.model.receipt import Verb
from cockpitpm.model.request import Request
from cockpitpm.model.role import Role
from tests.unit.web.conftest import PREFIX, Browser, Machine
from tests.unit.web.payloads import Shape


def install(machine: Machine, *apps: str) -> None:
    change(machine.host(), Request(verb=Verb.INSTALL, names=apps, actor="mik"), lambda _: True)


def upgrade(machine: Machine, app: str, version: str, behaviour: str = "good") -> None:
    machine.publish(app, version, behaviour)
    change(machine.host(), Request(verb=Verb.UPGRADE, names=(app,), actor="mik"), lambda _: True)


@pytest.fixture
def browser(machine: Machine) -> Browser:
    install(machine, "hero_db", "hero_compute", "hero_tfgrid_deployer")
    upgrade(machine, "hero_db", "1.1")
    machine.publish("hero_compute", "1.1")
    refresh(machine.host())
    return machine.client()


PAGES = (
    "/services",
    "/services?q=db",
    "/services?rows=all",
    "/services/plan?app=hero_compute&app=hero_db",
    "/services/my_compute_zos_main_server/plan",
    "/services/hero_db_server/log",
    "/services/hero_db/log",
    "/services/hero_db_server/do?verb=stop",
    "/services/hero_db_server/do?verb=start",
    "/services/my_compute_zos_main_server/do?verb=restart",
    "/apps/hero_db",
    "/apps/hero_books",
    "/apps/hero_db/plan?do=upgrade",
    "/apps/hero_books/plan?do=install",
    "/apps/hero_db/plan?do=rollback&to=1",
    "/apps/hero_db/plan?do=rollback",
    "/apps/hero_db/plan?do=adopt",
    "/apps/hero_db/plan?do=remove",
    "/apps/hero_db/plan?do=converge",
    "/apps/hero_compute/plan?do=converge&service=my_compute_zos_server",
    "/apps/hero_db/generations/1..2",
    "/apps/hero_db/hold",
    "/apps/hero_db/release",
    "/apps/hero_db/channel",
    "/apps/hero_db/pin",
    "/jobs",
    "/history",
    "/history?app=hero_db&who=mik&before=3",
    "/settings",
    "/check",
)
MISSING = (
    "/nonsense",
    "/apps/nonsense",
    "/apps/nonsense/plan?do=upgrade",
    "/apps/hero_db/plan?do=nonsense",
    "/apps/hero_db/plan",
    "/apps/hero_db/nonsense",
    "/apps/hero_db/generations/1..9",
    "/apps/hero_compute/plan?do=converge&service=hero_db_server",
    "/services/nonsense/log",
    "/services/nonsense/plan",
    "/services/hero_books_server/log",
    "/services/hero_books_server/do?verb=stop",
    "/services/hero_db_server/do?verb=nonsense",
    "/services/plan?app=nonsense",
    "/jobs/99",
    "/jobs/99/log.txt",
)


def files(machine: Machine) -> dict[str, bytes]:
    """Everything on the machine but the plans that were shown."""
    found = {}
    for path in sorted(machine.root.rglob("*")):
        if path.is_file() and not path.is_relative_to(machine.root / "var/cockpitpm/plans"):
            found[str(path)] = path.read_bytes()
    return found | {"world": machine.world.file.read_bytes()}


def test_a_page_is_there_and_changes_nothing(machine: Machine, browser: Browser) -> None:
    before = files(machine)
    for path in PAGES:
        answer = browser.get(path)
        assert answer.status_code == 200, (path, answer.text[-600:])
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        kept = [said.partition(";")[0] for said in answer.headers.get_list("set-cookie")]
        assert kept == (["cockpit_open=*"] if "rows=all" in path else []), "only how this reader's rows stand"
    assert files(machine) == before


def test_the_first_page_leads_to_the_services(browser: Browser) -> None:
    assert (browser.get("/").status_code, browser.get("/").headers["location"]) == (303, "/services")


def test_everything_that_is_not_here_looks_the_same(browser: Browser) -> None:
    answers = {(browser.get(path).status_code, browser.get(path).content) for path in MISSING}
    assert len(answers) == 1
    assert next(iter(answers))[0] == 404


def test_no_page_has_an_inline_style_or_script_or_leads_away(browser: Browser) -> None:
    for path in PAGES:
        text = browser.get(path).text
        assert "<style" not in text and not re.search(r"<script(?! src=)", text)
        for tag, names in Shape(text).tags:
            assert "style" not in names and not any(name.startswith("on") for name in names), (path, tag)
        assert not [a for a in Shape(text).addresses if not a.startswith(("/", "#"))]


def test_the_list_holds_no_form_that_changes_anything(browser: Browser) -> None:
    text = browser.get("/services").text
    assert 'method="post"' not in text and "csrf" not in text


@pytest.mark.parametrize("prefix", ["", PREFIX])
def test_every_address_carries_the_prefix(machine: Machine, browser: Browser, prefix: str) -> None:
    behind = machine.client(prefix)
    own = {"/hero_tfgrid_deployer/admin/"} | {f"/{app}/admin/" for app in ("hero_compute", "hero_db")}
    for path in PAGES:
        answer = behind.get(path)
        assert answer.status_code == 200, path
        found = Shape(answer.text).addresses
        strays = [a for a in found if not a.startswith((f"{prefix}/", "#")) and a not in own]
        assert not strays, (path, strays)
    assert behind.get("/").headers["location"] == f"{prefix}/services"


def test_every_link_of_every_page_leads_somewhere(browser: Browser) -> None:
    seen: set[str] = set()
    for path in PAGES:
        seen |= {a.partition("#")[0] for a in Shape(browser.get(path).text).addresses if a.startswith("/")}
    forms = {a for a in seen if a.endswith(("/apply", "/cancel", "/do")) or a.startswith("/settings/")}
    away = {"/hero_tfgrid_deployer/admin/", "/hero_compute/admin/", "/hero_db/admin/", "/icon"}
    for path in sorted(seen - forms - away - {""}):
        answer = browser.get(path)
        assert answer.status_code in (200, 303), path


def test_links_of_bundles_are_in_the_navigation(browser: Browser) -> None:
    assert '<a href="/hero_tfgrid_deployer/admin/">Fleet' in browser.get("/services").text


def test_the_whole_list_is_small(machine: Machine) -> None:
    install(machine, *[b.name for b in machine.catalog.bundles if b.name not in ("hero_agent", "hero_browser")])
    text = machine.client(PREFIX).get("/services").content
    assert text.count(b'<li class="app') == 21
    assert len(gzip.compress(text)) < 20_000


def test_one_row_for_each_service(machine: Machine, browser: Browser) -> None:
    text = browser.get("/services?rows=all").text
    names = re.findall(r'data-service="([^"]+)"', text)
    assert {"my_compute_zos_server", "my_compute_zos_main_server", "my_compute_zos_testnet_server"} <= set(names)
    assert text.count('<details class="fold" open>') == 4


def test_a_filter_finds_services_too(browser: Browser) -> None:
    text = browser.get("/services", {"q": "zos_testnet"}).text
    assert re.findall(r'data-app="([^"]+)"', text) == ["hero_compute"]


def test_assets_are_named_by_their_content(browser: Browser) -> None:
    text = browser.get("/services").text
    for path in re.findall(r'"(/static/[^"]+)"', text):
        answer = browser.get(path)
        assert (answer.status_code, answer.headers["cache-control"]) == (200, "public, max-age=31536000, immutable")
        assert re.search(r"\.[0-9a-f]{12}\.", path)
    assert browser.get("/static/cockpit.css").status_code == 404


def test_the_look_is_a_cookie_of_this_site(machine: Machine, browser: Browser) -> None:
    behind = machine.client(PREFIX)
    answer = behind.post("/settings/look", look="dark")
    assert answer.status_code == 303
    assert f"Path={PREFIX}" in answer.headers["set-cookie"] and "SameSite=strict" in answer.headers["set-cookie"]
    behind.cookies["cockpit_look"] = "dark"
    assert 'data-theme="dark"' in behind.get("/services").text
    behind.cookies["cockpit_look"] = '"><script>'
    assert "data-theme" not in behind.get("/services").text
    assert "set-cookie" not in behind.post("/settings/look", look="purple").headers


def test_a_broken_chain_is_told_on_top(machine: Machine, browser: Browser) -> None:
    assert "the chain is whole" in browser.get("/history").text
    path = machine.host().layout.history
    path.write_bytes(path.read_bytes().replace(b'"mik"', b'"eve"', 1))
    text = browser.get("/history").text
    assert "The chain is broken." in text and "Line 1 of" in text


def test_an_admin_counts_21_apps_and_a_tester_17(machine: Machine) -> None:
    counts = {}
    for role in Role:
        settings = machine.host().layout.settings
        settings.write_text(f"role: {role.value}\nchannel: latest-integration\n")
        counts[role] = machine.client().get("/services").text.count('<li class="app')
    assert counts == {Role.ADMIN: 21, Role.TESTER: 17}
