"""`doctor` looks at any machine, however broken, and ends as it says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.cli.conftest import Cli

CHECKS = ["catalog", "places", "owner", "modes", "lock", "journal", "leftovers", "records", "files", "clock", "disk"]


def settings(root: Path) -> Path:
    file = root / "cfg/cockpitpm/machine.yaml"
    file.parent.mkdir(parents=True, exist_ok=True)
    return file


def broken(root: Path) -> str:
    settings(root).write_text("role: admin\nrule: x\n")
    return f"{settings(root)}:2:1"


def linked(root: Path) -> str:
    (root / "elsewhere").write_text("role: admin\n")
    settings(root).symlink_to(root / "elsewhere")
    return "it is a symbolic link to"


@pytest.mark.parametrize("harm", [broken, linked])
@pytest.mark.parametrize("fix", [(), ("--fix",)], ids=["look", "fix"])
def test_a_machine_whose_role_cannot_be_read_is_looked_at(
    cli: Cli, root: Path, harm: Callable[[Path], str], fix: tuple[str, ...]
) -> None:
    why = harm(root)
    told = cli("doctor", "--offline", *fix)
    assert told.code == 4 and "settings" in told.out and why in told.out
    found = cli("doctor", "--offline", "--json", *fix)
    assert found.code == 4 and found.err == ""
    assert "settings" in {one["check"] for one in found.json["symptoms"]} and not found.json["well"]
    assert set(CHECKS) - {"catalog"} <= set(found.json["looked_at"])


def test_modes_are_set_though_the_settings_are_broken(cli: Cli, root: Path) -> None:
    broken(root)
    settings(root).chmod(0o666)
    found = cli("doctor", "--offline", "--fix", "--json")
    assert [one["subject"] for one in found.json["mended"]] == [str(settings(root))] and found.json["not_mended"] == []
    assert settings(root).stat().st_mode & 0o777 == 0o644
    assert (found.code, {one["check"] for one in found.json["symptoms"]}) == (4, {"settings"})


def test_what_is_odd_about_the_role_is_told_once(cli: Cli, root: Path) -> None:
    settings(root).write_text("channel: beta\n")
    settings(root).chmod(0o666)
    found = cli("doctor", "--offline", "--fix", COCKPIT_MACHINE_ROLE="Admin")
    assert found.err.count("warning: ") == 1 and found.code == 0


def test_what_could_not_be_mended_is_told_with_the_reason_and_is_no_success(cli: Cli, root: Path) -> None:
    settings(root).write_text("channel: beta\n")
    assert cli("channel", "set", "latest").code == 0
    half = root / "var/cockpitpm/state/.x.json.new"
    half.parent.mkdir(exist_ok=True)
    half.write_text("{")
    assert cli("doctor", "--offline").code == 0, "half a write is merely worth knowing"
    broken(root)
    settings(root).chmod(0o666)
    told = cli("doctor", "--offline", "--fix")
    assert told.code == 4
    lines = told.out.splitlines()
    assert f"✓ modes  {settings(root)}: mended" in lines
    assert any(line.startswith(f"✗ leftovers  {half}: not mended: ") for line in lines)


def test_the_help_says_when_it_ends_how(cli: Cli) -> None:
    told = " ".join(cli("doctor", "--help").out.split())
    assert "Exit code 4 if something is wrong" in told and "left to mend" not in told
