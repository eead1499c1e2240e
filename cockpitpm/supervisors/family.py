"""Which living processes belong to a service of one supervisord, and how to end them.

supervisord forgets a process group as soon as its leader is gone, and forgets everything when it is killed itself.
Its children, and theirs, keep two variables in their environment that name the socket of the supervisord and the
service: they tell us whose a process is without any record of our own that could be out of date.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from attrs import frozen

from cockpitpm.errors import SupervisorError
from cockpitpm.ports import Clock

_AFTER_KILL = 5.0  # seconds; a process that survives SIGKILL longer hangs in the kernel


@frozen(kw_only=True)
class Member:
    """One living process: who it is and what it belongs to."""

    pid: int
    group: int
    session: int


class Families:
    """The processes of every service that the supervisord on `socket` ever started, on this machine."""

    def __init__(self, socket: Path, clock: Clock) -> None:
        self._mark = f"SUPERVISOR_SERVER_URL=unix://{socket}".encode()
        self._clock = clock

    def groups(self, session: int | None = None) -> Mapping[str, frozenset[int]]:
        """The process groups of each service; with `session`, only of that session, which is much cheaper.

        A process that opened a session of its own (a terminal, a detached job) has left the service, with all
        that it started there. What is in the session of a supervisord is its own, also if the machine was moved
        since and the socket had another path when it was started.
        """
        members = tuple(living())
        found: dict[str, set[int]] = {}
        for member in members:
            if session is None or member.session == session:
                service = self._service(member.pid, anywhere=session is not None)
                if service and not self._service(member.session, anywhere=session is not None):
                    found.setdefault(service, set()).add(member.group)
        return {service: frozenset(groups) for service, groups in found.items()}

    def finish(self, groups: Collection[int], grace: float) -> None:
        """Wait `grace` seconds for the groups to end, then kill what is left; return once nothing of them lives.

        Raises SupervisorError for a process that survives SIGKILL.
        """
        if self._ended(groups, grace):
            return
        send(groups, signal.SIGKILL)
        if not self._ended(groups, _AFTER_KILL):
            pids = ", ".join(str(member.pid) for member in living() if member.group in groups)
            raise SupervisorError(f"process {pids} does not die", "It hangs in the kernel: look at its disk or network")

    def _ended(self, groups: Collection[int], seconds: float) -> bool:
        deadline = self._clock.monotonic() + seconds
        pause = 0.001
        while exist(groups):
            if self._clock.monotonic() >= deadline:
                return False
            self._clock.sleep(pause)
            pause = min(pause * 2, 0.02)
        return True

    def _service(self, pid: int, *, anywhere: bool) -> str:
        """The service this process was started for, empty if it is none of ours; `anywhere`: whatever its socket."""
        variables = _read(f"/proc/{pid}/environ").split(b"\0")
        if not anywhere and self._mark not in variables:
            return ""
        names = (v.partition(b"=")[2] for v in variables if v.startswith(b"SUPERVISOR_PROCESS_NAME="))
        return next(names, b"").decode(errors="replace")


def living() -> Iterator[Member]:
    """Every process of the machine that is not a zombie."""
    for name in os.listdir("/proc"):  # noqa: PTH208
        if not name.isdecimal():
            continue
        fields = _read(f"/proc/{name}/stat").rpartition(b")")[2].split()
        if fields and fields[0] not in (b"Z", b"X", b"x"):
            yield Member(pid=int(name), group=int(fields[2]), session=int(fields[3]))


def exist(groups: Collection[int]) -> bool:
    """Whether any process of the groups lives. The kernel counts zombies as members, we do not."""
    held = {group for group in groups if _send(group, 0)}
    return bool(held) and any(member.group in held for member in living())


def send(groups: Collection[int], number: int) -> None:
    """Send a signal to every process of the groups; one that ended meanwhile is no error."""
    for group in groups:
        _send(group, number)


def _send(group: int, number: int) -> bool:
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - read for every process of the machine
            return file.read()
    except OSError:
        return b""
