"""What a supervisord runs once when somebody else than we started it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cockpitpm.clock import SystemClock
from cockpitpm.errors import ExitCode, SupervisorError
from cockpitpm.model.service import Definition
from cockpitpm.processes import LinuxProcesses
from cockpitpm.supervisors import launch
from cockpitpm.supervisors.boot import Boot
from cockpitpm.supervisors.daemon import own_environment
from cockpitpm.supervisors.supervisord import Supervisord
from tests.contract.test_supervisor import NASTY
from tests.waiting import until


def told(folder: Path) -> dict[str, str]:
    lines = (folder / "boot.conf").read_text().splitlines()
    return dict(line.split(" = ") for line in lines if " = " in line)


def test_it_is_armed_and_disarmed(root: Path) -> None:
    boot = Boot(root, ("/p y", "recover"))
    boot.disarm()
    assert told(root)["autostart"] == "false"
    boot.arm()
    found = told(root)
    wanted = {"autostart": "true", "autorestart": "false", "startsecs": "0", "startretries": "0"}
    assert wanted.items() <= found.items() and found["command"] == f"/bin/sh {root}/boot.sh"
    assert "while '/p y' recover; [ $? = 23 ]; do sleep 1; done" in (root / "boot.sh").read_text()
    assert (root / "boot.sh").stat().st_mode & 0o777 == 0o600


def test_what_is_right_is_not_written_again(root: Path) -> None:
    boot = Boot(root, ("/p",))
    boot.arm()
    before = [(root / name).stat().st_ino for name in ("boot.conf", "boot.sh")]
    boot.arm()
    assert [(root / name).stat().st_ino for name in ("boot.conf", "boot.sh")] == before


def test_without_a_command_there_is_none(root: Path) -> None:
    Boot(root, ("/p",)).arm()
    Boot(root, ()).arm()
    assert list(root.iterdir()) == []


def test_a_disk_that_does_not_take_it(root: Path) -> None:
    with pytest.raises(SupervisorError, match=r"boot\.sh cannot be written: "):
        Boot(root / "nowhere", ("/p",)).arm()


class Started:
    """A supervisor whose command at boot writes a line, and says twice that somebody else is at work."""

    def __init__(self, root: Path) -> None:
        self.folder, self.lines = root / "s", root / "lines"
        script = f'echo boot >> {self.lines}; [ "$(wc -l < {self.lines})" -gt 2 ] || exit {int(ExitCode.LOCKED)}'
        command = ("/bin/sh", "-c", script)
        self.supervisor = Supervisord(
            self.folder, LinuxProcesses(), SystemClock(), {"HOME": str(root)}, recover=command, answer_within=10.0
        )

    def alone(self) -> None:
        """As an operating system starts it."""
        command = [sys.executable, "-I", "-m", "supervisor.supervisord", "-c", str(self.folder / "supervisord.conf")]
        subprocess.run(command, env=dict(own_environment()), timeout=20, check=True)


@pytest.fixture
def started(root: Path) -> Iterator[Started]:
    made = Started(root)
    yield made
    made.supervisor.shutdown()


@pytest.mark.real
def test_it_runs_only_when_the_machine_starts_the_supervisord(started: Started) -> None:
    started.supervisor.define(Definition(name="s", command=("/bin/sleep", "600"), env=(), directory="/"))
    started.supervisor.shutdown()
    started.supervisor.ensure_running()
    started.supervisor.shutdown()
    assert not started.lines.exists()
    started.alone()
    until(lambda: started.lines.exists() and started.lines.read_text() == "boot\n" * 3, 10)
    assert [status.name for status in started.supervisor.list()] == ["s"]
    started.supervisor.shutdown()
    assert started.lines.read_text() == "boot\n" * 3


@pytest.mark.real
def test_the_launcher_of_services_lies_with_the_supervisord(started: Started) -> None:
    """An upgrade of ours takes the folder away that we ran from."""
    started.supervisor.define(Definition(name="s", command=("/bin/echo", *NASTY), env=(), directory="/"))
    configuration = (started.folder / "conf.d/s.conf").read_text()
    assert f"{started.folder}/launch.py" in configuration and launch.__file__ not in configuration
    assert (started.folder / "launch.py").read_text() == Path(launch.__file__).read_text()
