"""From what a person calls a thing to the app it belongs to."""

from __future__ import annotations

from pathlib import Path

import pytest

from cockpitpm.app.names import app_of, apps_of, bundle_of
from cockpitpm.errors import PlanError
from cockpitpm.model.receipt import Verb
from tests.sim.machine import DUO, SERVICES, MachineSim
from tests.sim.steps import installed

ADMIN = DUO.replace("duo", "secret").replace("Duo", "Secret")


@pytest.fixture
def machine(root: Path) -> MachineSim:
    return installed(root, offered="1")


@pytest.mark.parametrize("name", ["duo", *SERVICES])
def test_every_row_leads_to_the_app(machine: MachineSim, name: str) -> None:
    assert app_of(machine.host(), name) == "duo"


def test_names_of_one_app_are_one_app(machine: MachineSim) -> None:
    assert apps_of(machine.host(), SERVICES) == ("duo",)
    assert apps_of(machine.host(), ()) == ()


def test_what_the_role_does_not_see_is_not_offered(machine: MachineSim) -> None:
    machine.bundle(ADMIN, "secret", layer="admin")
    with pytest.raises(PlanError) as caught:
        app_of(machine.host(), "secret_serve")
    assert "secret" not in caught.value.hint


def test_what_is_installed_has_its_names_without_a_bundle_of_today(machine: MachineSim) -> None:
    machine.run(Verb.INSTALL, "duo")
    (machine.folder / "bundles/base/duo.yaml").unlink()
    host = machine.host()
    assert app_of(host, "duo_second_server") == app_of(host, "duo") == "duo"
    held = bundle_of(host, "duo")
    assert held is not None and held.title == "Duo"


def test_before_it_is_installed_todays_bundle_is_in_force(machine: MachineSim) -> None:
    assert bundle_of(machine.host(), "duo") == machine.host().catalog.bundle("duo")
    assert bundle_of(machine.host(), "nobody") is None
