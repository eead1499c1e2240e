"""`secret`, `register` and `explain SERVICE VAR` at the command line."""

from __future__ import annotations

import io
import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.acceptance.scene import Scene
from tests.unit.cli.conftest import Cli

CANARY = "canary-5e1d"
SERVED = ["hero_cockpit_server.conf", "hero_cockpit_web.conf"]
"""The services that declare the role."""
Say = Callable[[str], None]


@pytest.fixture
def say(monkeypatch: pytest.MonkeyPatch) -> Say:
    """What comes by standard input."""

    def write(text: str) -> None:
        monkeypatch.setattr(sys, "stdin", io.StringIO(text))

    return write


def test_a_value_goes_in_by_stdin_and_out_by_get_alone(cli: Cli, say: Say, root: Path) -> None:
    say(f"{CANARY}\n")
    told = cli("secret", "set", "--context", "cockpit", "API_TOKEN")
    assert (told.code, told.out, told.err) == (0, "✓ cockpit/API_TOKEN is set\n", "")
    assert (root / "cfg/cockpitpm/secrets/cockpit/API_TOKEN").read_text() == CANARY
    asked = ["secret", "get", "API_TOKEN", "--context", "cockpit"]
    assert (cli(*asked).out, cli(*asked).err) == (f"{CANARY}\n", "")
    assert cli(*asked, "--json").json == {"context": "cockpit", "key": "API_TOKEN", "value": CANARY}


@pytest.mark.parametrize("value", [[CANARY], [CANARY, "x"], [f"--{CANARY}"], [f"-{CANARY}"]])
def test_a_value_in_the_arguments_is_refused_and_not_repeated(cli: Cli, root: Path, value: list[str]) -> None:
    told = cli("secret", "set", "--context", "cockpit", "API_TOKEN", *value)
    assert told.code == 2
    assert "can be read by everybody" in told.err and "<file" in told.err
    assert CANARY not in told.out + told.err
    assert not (root / "cfg").exists() and not (root / "var").exists()


@pytest.mark.parametrize("text", ["", "\n", "a\0b"])
def test_nothing_is_no_value(cli: Cli, say: Say, root: Path, text: str) -> None:
    say(text)
    told = cli("secret", "set", "--context", "core", "A")
    assert (told.code, "at least one byte" in told.err) == (2, True)
    assert not (root / "cfg/cockpitpm/secrets/core/A").exists()


def test_bytes_that_are_no_text_are_told_without_them(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"\xff" + CANARY.encode()), encoding="utf-8"))
    told = cli("secret", "set", "--context", "core", "A")
    assert (told.code, "not text" in told.err, CANARY in told.err) == (2, True, False)


def test_a_closed_stdin_is_no_value(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    assert cli("secret", "set", "--context", "core", "A").code == 2


def test_a_bad_name_is_told_before_the_value_is_read(cli: Cli, say: Say) -> None:
    say(CANARY)
    assert cli("secret", "set", "--context", "core", "a").code == 2
    assert sys.stdin.read() == CANARY


def test_a_context_has_to_be_said(cli: Cli) -> None:
    for verb in ("set", "get", "unset"):
        told = cli("secret", verb, "A")
        assert (told.code, "--context" in told.err) == (2, True)


def test_listing_and_forgetting(cli: Cli, say: Say, root: Path) -> None:
    assert cli("secret", "list").out == "There are no secrets.\n"
    for context in ("core", "cockpit"):
        say(CANARY)
        cli("secret", "set", "--context", context, "A")
    os.utime(root / "cfg/cockpitpm/secrets/core/A", (0, 0))
    every = cli("secret", "list")
    assert [line.split()[:2] for line in every.out.splitlines()] == [
        ["context", "name"],
        ["cockpit", "A"],
        ["core", "A"],
    ]
    assert every.out.splitlines()[2].endswith(" d") and CANARY not in every.out
    (one,) = cli("secret", "list", "--context", "core", "--json").json["secrets"]
    assert (one["context"], one["key"], one["set_at"]) == ("core", "A", "1970-01-01T00:00:00Z")
    assert cli("secret", "unset", "--context", "core", "A").out == "✓ core/A is forgotten\n"
    assert cli("secret", "unset", "--context", "core", "A").code == 4
    assert cli("secret", "get", "--context", "core", "A").code == 4
    assert cli("secret", "unset", "--context", "cockpit", "A", "--json").json == {
        "context": "cockpit",
        "key": "A",
        "services": [],
    }


def test_no_other_verb_shows_it(
    cli: Cli, say: Say, tools: Path, publish: Callable[[str, str], None], root: Path
) -> None:
    publish("spanner", "a")
    for context in ("core", "spanner", "cockpit"):
        for key in ("FORGE_TOKEN", "COCKPIT_MACHINE_ROLE"):
            say(CANARY)
            cli("secret", "set", "--context", context, key)
    lines = (
        ("plan", "spanner"),
        ("install", "spanner", "--yes"),
        ("upgrade", "--all", "--yes"),
        ("converge",),
        ("explain", "spanner"),
        *((verb,) for verb in ("status", "receipts", "history", "recover", "catalog")),
    )
    for line in lines:
        for form in ((), ("--json",)):
            told = cli(*line, "--bundles", tools, *form)
            assert told.code != 1 and CANARY not in told.out + told.err, line
    shown = cli("explain", "hero_cockpit_server", "COCKPIT_MACHINE_ROLE")
    assert shown.code == 0 and CANARY not in shown.out
    holding = {str(p.relative_to(root)) for p in root.rglob("*") if p.is_file() and CANARY.encode() in p.read_bytes()}
    assert len(holding) == 6 and all(name.startswith("cfg/cockpitpm/secrets/") for name in holding)


def test_explain_a_variable(cli: Cli, say: Say, root: Path) -> None:
    asked = ("explain", "hero_cockpit_server", "COCKPIT_MACHINE_ROLE")
    assert cli(*asked).out.splitlines()[2].split() == ["→", "the", "bundle's", "default", "tester"]
    say("admin")
    cli("secret", "set", "--context", "cockpit", "COCKPIT_MACHINE_ROLE")
    lines = cli(*asked).out.splitlines()
    assert lines[2].split() == ["→", "the", "secret", "cockpit/COCKPIT_MACHINE_ROLE", "(secret)"]
    assert lines[3].split() == ["the", "bundle's", "default", "tester"]
    tree = cli(*asked, "--json").json
    assert (tree["winner"]["source"], tree["winner"]["value"]) == ("secret", "(secret)")
    assert cli("explain", "hero_cockpit_server", "OTHER").code == 5
    assert cli("explain", "hero_cockpit", "COCKPIT_MACHINE_ROLE").code == 5


def test_register_needs_an_installed_app(cli: Cli, root: Path) -> None:
    told = cli("register", "hero_cockpit_server", COCKPIT_MACHINE_ROLE="admin")
    assert (told.code, "not installed" in told.err) == (5, True)
    assert not (root / "var").exists()


def test_an_app_without_services_has_nothing_to_register(
    cli: Cli, tools: Path, publish: Callable[[str, str], None]
) -> None:
    publish("spanner", "a")
    assert cli("install", "spanner", "--yes", "--bundles", tools).code == 0
    assert cli("register", "spanner", "--bundles", tools).code == 5


def test_a_person_types_it_unseen(root: Path) -> None:
    screen, terminal = pty.openpty()
    command = [sys.executable, "-m", "cockpitpm", "secret", "set", "--context", "core", "A", "--root", str(root)]
    with subprocess.Popen(command, stdin=terminal, stdout=terminal, stderr=terminal, start_new_session=True) as child:
        os.close(terminal)
        seen = b""
        while b"not shown" not in seen:
            seen += os.read(screen, 1000)
        os.write(screen, f"{CANARY}\n".encode())
        while b"is set" not in seen:
            seen += os.read(screen, 1000)
        assert child.wait(10) == 0
    os.close(screen)
    assert CANARY.encode() not in seen
    assert (root / "cfg/cockpitpm/secrets/core/A").read_text() == CANARY


@pytest.mark.real
def test_on_a_real_machine_nothing_is_lost_and_nothing_leaks(root: Path) -> None:
    role, service = "COCKPIT_MACHINE_ROLE", "hero_cockpit_server"
    with Scene(root) as scene:
        scene.install("hero_cockpit")
        secret = scene.command("secret", "set", "--context", "cockpit", role)
        environ = {**scene.environment(), role: "exported"}
        told = [subprocess.run(scene.command("register", service), env=environ, capture_output=True, text=True)]
        assert f"{service} keeps {role}" in told[0].stdout
        assert given(scene, service)[role] == "exported"
        told += [subprocess.run(secret, env=scene.environment(), input=CANARY, capture_output=True, text=True)]
        assert f"cockpitpm register {service}" in told[1].stdout
        told += [scene.cli("register", "hero_cockpit"), scene.cli("register", service, "--json")]
        assert json.loads(told[3].stdout)["exported"] == {service: [role]}
        assert given(scene, service)[role] == CANARY
        told += [scene.cli("explain", service, role), scene.cli("status"), scene.cli("history", "--json")]
        holding = {
            p for p in scene.root.rglob("*") if p.is_file() and not p.is_symlink() and CANARY.encode() in p.read_bytes()
        }
        modes = [p.stat().st_mode for p in holding]
        told += [scene.cli("secret", "unset", "--context", "cockpit", role), scene.cli("register", "hero_cockpit")]
        assert given(scene, service)[role] == "exported"
    assert not any(mode & 0o077 for mode in modes)
    assert [one.returncode for one in told] == [0] * len(told)
    assert not any(CANARY in one.stdout + one.stderr for one in told)
    assert sorted(p.name for p in holding) == [role, *SERVED], holding


def given(scene: Scene, service: str) -> dict[str, str]:
    """The environment of the process that runs."""
    pid = scene.pids("hero_cockpit")[service]
    pairs = Path(f"/proc/{pid}/environ").read_text().split("\0")
    return dict(pair.split("=", 1) for pair in pairs if pair)
