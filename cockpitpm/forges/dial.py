"""Makes a connection: looks the name up, judges each address by `Reach`, and never takes longer than allowed."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Sequence
from ipaddress import ip_address
from typing import Any, Final

from cockpitpm.errors import ForgeError
from cockpitpm.forges.reach import Reach, literal

MOST: Final = 8
"""Addresses of one name that are tried."""


def connected(
    reach: Reach, host: str, port: int, seconds: float, options: Sequence[Any], made: Callable[[socket.socket], None]
) -> tuple[socket.socket, tuple[str, ...]]:
    """A connected socket, and all addresses that the name led to. `made` gets the socket before it connects.

    Raises socket.gaierror, TimeoutError, OSError, or ForgeError for an address where the host has no business.
    """
    end, host = time.monotonic() + seconds, host.strip("[]")
    addresses = _within(seconds, lambda: _admitted(reach, host, port))
    failed: OSError = socket.gaierror(socket.EAI_NONAME, "no address")
    for number, address in enumerate(addresses):
        # One address that swallows every packet must leave time for the next.
        share = (end - time.monotonic()) / (len(addresses) - number)
        try:
            return _one(address, port, max(share, 0.001), options, made), addresses
        except OSError as error:
            failed = error
    raise failed


def _one(
    address: str, port: int, seconds: float, options: Sequence[Any], made: Callable[[socket.socket], None]
) -> socket.socket:
    family = socket.AF_INET if ip_address(address).version == 4 else socket.AF_INET6
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        for option in options:
            sock.setsockopt(*option)
        sock.settimeout(seconds)
        made(sock)
        sock.connect((address, port))
    except BaseException:
        sock.close()
        raise
    return sock


def _admitted(reach: Reach, host: str, port: int) -> tuple[str, ...]:
    """What the name leads to, all of it where the host has business."""
    addresses = (host,) if literal(host) else tuple(reach.resolve(host, port))[:MOST]
    for address in addresses:
        reach.admit(host, port, address)
    return addresses


def _within(seconds: float, look_up: Callable[[], tuple[str, ...]]) -> tuple[str, ...]:
    """What it gives. The system's look-up knows no time limit, so it is left behind when it takes too long."""
    found: list[tuple[str, ...]] = []
    failed: list[OSError | ForgeError] = []

    def ask() -> None:
        try:
            found.append(look_up())
        except (OSError, ForgeError) as error:
            failed.append(error)
        except ValueError:
            failed.append(socket.gaierror(socket.EAI_NONAME, "not a name"))

    thread = threading.Thread(target=ask, name="look-up", daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        raise TimeoutError("the name server is silent")
    if failed:
        raise failed[0]
    return found[0]
