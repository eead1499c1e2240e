"""Ends a request whose peer keeps a connection alive without ever finishing: headers that trickle, endless chunks.

A socket timeout only limits the silence between two bytes, so one byte now and then would hold a thread for ever.
"""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from types import TracebackType
from typing import Self

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.response import HTTPResponse

_here = threading.local()


class Watch:
    """While entered, requests of this thread have their socket shut down after `seconds`."""

    def __init__(self, seconds: float) -> None:
        self._seconds = max(seconds, 0.001)
        self._timer: threading.Timer | None = None

    def __enter__(self) -> Self:
        _here.watch = self
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        _here.watch = None
        self._end()

    def guard(self, sock: socket.socket) -> None:
        """Begin to count for this socket."""
        self._end()
        self._timer = threading.Timer(self._seconds, _cut, (sock,))
        self._timer.daemon = True
        self._timer.start()

    def _end(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _cut(sock: socket.socket) -> None:
    # The plain method, even for TLS: `SSLSocket.shutdown` would drop the TLS state under a reader's feet.
    with suppress(OSError):
        socket.socket.shutdown(sock, socket.SHUT_RDWR)


def _guard(sock: object) -> None:
    watch: Watch | None = getattr(_here, "watch", None)
    if watch is not None and isinstance(sock, socket.socket):
        watch.guard(sock)


class _Plain(HTTPConnection):
    def getresponse(self) -> HTTPResponse:  # type: ignore[override]  # as urllib3 itself has it
        _guard(self.sock)
        return super().getresponse()


class _Secure(HTTPSConnection):
    def getresponse(self) -> HTTPResponse:  # type: ignore[override]  # as urllib3 itself has it
        _guard(self.sock)
        return super().getresponse()


class _PlainPool(urllib3.HTTPConnectionPool):
    ConnectionCls = _Plain


class _SecurePool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _Secure


def pool_manager(connections: int) -> urllib3.PoolManager:
    """A pool of watched connections, `connections` kept per host; no proxy, no retries, no redirects of its own."""
    manager = urllib3.PoolManager(num_pools=8, maxsize=connections, retries=False)
    manager.pool_classes_by_scheme = {"http": _PlainPool, "https": _SecurePool}
    return manager
