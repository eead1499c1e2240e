"""A page of a machine that nobody can look at any more: the last words, as of when, and the reason."""

from __future__ import annotations

import re

from cockpitpm.app.change import change
from cockpitpm.app.engine import OLD
from cockpitpm.model.receipt import Verb
from cockpitpm.model.request import Request
from tests.sim.steps import later
from tests.unit.web.conftest import Machine


def assert_only_a_look_is_offered(page: str) -> None:
    """What stands there is too old to act upon; its rows lead to the list again, which is another look."""
    offered = re.findall(r'<a class="btn"[^>]*href="([^"]*)"[^>]*>([^<]*)</a>', page)
    assert offered and set(offered) == {("/services", "Look again")}
    assert not re.findall(r"data-plan|/plan\?|/do\?|/log\"", page)
    assert all('<a href="' not in menu for menu in re.findall(r'<details class="menu">.*?</details>', page, re.S))


def test_the_list_says_as_of_when_and_why(machine: Machine) -> None:
    change(machine.host(), Request(verb=Verb.INSTALL, names=("hero_db",), actor="mik"), lambda _: True)
    client = machine.client()
    before = client.get("/services").text
    assert "as of" not in before and 'role="alert"><p>' not in before
    kept = machine.host().layout.state / "hero_db.json"
    good = kept.read_bytes()
    kept.write_bytes(b"{}")
    later(machine, 2)
    page = client.get("/services")
    assert page.status_code == 200 and "<small>as of " not in page.text
    assert 'role="alert"><p>Shown as of ' in page.text and "hero_db.json" in page.text
    later(machine, OLD)
    old = client.get("/services").text
    assert "Nobody could look at this machine since" in old and "Current" in old
    assert old.count("<small>as of ") == len(machine.catalog.bundles)
    assert_only_a_look_is_offered(old)
    assert before.count("data-plan") and "Actions for hero_db" in before
    kept.write_bytes(good)
    assert "as of" not in client.get("/services").text


def test_an_old_row_still_leads_to_the_pages_of_its_app(machine: Machine) -> None:
    change(machine.host(), Request(verb=Verb.INSTALL, names=("hero_agent",), actor="mik"), lambda _: True)
    machine.world.die("hero_agent_server")
    client = machine.client()
    assert "Failed" in client.get("/services").text
    (machine.host().layout.state / "hero_agent.json").write_bytes(b"{}")
    later(machine, OLD + 1)
    old = client.get("/services").text
    assert_only_a_look_is_offered(old)
    assert re.findall(r'<a class="away" href="([^"]*)">Admin page', old)
