"""A tester's pages say nothing of the admin layer: they are those of a build that has none."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from cockpitpm.app.change import change
from cockpitpm.app.engine import Engine
from cockpitpm.declare.data import bundles_folder
from cockpitpm.model.receipt import Verb
from cockpitpm.model.request import Request
from cockpitpm.web import render_app
from tests.unit.web.conftest import PREFIX, Machine
from tests.unit.web.test_pages import MISSING

ADMIN = ("hero_compute", "hero_embedder_provider", "hero_tfgrid_deployer", "hero_voice_provider")
PAGES = (
    "/",
    "/services",
    "/services?rows=all",
    "/services?q=hero",
    "/services/plan?app=hero_db&app=hero_books",
    "/services/hero_db_server/plan",
    "/services/hero_db_server/log",
    "/services/hero_db_server/do?verb=stop",
    "/services/hero_db_server/do?verb=restart",
    "/apps/hero_db",
    "/apps/hero_books",
    "/apps/hero_books/plan?do=install",
    "/apps/hero_db/plan?do=remove",
    "/apps/hero_db/hold",
    "/jobs",
    "/history",
    "/settings",
    "/check",
    *MISSING,
    *(f"/apps/{app}" for app in ADMIN),
    *(f"/apps/{app}/plan?do=install" for app in ADMIN),
    *(f"/services/{app}/plan" for app in ADMIN),
    "/services/my_compute_zos_main_server/plan",
    "/services/my_compute_zos_main_server/log",
    "/services/plan?app=hero_compute",
)


@pytest.fixture
def without(root: Path) -> Path:
    """The bundles of a build that has no admin layer."""
    folder = root / "bundles"
    shutil.copytree(bundles_folder() / "base", folder / "base")
    return folder


def test_a_tester_sees_a_build_without_admin_bundles(tester: Machine, without: Path) -> None:
    change(tester.host(), Request(verb=Verb.INSTALL, names=("hero_db",), actor="mik"), lambda _: True)
    pages = {}
    for bundles in (bundles_folder(), without):
        tester.bundles = bundles
        browser = tester.client(PREFIX)
        pages[bundles] = {path: (a.status_code, a.headers, a.content) for path in PAGES for a in [browser.get(path)]}
    one, other = pages.values()
    for path in PAGES:
        assert one[path] == other[path], path
        assert not any(app.encode() in one[path][2] for app in ADMIN), path
        assert b"Fleet" not in one[path][2] and b"admin bundle" not in one[path][2]


def test_an_app_of_another_role_is_the_page_that_never_was(tester: Machine) -> None:
    browser = tester.client()
    never = browser.get("/apps/nonsense")
    for app in ADMIN:
        for path in (f"/apps/{app}", f"/services/{app}/plan", f"/apps/{app}/plan?do=upgrade", f"/apps/{app}/hold"):
            answer = browser.get(path)
            assert (answer.status_code, answer.content) == (never.status_code, never.content) == (404, never.content)
        assert browser.post(f"/apps/{app}/hold", reason="x").content == never.content


def test_what_an_admin_left_installed_is_hidden_from_a_tester(machine: Machine) -> None:
    wish = Request(verb=Verb.INSTALL, names=("hero_db", "hero_compute"), actor="mik")
    change(machine.host(), wish, lambda _: True)
    machine.host().layout.settings.write_text("role: tester\nchannel: latest-integration\n")
    browser = machine.client()
    for path in ("/services?rows=all", "/history", "/jobs", "/settings"):
        text = browser.get(path).text
        assert "hero_compute" not in text and "my_compute" not in text, path
    assert "hero_db" in browser.get("/history").text
    assert browser.get("/apps/hero_compute").status_code == 404


@pytest.mark.parametrize("role", ["Admin", " admin", "ADMIN", "administrator"])
def test_only_the_exact_word_is_admin(machine: Machine, role: str) -> None:
    machine.host().layout.settings.write_text(f"role: '{role}'\nchannel: latest-integration\n")
    text = machine.client().get("/services").text
    assert "Fleet" not in text and text.count('<li class="app') == 17


def test_rows_of_events_hold_nothing_of_the_other_role(tester: Machine) -> None:
    view = Engine(tester._invocation("mik"), tester.ports()).view()
    assert render_app(view, "hero_compute", PREFIX) == ""
    row = render_app(view, "hero_db", PREFIX)
    assert row in tester.client(PREFIX).get("/services").text
