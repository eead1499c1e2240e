"""Where buttons lead: the row of a service asks for its app's upgrade from its own place."""

from __future__ import annotations

import pytest

from cockpitpm.model.standing import Act, Button
from cockpitpm.web.places import place

PLACES = [
    (Button(act=Act.UPGRADE), "/apps/duo/plan?do=upgrade"),
    (Button(act=Act.UPGRADE, service="duo_admin"), "/services/duo_admin/plan"),
    (Button(act=Act.CONVERGE), "/apps/duo/plan?do=converge"),
    (Button(act=Act.CONVERGE, service="duo_admin"), "/apps/duo/plan?do=converge&service=duo_admin"),
    (Button(act=Act.STOP, service="duo_admin"), "/services/duo_admin/do?verb=stop"),
    (Button(act=Act.STOP), "/services/duo/do?verb=stop"),
    (Button(act=Act.RESTART, service="duo_admin"), "/services/duo_admin/do?verb=restart"),
    (Button(act=Act.SHOW_LOG, service="duo_admin"), "/services/duo_admin/log"),
    (Button(act=Act.PUT_BACK, to=3), "/apps/duo/plan?do=rollback&to=3"),
    (Button(act=Act.ROLL_BACK), "/apps/duo/plan?do=rollback"),
    (Button(act=Act.SHOW_THEM), "/apps/duo#truths"),
    (Button(act=Act.DETAILS), "/apps/duo"),
    (Button(act=Act.WATCH, job=7), "/jobs/7"),
    (Button(act=Act.CHECK), "/check"),
    (Button(act=Act.LOOK), "/services"),
    (Button(act=Act.UPGRADE, service="a b/c?"), "/services/a%20b%2Fc%3F/plan"),
]


@pytest.mark.parametrize(("button", "path"), PLACES)
def test_a_button_leads_to_its_place(button: Button, path: str) -> None:
    assert place("duo", button) == path
