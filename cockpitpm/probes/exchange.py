"""One HTTP request and its answer, over loopback TCP or a unix socket."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING

from attrs import frozen

from cockpitpm.model.service import ProbeTarget
from cockpitpm.probes.connection import Garbled, connect, listener

if TYPE_CHECKING:
    import socket

BODY_LIMIT = 64 * 1024


@frozen(kw_only=True)
class Answer:
    """Status line and body, the body cut after 64 KiB; and who gave them, as `connection.listener` tells."""

    status: int
    phrase: str
    body: bytes
    listener: int | None = None
    where: str = ""


def exchange(target: ProbeTarget, method: str, path: str, body: bytes | None, timeout: float) -> Answer:
    """Ask once; the whole exchange takes at most `timeout` seconds, the connection not counted.

    Raises OSError if no answer came, Garbled if what came is not HTTP.
    """
    plug = connect(target, timeout)
    too_late = threading.Event()
    guard = threading.Timer(timeout, _hang_up, (plug, too_late))  # a server may send one byte a second for ever
    guard.daemon = True
    guard.start()
    try:
        return _ask(plug, method, path, body)
    except (OSError, Garbled) as error:
        if too_late.is_set():
            raise TimeoutError from error
        raise
    finally:
        guard.cancel()
        plug.close()


def _ask(plug: socket.socket, method: str, path: str, body: bytes | None) -> Answer:
    from http.client import HTTPConnection, HTTPException  # costs 10 ms, and most runs of cockpitpm probe nothing

    connection = HTTPConnection("localhost")
    connection.sock = plug
    pid, where = listener(plug)
    headers = {"Connection": "close", "Content-Type": "application/json"}
    try:
        connection.request(method, path, body, headers)
        with connection.getresponse() as response:
            said = response.read(BODY_LIMIT)
            return Answer(status=response.status, phrase=response.reason, body=said, listener=pid, where=where)
    except ConnectionError:  # also what http.client says when nothing came at all
        raise
    except (HTTPException, ValueError) as error:
        raise Garbled from error


def _hang_up(plug: socket.socket, too_late: threading.Event) -> None:
    """Make a blocked read return; the descriptor stays with its owner."""
    too_late.set()
    with contextlib.suppress(OSError):
        plug.shutdown(2)
