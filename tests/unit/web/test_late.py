"""A page of a machine that nobody can look at any more: the last words, as of when, and the reason."""

from __future__ import annotations

from cockpitpm.app.change import change
from cockpitpm.app.engine import OLD
from cockpitpm.model.receipt import Verb
from cockpitpm.model.request import Request
from tests.unit.web.conftest import Machine


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
    assert 'href="/check"' in old and ">Install…</a>" not in old
    kept.write_bytes(good)
    assert "as of" not in client.get("/services").text


def later(machine: Machine, seconds: float) -> None:
    with machine.world.changing() as state:
        state["time"] += seconds
