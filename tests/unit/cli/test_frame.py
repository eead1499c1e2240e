"""What holds for every verb: help, options, errors, start-up."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import termios
from collections.abc import Iterator, Mapping
from pathlib import Path

import click
import pytest

from cockpitpm import __version__
from cockpitpm.cli.entry import run
from cockpitpm.cli.verbs import VERBS, cockpitpm
from tests.unit.cli.conftest import Cli
from tests.waiting import until

CHECKOUT = Path(__file__).parents[3]


def spawn(root: Path, *arguments: str, python: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    env = {"PATH_ROOT": str(root), "HOME": str(root), "PATH": os.environ["PATH"], "PYTHONPATH": str(CHECKOUT)}
    command = [sys.executable, *python, "-m", "cockpitpm", *arguments]
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=60)


def every_command() -> Iterator[tuple[str, ...]]:
    context = click.Context(cockpitpm)
    for verb in VERBS:
        command = cockpitpm.get_command(context, verb)
        yield (verb,)
        if isinstance(command, click.Group):
            yield from ((verb, name) for name in command.commands)


@pytest.mark.parametrize("words", [*every_command()], ids=" ".join)
def test_every_help_has_an_example(cli: Cli, words: tuple[str, ...]) -> None:
    result = cli(*words, "--help")
    assert result.code == 0
    assert f"\n  cockpitpm {' '.join(words[:1])}" in result.out.partition("Examples:")[2]


def test_the_help_names_every_verb(cli: Cli) -> None:
    assert all(f"\n  {verb} " in cli("--help").out for verb in VERBS)


def test_the_version_is_told_without_importing_click(root: Path) -> None:
    told = spawn(root, "--version", python=("-X", "importtime"))
    assert told.stdout == f"cockpitpm {__version__}\n"
    assert "click" not in told.stderr and "attr" not in told.stderr


@pytest.mark.parametrize("verb", ["status", "receipts", "history", "catalog"])
def test_a_reading_verb_imports_no_library_it_does_not_need(root: Path, verb: str) -> None:
    told = spawn(root, verb, "--json", python=("-X", "importtime"))
    imported = {line.rpartition("|")[2].strip() for line in told.stderr.splitlines()}
    assert told.returncode == 0
    assert not {"rich", "urllib3", "jsonschema", "ruamel.yaml", "supervisor"} & imported


def test_options_may_stand_before_and_after_the_verb(cli: Cli, root: Path) -> None:
    before = cli("--root", root / "one", "role", "set", "admin", PATH_ROOT="/nonexistent")
    after = cli("role", "--root", root / "one", PATH_ROOT="/nonexistent")
    assert (before.code, after.code) == (0, 0)
    assert after.out.startswith("admin")


def test_the_root_is_a_folder_in_the_home_where_nothing_is_said(cli: Cli, root: Path) -> None:
    assert cli("role", "set", "admin", PATH_ROOT="").code == 0
    assert (root / "hero/cfg/cockpitpm/machine.yaml").read_text() == "role: admin\n"


@pytest.mark.parametrize(
    "words",
    [
        ("statsu",),
        ("status", "--nope"),
        ("install",),
        ("upgrade",),
        ("upgrade", "hero_db", "--all"),
        ("plan", "hero_db", "--all"),
        ("rollback", "hero_db", "--to", "0"),
        ("role", "set", "Admin"),
        ("channel", "unset"),
        ("catalog", "--role", "root"),
        ("status", "--root", ""),
    ],
    ids=" ".join,
)
def test_a_line_that_makes_no_sense_is_told_in_one_line(cli: Cli, words: tuple[str, ...]) -> None:
    result = cli(*words)
    assert result.code == 2
    assert result.out == ""
    assert result.err.startswith("cockpitpm: ") and result.err.count("\n") == 1


def test_a_line_without_a_verb_shows_the_help(cli: Cli) -> None:
    result = cli()
    assert result.code == 2 and "Examples:" in result.err


def test_a_mistyped_verb_is_guessed(cli: Cli) -> None:
    assert "did you mean status" in cli("statsu").err


class Broken(Mapping[str, str]):
    """An environment that fails when it is asked for the role."""

    def __init__(self, root: Path) -> None:
        self._known = {"PATH_ROOT": str(root)}

    def __getitem__(self, key: str) -> str:
        if key == "COCKPIT_MACHINE_ROLE":
            raise ZeroDivisionError("a bug")
        return self._known[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._known)

    def __len__(self) -> int:
        return len(self._known)


@pytest.mark.parametrize("made", [True, False], ids=["machine", "no machine"])
def test_a_bug_of_ours_leaves_a_file_and_no_traceback(
    root: Path, made: bool, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(root))
    if made:
        (root / "m/var/cockpitpm").mkdir(parents=True)
    assert run(["status"], Broken(root / "m")) == 1
    told = capsys.readouterr()
    assert "Traceback" not in told.out + told.err and told.err.count("\n") == 1
    file = Path(told.err.partition("Report ")[2].strip().removesuffix("."))
    assert file.parent == (root / "m/var/cockpitpm/crashes" if made else root)
    assert "ZeroDivisionError: a bug" in file.read_text()
    assert file.stat().st_mode & 0o777 == 0o600
    assert made or not (root / "m").exists()


def test_the_modes_of_what_is_made_do_not_depend_on_the_umask(root: Path) -> None:
    before = os.umask(0)
    try:
        assert spawn(root / "m", "role", "set", "admin").returncode == 0
    finally:
        os.umask(before)
    modes = {name: (root / "m" / name).stat().st_mode & 0o777 for name in (".", "var/cockpitpm", "cfg/cockpitpm")}
    assert modes["."] == 0o755 and modes["var/cockpitpm"] == 0o700
    assert not any(mode & 0o022 for mode in modes.values())


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_streams_that_the_caller_closed(root: Path, closed: str) -> None:
    env = {"PATH_ROOT": str(root), "HOME": str(root), "PYTHONPATH": str(CHECKOUT), "COCKPIT_MACHINE_ROLE": "root"}
    for words, code in (("status", 0), ("status hero_xx", 5), ("install", 2)):
        line = f"{sys.executable} -m cockpitpm {words} {closed}"
        ended = subprocess.run(["/bin/sh", "-c", line], env=env, capture_output=True, text=True, timeout=60)
        assert ended.returncode == code
        assert "Traceback" not in ended.stdout + ended.stderr


def test_a_reader_that_goes_away_is_no_error(root: Path) -> None:
    env = {"PATH_ROOT": str(root), "HOME": str(root), "PYTHONPATH": str(CHECKOUT)}
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-m", "cockpitpm", "catalog", "--json"]
    ended = subprocess.run(command, env=env, stdout=write, stderr=subprocess.PIPE, timeout=60)
    os.close(write)
    assert ended.returncode == 128 + signal.SIGPIPE
    assert ended.stderr == b""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_an_output_that_is_full_is_told(root: Path) -> None:
    env = {"PATH_ROOT": str(root), "HOME": str(root), "PYTHONPATH": str(CHECKOUT)}
    with open("/dev/full", "w") as full:
        command = [sys.executable, "-m", "cockpitpm", "catalog"]
        ended = subprocess.run(command, env=env, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60)
    assert ended.returncode == 4
    assert ended.stderr.startswith("cockpitpm: The output cannot be written") and ended.stderr.count("\n") == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signals_end_in_one_line(root: Path, number: signal.Signals) -> None:
    """The verb has read the beginning of a value, and waits for the rest, which nobody writes."""
    env = {"PATH_ROOT": str(root), "HOME": str(root), "PYTHONPATH": str(CHECKOUT)}
    words = [sys.executable, "-m", "cockpitpm", "secret", "set", "--context", "core", "KEY"]
    read, write = os.pipe()
    try:
        os.write(write, b"begun")
        with subprocess.Popen(words, env=env, text=True, stdin=read, stderr=subprocess.PIPE) as process:
            try:
                until(lambda: process.poll() is not None or unread(read) == 0, within=30)
                assert process.poll() is None
                process.send_signal(number)
                _, told = process.communicate(timeout=30)
            finally:
                process.kill()
    finally:
        os.close(read)
        os.close(write)
    assert process.returncode == 130
    assert told.startswith("cockpitpm: Interrupted.") and told.count("\n") == 1


def unread(pipe: int) -> int:
    """Bytes that wait in a pipe."""
    return int.from_bytes(fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)), sys.byteorder)
