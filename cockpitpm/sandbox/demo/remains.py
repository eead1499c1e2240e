"""What a machine has on this computer, found without any record of it; and how all of it goes.

Only processes that the machine itself started count: somebody's shell or editor in its folder is left alone.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path

from attrs import frozen

from cockpitpm.clock import SystemClock
from cockpitpm.errors import CockpitPmError
from cockpitpm.processes import LinuxProcesses
from cockpitpm.record.layout import Layout
from cockpitpm.supervisors.supervisord import Supervisord

MARK = "COCKPITPM_DEMO"
"""The variable by which the commands of a demo are known; its value is the root."""

CARD = "demo.json"
"""The file in the root that says which process serves the machine."""

SUPERVISORD = b"supervisor.supervisord"


@frozen(kw_only=True)
class Remains:
    """What is left of a machine."""

    processes: tuple[int, ...]
    sockets: tuple[str, ...]
    folder: bool

    @property
    def nothing(self) -> bool:
        """Whether that is nothing."""
        return not (self.processes or self.sockets or self.folder)

    def __str__(self) -> str:
        folder = "folder still there" if self.folder else "folder gone"
        return f"{len(self.processes)} processes left, {len(self.sockets)} sockets, {folder}"


def remains(root: Path) -> Remains:
    """Look."""
    return Remains(processes=processes(root), sockets=sockets(root), folder=root.exists())


def clear(root: Path) -> None:
    """End everything of the machine and remove its folder: commands first, so that they start nothing anew."""
    _kill_all(lambda: commands(root))
    for machine in machines(root):
        with contextlib.suppress(CockpitPmError, OSError):
            Supervisord(Layout(machine).supervisor, LinuxProcesses(), SystemClock(), {}).shutdown()
    _kill_all(lambda: processes(root))
    for _ in range(3):
        shutil.rmtree(root, ignore_errors=True)


def machines(root: Path) -> tuple[Path, ...]:
    """The roots of machines that were ever started there: the folder itself, or folders in it."""
    return tuple(path for path in (root, *sorted(root.glob("*"))) if Layout(path).supervisor.is_dir())


def processes(root: Path) -> tuple[int, ...]:
    """Its commands, its supervisord, its services and whatever those started."""
    return tuple(pid for pid in _living() if _is_command(pid, root) or _is_supervised(pid, root))


def commands(root: Path) -> tuple[int, ...]:
    """The commands that a demo runs on it right now."""
    return tuple(pid for pid in _living() if _is_command(pid, root))


def sockets(root: Path) -> tuple[str, ...]:
    """The unix sockets that are open below its root, also where the file is gone."""
    try:
        table = Path("/proc/net/unix").read_bytes()
    except OSError:  # a kernel that does not tell
        return ()
    paths = {line.split(maxsplit=7)[-1] for line in table.splitlines()}
    return tuple(sorted(os.fsdecode(path) for path in paths if path.startswith(_below(root))))


def _is_command(pid: int, root: Path) -> bool:
    return os.fsencode(f"{MARK}={root}") in _words(pid, "environ")


def _below(root: Path, mark: str = "") -> tuple[bytes, ...]:
    """How every path below the root begins, by the name that was given and by the one without links."""
    return tuple(os.fsencode(f"{mark}{name}/") for name in (root, root.resolve()))


def _is_supervised(pid: int, root: Path) -> bool:
    line = _words(pid, "cmdline")
    if SUPERVISORD in line and any(word.startswith(_below(root)) for word in line):
        return True
    marks = _below(root, "SUPERVISOR_SERVER_URL=unix://")
    return any(word.startswith(marks) for word in _words(pid, "environ"))


def _living() -> tuple[int, ...]:
    return tuple(int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdecimal())


def _words(pid: int, kind: str) -> list[bytes]:
    """A file of /proc; nothing for a process that ended or is somebody else's."""
    try:
        return Path(f"/proc/{pid}/{kind}").read_bytes().split(b"\0")
    except OSError:
        return []


def _kill_all(find: Callable[[], tuple[int, ...]], within: float = 5.0) -> None:
    """Kill until none is found any more: a process may be between its birth and its own name."""
    deadline = time.monotonic() + within
    while (found := find()) and time.monotonic() < deadline:
        for pid in found:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.02)
