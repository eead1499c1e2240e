"""Every value of a bundle can be traced to its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from cockpitpm.declare.catalog import resolve
from cockpitpm.declare.data import bundles_folder
from cockpitpm.declare.provenance import provenance
from cockpitpm.errors import BundleError
from cockpitpm.model.role import Role


def test_the_line_of_each_value_holds_the_value() -> None:
    for bundle in resolve(bundles_folder(), Role.ADMIN).bundles:
        origins = provenance(bundles_folder(), Role.ADMIN, bundle.name)
        lines = Path(origins[0].file).read_text().splitlines()
        for one in origins:
            at = lines[one.line - 1][one.column - 1 :]
            assert at.removeprefix('"').lower().startswith(str(one.value).lower()), one


def test_keys_are_written_as_people_write_them() -> None:
    found = {one.key: one.value for one in provenance(bundles_folder(), Role.ADMIN, "hero_compute")}
    assert found["restart_only[0].runs"] == "my_compute_zos_server"
    assert found["binaries[0].sockets[0].path"] == "hero_compute/rpc.sock"


def test_an_empty_list_is_a_value() -> None:
    folder = Path(__file__).parents[2] / "examples/good/every_key"
    found = {one.key: one.value for one in provenance(folder, Role.TESTER, "hero_full")}
    assert found["binaries[0].args[2]"] == "" and found["binaries[0].probe.stays_ready"] == 0


@pytest.mark.parametrize("app", ["hero_compute", "nonsense"])
def test_a_tester_hears_the_same_of_admin_apps_and_of_nonsense(app: str) -> None:
    with pytest.raises(BundleError) as caught:
        provenance(bundles_folder(), Role.TESTER, app)
    assert caught.value.message == f"the catalog of this machine has no app {app}"
