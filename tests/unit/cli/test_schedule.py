"""`schedule`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.cli.conftest import Cli

Publish = Callable[[str, str], None]


@pytest.fixture
def spanner(cli: Cli, tools: Path, publish: Publish) -> Path:
    """Spanner is installed at build a, and build b was seen on its channel."""
    publish("spanner", "a")
    assert cli("install", "spanner", "--yes", "--bundles", tools).code == 0
    publish("spanner", "b")
    assert cli("status", "--refresh", "--bundles", tools).code == 0
    return tools


def test_nothing_is_installed(cli: Cli, tools: Path) -> None:
    assert "No app is installed" in cli("schedule", "--bundles", tools).out
    assert cli("schedule", "--json", "--bundles", tools).json == {"every": 3600, "zone": None, "apps": []}


def test_what_waits_for_somebody(cli: Cli, spanner: Path) -> None:
    result = cli("schedule", "--bundles", spanner)
    assert result.code == 0 and "aaaaaaa → bbbbbbb (latest) waits for you" in result.out


def test_what_waits_for_its_window(cli: Cli, spanner: Path) -> None:
    settings = [("window", "Sat 02:00..04:00"), ("zone", "Europe/Brussels"), ("jitter", "0m"), ("download", "on")]
    for key, value in settings:
        assert cli("schedule", "set", key, value, "--bundles", spanner).code == 0
    assert "✓ spanner has restart on" in cli("schedule", "set", "restart", "on", "spanner", "--bundles", spanner).out
    shown = cli("schedule", "show", "spanner", "--bundles", spanner).out
    assert "aaaaaaa → bbbbbbb (latest) waits for Sat 02:00 (window Sat 02:00..04:00)" in shown
    (app,) = cli("schedule", "--json", "--bundles", spanner).json["apps"]
    assert (app["app"], app["restart"], app["download"], app["jitter"]) == ("spanner", True, True, 0)
    assert app["window"] == "Sat 02:00..04:00" and app["next"]["turn"] == app["next"]["begin"]
    assert app["waits"] == "aaaaaaa → bbbbbbb (latest)" and app["bytes_here"] is False
    assert cli("hold", "spanner", "--reason", "the fair", "--bundles", spanner).code == 0
    assert "held" in cli("schedule", "--bundles", spanner).out
    assert cli("unhold", "spanner", "--bundles", spanner).code == 0
    unset = cli("schedule", "unset", "restart", "spanner", "--json", "--bundles", spanner).json
    assert (unset["key"], unset["value"], unset["name"]) == ("restart", None, "spanner")
    assert "waits for you" in cli("schedule", "--bundles", spanner).out


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("set", "restart", "on"), 4, "without a window"),
        (("set", "restart", "maybe"), 2, "either on or off"),
        (("set", "window", "sometimes"), 4, "is no window"),
        (("set", "zone", "Mars/Olympus"), 4, "knows no time zone"),
        (("set", "zone", "UTC", "spanner"), 2, "no key of an app"),
        (("set", "when", "now"), 2, "no key of the schedule"),
        (("set", "notice", "off", "nobody"), 5, "nobody"),
        (("show", "nobody"), 5, "nobody"),
    ],
)
def test_what_cannot_be_meant_changes_nothing(
    cli: Cli, spanner: Path, root: Path, words: tuple[str, ...], code: int, told: str
) -> None:
    before = (root / "cfg/cockpitpm/machine.yaml").read_text()
    result = cli("schedule", *words, "--bundles", spanner)
    assert result.code == code and told in result.err
    assert (root / "cfg/cockpitpm/machine.yaml").read_text() == before
