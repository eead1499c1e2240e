"""What no test may touch: the real home, the real network, a socket outside the temporary folder.

One audit hook sees every such call of this process, whoever makes it, and raises with the name of what was touched.
The offence is kept as well, so that a broad `except` in the code under test cannot hide it.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import socket
import sys
import tempfile
from collections.abc import Callable, Iterable
from typing import Any

CHECKOUT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
LOOPBACK = ("localhost", "127.", "::1", "::ffff:127.")
INHERITED = "REAL_HOMES_OF_THE_TESTS"
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
PATH_ARGUMENTS = {
    "os.mkdir": (0,),
    "os.rmdir": (0,),
    "os.remove": (0,),
    "os.rename": (0, 1),
    "os.link": (1,),
    "os.symlink": (1,),
    "os.truncate": (0,),
    "os.chmod": (0,),
    "os.chown": (0,),
    "os.utime": (0,),
}


class Forbidden(AssertionError):
    """A test reached out of its own world."""


def real_homes() -> tuple[str, ...]:
    """The home that HOME names and the one that the password file names, unless that is the file system's root.

    A worker of pytest-xdist inherits the HOME that its parent made up, and what the parent found before that.
    """
    if "PYTEST_XDIST_WORKER" in os.environ:
        return tuple(home for home in os.environ[INHERITED].split(os.pathsep) if home)
    found = {os.path.realpath(os.path.expanduser("~"))}
    with contextlib.suppress(KeyError):  # a container may run us as a user that has no name
        found.add(os.path.realpath(pwd.getpwuid(os.getuid()).pw_dir))
    homes = tuple(sorted(found - {"/"}))
    os.environ[INHERITED] = os.pathsep.join(homes)
    return homes


def inside(path: str, folders: Iterable[str]) -> bool:
    """Whether the path is one of the folders or lies below one."""
    return any(path == folder or path.startswith(folder + "/") for folder in folders)


def is_loopback(host: object) -> bool:
    """Whether the host can only mean this machine; the empty host of a bind means every interface."""
    text = host.decode() if isinstance(host, bytes) else host
    return isinstance(text, str) and text.startswith(LOOPBACK)


class Guards:
    """The audit hook and what it caught since it was last asked."""

    def __init__(self, homes: tuple[str, ...]) -> None:
        self.homes = homes
        self.heroes = tuple(f"{home}/hero" for home in homes)
        self.temporary = tuple({os.path.realpath(tempfile.gettempdir()), "/tmp", "/dev/shm"})
        # The interpreter writes byte code beside its library, pytest and coverage write into the checkout.
        prefixes = {os.path.realpath(p) for p in (CHECKOUT, sys.prefix, sys.base_prefix)}
        self.workplaces = (*self.temporary, "/dev", *prefixes)
        self.offences: list[str] = []
        self._checks: dict[str, Callable[[tuple[Any, ...]], None]] = {
            "open": self._open,
            "cockpitpm.beneath": self._folder,
            "os.listdir": self._list,
            "os.scandir": self._list,
            "socket.connect": self._address,
            "socket.bind": self._address,
            "socket.sendto": self._address,
            "socket.sendmsg": self._address,
            "socket.getaddrinfo": self._lookup,
            "socket.gethostbyname": self._lookup,
            **{event: self._writer(places) for event, places in PATH_ARGUMENTS.items()},
        }

    def install(self) -> None:
        """Watch this process from now to its end; an audit hook cannot be taken back."""
        sys.addaudithook(self._hear)

    def take(self) -> list[str]:
        """The offences since the last call."""
        taken, self.offences = self.offences, []
        return taken

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        check = self._checks.get(event)
        if check is not None:
            check(arguments)

    def _refuse(self, what: str) -> None:
        self.offences.append(what)
        raise Forbidden(f"a test must not {what}")

    def _resolved(self, path: object) -> str | None:
        if not isinstance(path, str | bytes | os.PathLike):
            return None
        absolute = os.path.abspath(os.fsdecode(path))
        return os.path.join(os.path.realpath(os.path.dirname(absolute)), os.path.basename(absolute))

    def _open(self, arguments: tuple[Any, ...]) -> None:
        path, _, flags = arguments
        if flags & WRITES:
            self._write(path)
        else:
            self._read(path)

    def _list(self, arguments: tuple[Any, ...]) -> None:
        self._read(arguments[0])

    def _folder(self, arguments: tuple[Any, ...]) -> None:
        """The package goes from folder to folder, where the other events see single names; roots are no real homes."""
        self._write(arguments[0])

    def _read(self, path: object) -> None:
        resolved = self._resolved(path)
        if resolved is not None and inside(resolved, self.heroes):
            self._refuse(f"read the real machine: {resolved}")

    def _write(self, path: object) -> None:
        resolved = self._resolved(path)
        if resolved is None or not inside(resolved, self.homes):
            return
        if inside(resolved, self.heroes) or not inside(resolved, self.workplaces):
            self._refuse(f"write into the real home: {resolved}")

    def _writer(self, places: tuple[int, ...]) -> Callable[[tuple[Any, ...]], None]:
        def check(arguments: tuple[Any, ...]) -> None:
            for place in places:
                self._write(arguments[place])

        return check

    def _address(self, arguments: tuple[Any, ...]) -> None:
        endpoint, address = arguments[0], arguments[1]
        if endpoint.family == socket.AF_UNIX:
            self._unix(address)
        elif endpoint.family in (socket.AF_INET, socket.AF_INET6) and address and not is_loopback(address[0]):
            self._refuse(f"use the real network: {address[0]!r} port {address[1]}")

    def _unix(self, address: object) -> None:
        resolved = None if not address or address[:1] in ("\0", b"\0") else self._resolved(address)  # type: ignore[index]
        if resolved is not None and not inside(resolved, (*self.temporary, CHECKOUT)):
            self._refuse(f"use a socket of somebody else: {resolved}")

    def _lookup(self, arguments: tuple[Any, ...]) -> None:
        if arguments[0] is not None and not is_loopback(arguments[0]):
            self._refuse(f"look up a name: {arguments[0]!r}")
