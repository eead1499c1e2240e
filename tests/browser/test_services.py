"""The list: what each role sees, one row for each service, light enough to be there at once."""

from __future__ import annotations

import gzip
import re
import shutil
import time
from pathlib import Path

import pytest

from cockpitpm.declare.catalog import resolve
from cockpitpm.model.role import Role
from tests.browser.guest import OWN, PREFIX, ask, differences, everything
from tests.browser.house import House
from tests.browser.visitor import Visits, live, row

ADMIN_ONLY = ("hero_compute", "hero_voice_provider", "hero_embedder_provider", "hero_tfgrid_deployer")


def test_an_admin_machine_lists_every_app(admin: House, visits: Visits) -> None:
    page = live(visits.open(admin))
    assert page.locator("[data-app]").count() == 21
    assert [row(page, app).count() for app in ADMIN_ONLY] == [1, 1, 1, 1]
    fleet = page.get_by_role("link", name="Fleet", exact=True)
    assert fleet.get_attribute("href") == "/hero_tfgrid_deployer/admin/"


def test_a_tester_machine_lists_its_own(tester: House, visits: Visits) -> None:
    page = live(visits.open(tester))
    assert page.locator("[data-app]").count() == 17
    assert "Fleet" not in page.content()
    for path in ("/services?rows=all", "/settings", "/history", "/jobs", "/apps/hero_books"):
        page.goto(tester.url(path))
        assert not [app for app in (*ADMIN_ONLY, "admin bundle", "Fleet", "tfgrid") if app in page.content()], path
    nothing, hidden = ask(tester.router, f"{PREFIX}/apps/nonsense"), ask(tester.router, f"{PREFIX}/apps/hero_compute")
    assert (nothing.status, hidden.status) == (404, 404)
    assert OWN.sub("", nothing.text) == OWN.sub("", hidden.text)


def test_the_two_surfaces_lead_to_each_other(admin: House, visits: Visits) -> None:
    page = live(visits.open(admin))
    page.get_by_role("link", name="Fleet", exact=True).click()
    page.get_by_role("link", name="This machine", exact=True).wait_for()
    assert page.url.startswith(admin.router.url + "/hero_tfgrid_deployer/admin/")
    page.get_by_role("link", name="Control").click()
    page.get_by_role("heading", name="Engines").wait_for()
    assert page.locator("form, button").count() == 0, "nothing there manages a machine"
    page.get_by_role("link", name="This machine", exact=True).click()
    live(page)
    assert page.url == admin.url("/services")


@pytest.mark.parametrize("said", ["Admin", "' admin'", "tester"])
def test_nearly_admin_is_not_admin(tester: House, visits: Visits, said: str) -> None:
    settings = tester.machine.layout.settings
    before = settings.read_text()
    settings.write_text(re.sub("(?m)^role: .*$", f"role: {said}", before))
    try:
        answer = ask(tester.router, f"{PREFIX}/services")
        assert b"Fleet" not in answer.body and b"hero_compute" not in answer.body
    finally:
        settings.write_text(before)


def test_one_row_for_each_service(admin: House, visits: Visits) -> None:
    page = live(visits.open(admin, "/services?rows=all"))
    found = page.locator("tr[data-service]").evaluate_all("rows => rows.map((row) => row.dataset.service)")
    expected = [
        s.name for app in resolve(admin.bundles, Role.ADMIN).bundles if admin.services(app.name) for s in app.services
    ]
    assert sorted(found) == sorted(expected)
    assert page.locator("tr[data-service]:visible").count() == len(expected)


def test_a_filter_while_one_types_and_without_a_script(admin: House, visits: Visits) -> None:
    page = live(visits.open(admin))
    page.get_by_label("Filter by name").fill("zos_main")
    assert page.locator(".app:visible").evaluate_all("rows => rows.map((row) => row.id)") == ["app-hero_compute"]
    plain = visits.open(admin, script=False)
    plain.get_by_label("Filter by name").fill("zos_main")
    plain.get_by_role("button", name="Filter").click()
    assert plain.locator(".app").count() == 1 and plain.url.endswith("?q=zos_main")


def test_the_first_paint_needs_little(admin: House) -> None:
    """Server time is that of the whole exchange, the router's included."""
    took = []
    for _ in range(7):
        began = time.perf_counter()
        answer = ask(admin.router, f"{PREFIX}/services")
        took.append(time.perf_counter() - began)
    assert answer.body.count(b"data-app=") == 21
    packed = len(gzip.compress(answer.body))
    print(f"\n{min(took) * 1000:.0f} ms, {packed} bytes gzipped")
    assert packed <= 20_000
    assert min(took) < 0.1


def test_a_tester_sees_the_bytes_of_a_build_without_admin_bundles(tester: House, land: Path) -> None:
    """The same machine, served with the wheel's bundles and with a set that never had an admin layer."""
    whole = everything(tester.router)
    bare = land / "bare-house"
    shutil.copytree(tester.bundles, bare, ignore=shutil.ignore_patterns("admin"))
    every, tester.bundles = tester.bundles, bare
    try:
        tester.again()
        found = everything(tester.router)
    finally:
        tester.bundles = every
        tester.again()
    assert len(whole) > 20
    assert differences(whole, found) == []
