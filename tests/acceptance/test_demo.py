"""The demo as its reader has it: its exit code, its last line, and that nothing is left however it ends."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cockpitpm.sandbox.demo import run_demo
from cockpitpm.sandbox.demo.remains import clear, remains
from tests.conftest import members

pytestmark = pytest.mark.real

COMMAND = [sys.executable, "-m", "cockpitpm", "demo"]
LAST = re.compile(r"0 processes left, 0 sockets, folder gone, \d+ s")
ROOT = re.compile(rb"PATH_ROOT=(/\S+?),")
ON_A_TERMINAL = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"
)
"""Takes standard input for its controlling terminal and becomes the command that follows."""


class Running:
    """One demo as a process; its output goes to a file, so it never waits for us."""

    def __init__(self, *words: str) -> None:
        self.output = os.memfd_create("demo")
        command = [*COMMAND, *words]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self.output, stderr=self.output)

    @property
    def text(self) -> bytes:
        return os.pread(self.output, 1 << 20, 0)

    @property
    def lines(self) -> list[str]:
        return self.text.decode().splitlines()

    @property
    def root(self) -> Path:
        wait(lambda: ROOT.search(self.text) is not None, 15)
        found = ROOT.search(self.text)
        assert found is not None
        return Path(os.fsdecode(found[1]))

    def until(self, words: bytes) -> None:
        wait(lambda: words in self.text or self.process.poll() is not None, 30)
        assert words in self.text, self.text.decode()


def wait(true: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not true() and time.monotonic() < deadline:
        time.sleep(0.05)


def nothing_left(root: Path) -> bool:
    """Asked in two ways: what the demo itself looks for, and whatever mentions its root."""
    return remains(root).nothing and not members(root)


@pytest.fixture
def demo() -> Iterator[Callable[..., Running]]:
    """Starts demos; a test that fails still leaves nothing behind."""
    started: list[Running] = []

    def start(*words: str) -> Running:
        started.append(Running(*words))
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            one.process.kill()
            one.process.wait()
        found = ROOT.search(one.text)
        if found:
            clear(Path(os.fsdecode(found[1])))
        os.close(one.output)


@pytest.mark.slow
def test_two_at_once_and_one_is_kept(demo: Callable[..., Running]) -> None:
    passing, staying = demo(), demo("--keep")
    assert passing.process.wait(90) == 0, passing.lines
    assert LAST.fullmatch(passing.lines[-1]), passing.lines[-5:]
    assert nothing_left(passing.root)
    assert passing.root != staying.root
    told = passing.text.decode()
    assert "17 apps for the role tester" in told and "21 apps for the role admin" in told
    assert "exit code 20: rolled back" in told and "\x1b" not in told and "✗" not in told

    assert staying.process.wait(90) == 0, staying.lines
    assert staying.lines[-1] == f"$ cockpitpm demo --stop {staying.root}"
    assert not remains(staying.root).nothing
    host = [sys.executable, "-m", "cockpitpm", "--root", str(staying.root)]
    status = json.loads(subprocess.run([*host, "status", "--json"], stdout=subprocess.PIPE, check=True).stdout)
    states = {s["state"] for app in status["apps"] if app["installed"] for s in app["services"]}
    assert states == {"running"}
    subprocess.run([*host, "plan", "hero_db", "--json"], stdout=subprocess.DEVNULL, check=True)  # its forge answers
    ended = subprocess.run([*COMMAND, "--stop", str(staying.root)], stdout=subprocess.PIPE, check=False)
    assert (ended.returncode, ended.stdout) == (0, b"0 processes left, 0 sockets, folder gone\n")
    assert nothing_left(staying.root)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=["asked", "killed"])
def test_it_takes_everything_along(demo: Callable[..., Running], number: signal.Signals) -> None:
    running = demo()
    running.until(b"hero_db_server is ready")
    assert len(remains(running.root).processes) >= 3, "a command, a supervisord, a service"
    running.process.send_signal(number)
    code = running.process.wait(20)
    if number is signal.SIGTERM:
        assert code == 130 and LAST.fullmatch(running.lines[-1]), running.lines[-5:]
    wait(lambda: nothing_left(running.root), 10)
    assert nothing_left(running.root), remains(running.root)


def test_it_dies_with_its_terminal() -> None:
    ours, theirs = os.openpty()
    python = [sys.executable, "-c", ON_A_TERMINAL]
    process = subprocess.Popen([*python, *COMMAND], stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True)
    os.close(theirs)
    text = b""
    while b"hero_db_server is ready" not in text.replace(b"\x1b[0m", b""):
        text += os.read(ours, 4096)
    found = ROOT.search(text)
    assert found is not None, text
    root = Path(os.fsdecode(found[1]))
    assert remains(root).processes and b"\x1b[1m" in text
    os.close(ours)
    try:
        assert process.wait(20) != 0
        wait(lambda: nothing_left(root), 10)
        assert nothing_left(root), remains(root)
    finally:
        process.kill()
        clear(root)


class Saboteur:
    """Listens to the story, and makes a tester's machine of it before the admin apps are installed."""

    def __init__(self) -> None:
        self.root = Path()
        self.failures: list[str] = []
        self.words: list[str] = []

    def scene(self, title: str, text: str) -> None:
        found = ROOT.search(text.encode())
        self.root = Path(os.fsdecode(found[1])) if found else self.root

    def command(self, text: str) -> None:
        if "install" in text:
            settings = self.root / "cfg/cockpitpm/machine.yaml"
            settings.write_text(settings.read_text().replace("role: admin", "role: tester"))

    def output(self, lines: list[str]) -> None: ...
    def ended(self, code: int) -> None: ...
    def held(self, claim: str) -> None: ...

    def failed(self, claim: str, found: str) -> None:
        self.failures.append(claim)

    def last(self, text: str) -> None:
        self.words.append(text)


def test_a_claim_that_does_not_hold_ends_it() -> None:
    listener = Saboteur()
    assert run_demo(listener, keep=False) == 1
    assert len(listener.failures) == 1 and "ends with exit code 0" in listener.failures[0]
    assert len(listener.words) == 1 and LAST.fullmatch(listener.words[0])
    assert nothing_left(listener.root)


def test_no_other_folder_can_be_stopped(root: Path) -> None:
    (root / "precious").write_text("kept")
    done = subprocess.run([*COMMAND, "--stop", str(root)], stderr=subprocess.PIPE, check=False)
    assert done.returncode == 2 and b"is no machine of a demo" in done.stderr
    assert (root / "precious").read_text() == "kept"


def test_a_kept_machine_whose_forge_has_died_can_still_be_stopped() -> None:
    folder = Path(tempfile.mkdtemp(prefix="cp", dir="/tmp"))
    try:
        (folder / "demo.json").write_text('{"pid": 1, "start_ticks": -1}')
        done = subprocess.run([*COMMAND, "--stop", str(folder)], stdout=subprocess.PIPE, check=False)
        assert done.returncode == 0 and not folder.exists()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
