"""Sockets: made ours alone, never taken from a server that lives, removed only while they are still ours."""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from shlex import quote

from attrs import frozen

from cockpitpm.errors import MachineError, UsageError
from cockpitpm.serve.peers import peer_of

LONGEST = 107
"""Bytes of a socket path that the kernel takes."""
BACKLOG = 512
LOOPBACK = {"127.0.0.1": socket.AF_INET, "localhost": socket.AF_INET, "::1": socket.AF_INET6}


@frozen
class Place:
    """A unix socket that we listen on, and which file it is."""

    path: Path
    socket: socket.socket
    file: tuple[int, int]


def listen(path: Path) -> Place:
    """Listen at a path, mode 0600. A file that a dead server left is replaced.

    Raises MachineError if a server lives there, or the path or its folder is not ours to use.
    """
    if len(os.fsencode(path)) > LONGEST:
        hint = "Set a shorter socket_root in machine.yaml"
        raise MachineError(f"The path of the socket is longer than {LONGEST} bytes: {path}", hint)
    try:
        with _alone(path.parent):
            _make_room(path)
            return _bound(path)
    except OSError as error:
        hint = "Run the command as the owner of the root"
        raise MachineError(f"Cannot listen on {path}: {error.strerror}", hint) from error


def leave(place: Place) -> None:
    """Stop listening. The file goes too, unless somebody has put another one in its place."""
    place.socket.close()
    with suppress(OSError), _alone(place.path.parent):
        if _file(place.path) == place.file:
            place.path.unlink()


def listen_tcp(where: str) -> socket.socket:
    """Listen on loopback, such as `127.0.0.1:8080`; port 0 is any. Raises UsageError, MachineError."""
    host, _, port = where.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if host not in LOOPBACK or not port.isdecimal() or int(port) > 65535:
        hint = "Use 127.0.0.1:PORT; a proxy of this machine may lead to it, or to the unix socket"
        raise UsageError(f"{where!r} is no address of loopback", hint)
    plug = socket.socket(LOOPBACK[host], socket.SOCK_STREAM)
    try:
        plug.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        plug.bind((host, int(port)))
        plug.listen(BACKLOG)
    except OSError as error:
        plug.close()
        raise MachineError(
            f"Cannot listen on {where}: {error.strerror}", "Choose another port, or 0 for any"
        ) from error
    return plug


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """The folder, ours, with no other server of ours coming or going there meanwhile."""
    if not folder.exists():
        folder.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        with suppress(FileExistsError):
            folder.mkdir(mode=0o700)
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        found = os.fstat(handle)
        if found.st_uid != os.geteuid() or found.st_mode & 0o022:
            hint = f"Make it yours alone: chmod 700 {quote(str(folder))}"
            raise MachineError(f"Others may change {folder}, so a socket there could be anybody's", hint)
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _make_room(path: Path) -> None:
    try:
        found = path.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(found.st_mode) or found.st_uid != os.geteuid():
        raise MachineError(f"{path} is not a socket of ours", f"Look at it and move it away: {path}")
    if (pid := _listener(path)) is not None:
        hint = f"Stop it first (kill {pid}), or let the supervisor run just one"
        raise MachineError(f"Process {pid} listens on {path} already", hint)
    path.unlink()


def _listener(path: Path) -> int | None:
    """The process that listens there, 0 for one that we cannot see; None if nobody does."""
    with socket.socket(socket.AF_UNIX) as plug:
        plug.settimeout(1.0)
        try:
            plug.connect(str(path))
        except (ConnectionRefusedError, FileNotFoundError):
            return None
        except OSError as error:
            if error.errno in (errno.EAGAIN, errno.ETIMEDOUT):
                raise MachineError(
                    f"Some process listens on {path} and takes no connection", "Stop it first"
                ) from error
            raise
        peer = peer_of(plug)
        return peer.pid if peer else 0


def _bound(path: Path) -> Place:
    plug = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        plug.bind(str(path))
    except OSError:
        plug.close()
        raise
    finally:
        os.umask(before)
    plug.listen(BACKLOG)
    return Place(path, plug, _file(path))


def _file(path: Path) -> tuple[int, int]:
    found = path.lstat()
    return found.st_dev, found.st_ino
