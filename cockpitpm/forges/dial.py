"""Makes a connection: looks the name up, judges each address by `Reach`, and never takes longer than allowed."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Sequence
from ipaddress import ip_address
from typing import Any, Final

from cockpitpm.forges.reach import Reach, literal

MOST: Final = 8
"""Addresses of one name that are tried."""


def connected(
    reach: Reach, host: str, port: int, seconds: float, options: Sequence[Any], made: Callable[[socket.socket], None]
) -> socket.socket:
    """A connected socket. `made` gets it before it connects.

    Raises socket.gaierror, TimeoutError, OSError, or ForgeError for an address where the host has no business.
    """
    end, host = time.monotonic() + seconds, host.strip("[]")
    addresses = _addresses(reach, host, port, seconds)
    for address in addresses:
        reach.admit(host, port, address)
    failed: OSError = socket.gaierror(socket.EAI_NONAME, "no address")
    for number, address in enumerate(addresses):
        # One address that swallows every packet must leave time for the next.
        share = (end - time.monotonic()) / (len(addresses) - number)
        try:
            return _one(address, port, max(share, 0.001), options, made)
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


def _addresses(reach: Reach, host: str, port: int, seconds: float) -> list[str]:
    """What the name leads to. The system's look-up knows no time limit, so it is left behind when it takes too long."""
    if literal(host):
        return [host]
    found: list[str] = []
    failed: list[OSError] = []

    def ask() -> None:
        try:
            found.extend(list(reach.resolve(host, port))[:MOST])
        except (OSError, UnicodeError) as error:
            failed.append(error if isinstance(error, OSError) else socket.gaierror(socket.EAI_NONAME, "not a name"))

    thread = threading.Thread(target=ask, name="look-up", daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        raise TimeoutError("the name server is silent")
    if failed:
        raise failed[0]
    return found
