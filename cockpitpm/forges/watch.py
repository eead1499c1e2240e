"""Ends a request whose peer keeps a connection alive without ever finishing: headers that trickle, endless chunks.

A socket timeout only limits the silence between two bytes, so one byte now and then would hold a thread for ever.
"""

from __future__ import annotations

import math
import os
import socket
import threading
import time
from contextlib import suppress
from types import TracebackType
from typing import Final, Self

import urllib3
from urllib3 import exceptions as foreign
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.response import HTTPResponse

from cockpitpm.forges.dial import connected
from cockpitpm.forges.reach import Reach

_UNLIMITED: Final = 60.0
_here = threading.local()


class Watch:
    """While entered, requests of this thread go where `reach` allows, and have their socket shut down after `seconds`,
    or when a step takes longer than it may (`within`). `late` tells then what took too long."""

    def __init__(self, seconds: float, reach: Reach | None = None) -> None:
        self.reach = reach
        self.late = ""
        self._end = time.monotonic() + max(seconds, 0.001)
        self._step, self._what = math.inf, ""
        self._held: socket.socket | None = None
        self._turn = threading.Condition()
        self._thread: threading.Thread | None = None
        self._over = False

    def __enter__(self) -> Self:
        _here.watch = self
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        _here.watch = None
        with self._turn:
            self._over = True
            self._drop()
            self._turn.notify()

    def guard(self, sock: socket.socket) -> None:
        """Watch this socket from now on, and no other."""
        with self._turn:
            self._drop()
            # A descriptor of its own: TLS takes the socket's away, and would lose its state under a reader's feet.
            self._held = socket.socket(fileno=os.dup(sock.fileno()))
            if self.late:
                self._shut()
            elif self._thread is None:
                self._thread = threading.Thread(target=self._run, name="watch", daemon=True)
                self._thread.start()

    def within(self, seconds: float, what: str = "") -> None:
        """The step that begins now may take so long; `what` names it. Infinite: nothing is waited for."""
        due = time.monotonic() + seconds
        with self._turn:
            sooner, self._step, self._what = due < self._step, due, what
            if sooner:
                self._turn.notify()

    def let_go(self) -> None:
        """An attempt has ended and another may follow: nothing is waited for, and what was late counts no more."""
        with self._turn:
            self._drop()
            self.late, self._step, self._what = "", math.inf, ""
            self._turn.notify()

    def _run(self) -> None:
        with self._turn:
            while not self._over:
                due = min(self._end, self._step)
                # One that has struck waits for the next attempt.
                left = math.inf if self.late else due - time.monotonic()
                if left > 0:
                    self._turn.wait(min(left, threading.TIMEOUT_MAX))
                    continue
                self.late = self._what if due == self._step else "it is not finished"
                self._shut()

    def _shut(self) -> None:
        if self._held is not None:
            with suppress(OSError):
                self._held.shutdown(socket.SHUT_RDWR)

    def _drop(self) -> None:
        if self._held is not None:
            self._held.close()
            self._held = None


def current() -> Watch | None:
    """The watch that this thread has entered."""
    found: Watch | None = getattr(_here, "watch", None)
    return found


def _guard(sock: object) -> None:
    watch = current()
    if watch is not None and isinstance(sock, socket.socket):
        watch.guard(sock)


def _dialled(here: _Plain | _Secure, reach: Reach, watch: Watch) -> socket.socket:
    """A new connection, its failures in the words of urllib3, which decides by them."""
    seconds = here.timeout if isinstance(here.timeout, int | float) else _UNLIMITED
    try:
        made, here.led = connected(reach, here.host, here.port, seconds, here.socket_options or (), watch.guard)
    except socket.gaierror as error:
        raise foreign.NameResolutionError(here.host, here, error) from error
    except TimeoutError as error:
        raise foreign.ConnectTimeoutError(here, "no answer to the connection") from error
    except OSError as error:
        raise foreign.NewConnectionError(here, f"no connection: {error}") from error
    return made


def _reached(here: _Plain | _Secure) -> None:
    watch = current()
    if watch and watch.reach:
        watch.reach.reached(here.host.strip("[]"), here.port, here.led)


class _Plain(HTTPConnection):
    led: tuple[str, ...] = ()
    """The addresses that the name led to when this connection was made."""

    def _new_conn(self) -> socket.socket:
        watch = current()
        return _dialled(self, watch.reach, watch) if watch and watch.reach else super()._new_conn()

    def connect(self) -> None:
        super().connect()
        _reached(self)

    def getresponse(self) -> HTTPResponse:  # type: ignore[override]  # as urllib3 itself has it
        _guard(self.sock)
        return super().getresponse()


class _Secure(HTTPSConnection):
    led: tuple[str, ...] = ()

    def _new_conn(self) -> socket.socket:
        watch = current()
        return _dialled(self, watch.reach, watch) if watch and watch.reach else super()._new_conn()

    def connect(self) -> None:
        super().connect()
        _reached(self)

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
