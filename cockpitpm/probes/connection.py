"""Connections to a declared socket, and the short words for why there was none."""

from __future__ import annotations

import socket
import struct
from pathlib import Path

from attrs import frozen

from cockpitpm.model.bundle import Socket
from cockpitpm.model.service import ProbeTarget

_CREDENTIALS = struct.Struct("iII")


@frozen(kw_only=True)
class Undeclared(Exception):
    """The probe names a socket that the service does not have."""

    name: str


class Garbled(Exception):
    """What came does not follow the protocol."""


def asked_socket(target: ProbeTarget) -> Socket:
    """The socket that the probe names; the only one if it names none. Raises Undeclared."""
    wanted = target.probe.socket
    found = [s for s in target.sockets if s.name == wanted or (not wanted and len(target.sockets) == 1)]
    if not found:
        raise Undeclared(name=wanted)
    return found[0]


def connect(target: ProbeTarget, timeout: float) -> socket.socket:
    """Connect to the probe's socket on this machine. `timeout` seconds hold for every later step too.

    Raises OSError or Undeclared.
    """
    asked = asked_socket(target)
    if asked.port is not None:
        return socket.create_connection(("127.0.0.1", asked.port), timeout)
    plug = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    plug.settimeout(timeout)
    try:
        plug.connect(str(Path(target.socket_root, asked.path or "")))
    except BaseException:
        plug.close()
        raise
    return plug


def listener(plug: socket.socket) -> tuple[int | None, str]:
    """The process that listens at the other end of a connection to a unix socket, and the path; (None, "") elsewhere.

    A good answer of somebody else proves nothing about a service.
    """
    if plug.family is not socket.AF_UNIX:
        return None, ""
    told = plug.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    pid, _, _ = _CREDENTIALS.unpack(told)
    return pid or None, str(plug.getpeername())


def reason(error: Exception) -> str:
    """Few words for what went wrong, the same for every kind of probe."""
    match error:
        case Undeclared():
            return f"no socket is declared as {error.name!r}"
        case TimeoutError():
            return "no answer in time"
        case ConnectionRefusedError():
            return "connection refused"
        case FileNotFoundError():
            return "no such socket"
        case ConnectionError():
            return "connection lost"
        case OSError():
            return error.strerror or str(error) or type(error).__name__
        case _:
            return "the answer is not HTTP"
