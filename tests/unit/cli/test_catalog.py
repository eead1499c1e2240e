"""`lint`, `catalog`, `explain`: what is declared."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from cockpitpm.declare.data import bundles_folder
from tests.unit.cli.conftest import Cli


@pytest.fixture
def copied(root: Path) -> Path:
    return Path(shutil.copytree(bundles_folder(), root / "bundles"))


def test_the_bundles_that_come_along_are_clean(cli: Cli) -> None:
    result = cli("lint")
    assert result.code == 0
    assert "21 files checked" in result.out


def test_lint_tells_every_fault_with_its_place(cli: Cli, copied: Path) -> None:
    broken = copied / "base" / "hero_db.yaml"
    text = broken.read_text().replace("name: hero_db\n", "name: hero_db2\n", 1) + "colour: red\x1b\n"
    broken.write_text(text)
    shown = cli("lint", copied)
    found = cli("lint", copied, "--format", "json")
    assert shown.code == found.code == 3
    assert f"{broken}:" in shown.out and "\x1b" not in shown.out
    assert found.json["findings"]
    for one in found.json["findings"]:
        assert list(one) == ["file", "line", "column", "rule", "message", "hint"]
        assert one["file"] == str(broken)
    assert cli("lint", copied, "--json").json == found.json


def test_lint_of_nothing_is_a_fault_of_the_request(cli: Cli, root: Path) -> None:
    assert cli("lint", root / "nowhere").code == 3


def test_the_testers_catalog_does_not_depend_on_the_admin_layer(cli: Cli, copied: Path) -> None:
    with_it = cli("catalog", "--role", "tester", "--json", "--bundles", copied)
    (copied / "admin" / "hero_compute.yaml").write_bytes(b"\xff\x00garbage: [")
    with_garbage = cli("catalog", "--role", "tester", "--json", "--bundles", copied)
    shutil.rmtree(copied / "admin")
    without = cli("catalog", "--role", "tester", "--json", "--bundles", copied)
    assert with_it.out == with_garbage.out == without.out
    assert len(with_it.json["apps"]) == 17


def test_the_shape_of_the_catalog(cli: Cli) -> None:
    found = cli("catalog", "--role", "admin", "--json").json
    assert list(found) == ["role", "digest", "apps"]
    assert (found["role"], len(found["apps"])) == ("admin", 21)
    compute = next(app for app in found["apps"] if app["name"] == "hero_compute")
    assert compute["layer"] == "admin" and compute["repo"] == "hero_compute"
    assert [b["name"] for b in compute["binaries"]] == ["my_compute_zos_server"]
    assert len(compute["restart_only"]) == 2


def test_the_catalog_for_people(cli: Cli) -> None:
    shown = cli("catalog").out
    assert "base layer" in shown and "admin layer" not in shown
    assert "17 apps for the role tester" in shown


def test_explain_leads_from_any_name_to_file_and_line(cli: Cli) -> None:
    shown = cli("explain", "my_compute_zos_main_server", "--role", "admin").out
    assert "is a service of hero_compute" in shown
    assert "hero_compute.yaml:4" in shown
    found = cli("explain", "my_compute_zos_server", "--role", "admin", "--json").json
    assert found["is"] == ["binary", "service"]
    assert found["app"]["name"] == "hero_compute"
    assert found["assets"]["my_compute_zos_server"][0] == "my_compute_zos_server-linux-musl-x86_64"
    first = found["values"][0]
    assert (first["key"], first["value"], first["line"]) == ("name", "hero_compute", 4)


@pytest.mark.parametrize("words", [("explain",), ("plan",), ("status",), ("logs",), ("receipts",), ("history",)])
def test_an_unknown_name_is_met_with_names_of_this_role_only(cli: Cli, words: tuple[str, ...]) -> None:
    wrong = cli(*words, "hero_compote")
    assert wrong.code == 5
    assert "hero_compute" not in wrong.err
    assert "hero_db" in cli(*words, "hero_dbb").err


def test_an_admin_is_told_close_names_of_the_admin_layer(cli: Cli) -> None:
    assert "hero_compute" in cli("explain", "hero_compote", "--role", "admin").err


def test_an_app_of_the_admin_layer_does_not_exist_for_a_tester(cli: Cli) -> None:
    for verb in ("install", "upgrade", "remove", "rollback", "start", "stop", "restart"):
        assert cli(verb, "hero_compute").code == 5
