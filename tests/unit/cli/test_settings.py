"""`role` and `channel`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.cli.conftest import Cli

ODD = [" admin", "Admin", "ADMIN", "root", "", "admin ", "admin\n"]


@pytest.mark.parametrize("word", ODD, ids=repr)
def test_a_word_that_is_not_exactly_admin_means_tester(cli: Cli, word: str) -> None:
    result = cli("explain", "role", "--json", COCKPIT_MACHINE_ROLE=word)
    assert result.json["role"] == "tester"
    assert result.json["decided_by"] == "COCKPIT_MACHINE_ROLE"
    assert "warning: " in result.err and result.err.count("\n") == 1
    assert len(cli("catalog", "--json", COCKPIT_MACHINE_ROLE=word).json["apps"]) == 17


@pytest.mark.parametrize("word", ["tester", "member"])
def test_both_words_for_tester_are_taken_without_a_warning(cli: Cli, word: str) -> None:
    result = cli("role", COCKPIT_MACHINE_ROLE=word)
    assert (result.out.split()[0], result.err) == ("tester", "")


def test_admin_in_the_environment(cli: Cli) -> None:
    result = cli("explain", "role", "--json", COCKPIT_MACHINE_ROLE="admin").json
    assert (result["role"], result["decided_by"]) == ("admin", "COCKPIT_MACHINE_ROLE")


def test_the_stored_role_decides_over_the_environment(cli: Cli, root: Path) -> None:
    assert cli("role", "set", "member").code == 0
    assert (root / "cfg/cockpitpm/machine.yaml").read_text() == "role: tester\n"
    shown = cli("explain", "role", COCKPIT_MACHINE_ROLE="admin").out
    assert "This machine is a tester" in shown
    winner = next(line for line in shown.splitlines() if "→" in line)
    assert "machine.yaml" in winner and "'tester'" in winner
    assert "COCKPIT_MACHINE_ROLE" in shown and "default" in shown


def test_the_levels_in_json(cli: Cli) -> None:
    levels = cli("explain", "role", "--role", "admin", "--json").json["levels"]
    assert [level["source"].rpartition("/")[2] for level in levels] == [
        "--role",
        "machine.yaml",
        "COCKPIT_MACHINE_ROLE",
        "default",
    ]
    assert [level["decides"] for level in levels] == [True, False, False, False]


def test_the_role_of_one_command_is_for_reading_verbs_only(cli: Cli) -> None:
    for words in (("catalog",), ("plan",), ("status",)):
        assert cli(*words, "--role", "admin").code == 0
    refused: tuple[tuple[str, ...], ...] = (
        ("install", "hero_db"),
        ("upgrade", "--all"),
        ("role", "set", "admin"),
        ("converge",),
    )
    for line in refused:
        assert cli(*line, "--role", "admin").code == 2


def test_setting_the_role_keeps_what_people_wrote(cli: Cli, root: Path) -> None:
    file = root / "cfg/cockpitpm/machine.yaml"
    file.parent.mkdir(parents=True)
    file.write_text("# ours\nchannel: beta  # for now\n")
    assert cli("role", "set", "admin", "--json").json == {"role": "admin", "file": str(file)}
    assert file.read_text() == "# ours\nchannel: beta  # for now\nrole: admin\n"


def test_channels(cli: Cli) -> None:
    assert cli("channel", "set", "beta").code == 0
    assert cli("channel", "set", "nightly", "hero_db_server").code == 0
    found = cli("channel", "show", "--json").json
    by_app = {one["app"]: one["channel"] for one in found["apps"]}
    assert (found["channel"], by_app["hero_db"], by_app["hero_os"]) == ("beta", "nightly", "beta")
    assert "channels.hero_db in machine.yaml" in cli("channel").out
    assert cli("channel", "unset", "hero_db").code == 0
    assert cli("channel", "show", "--json").json["apps"][7] == {
        "app": "hero_db",
        "channel": "beta",
        "decided_by": "the machine",
    }


def test_a_broken_settings_file_is_told_with_its_place(cli: Cli, root: Path) -> None:
    file = root / "cfg/cockpitpm/machine.yaml"
    file.parent.mkdir(parents=True)
    file.write_text("role: admin\nrule: x\n")
    for words in (("status",), ("role",), ("plan",), ("install", "hero_db"), ("channel", "set", "beta")):
        result = cli(*words)
        assert result.code == 4
        assert f"{file}:2:1" in result.err and result.err.count("\n") == 1
