"""The embedded router: a port of its own and a thread that serves it, while the context manager is entered."""

from __future__ import annotations

import asyncio
import re
import secrets
import socket
import threading
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlencode

import uvicorn

from cockpitpm.errors import MachineError, UsageError
from cockpitpm.router.entrance import HOME, Entrance
from cockpitpm.router.gate import Gate
from cockpitpm.router.proxy import Patience

LOOPBACK = "127.0.0.1"
BACKLOG = 128
_TOKEN = re.compile(r"[A-Za-z0-9._~+/=-]{16,256}")
START, STOP = 10, 5
"""Seconds after which the thread is given up."""


class Router:
    """One loopback port for all services of a machine.

    `socket_root` may appear later. `port` 0 takes a free one. Without a token it makes one. `user` is who has the
    token, for services that want to know. Raises UsageError for a token that could be guessed or cannot be sent.
    """

    def __init__(
        self,
        socket_root: Path,
        port: int = 0,
        token: str = "",
        *,
        user: str = "",
        patience: Patience | None = None,
    ) -> None:
        self.token = checked(token) if token else fresh_token()
        self._root = socket_root
        self._port = port
        self._user = user
        self._patience = patience or Patience()
        self._ready = threading.Event()

    @property
    def url(self) -> str:
        """The address, without a slash at its end. Known once entered."""
        return f"http://{LOOPBACK}:{self._port}"

    def link(self, path: str = HOME) -> str:
        """The address that lets a browser in, at once at this path."""
        return f"{self.url}{path}?{urlencode({'token': self.token})}"

    def __enter__(self) -> Self:
        self._socket = _listen(self._port)
        self._port = self._socket.getsockname()[1]
        self._entrance = Entrance(self._root, Gate(token=self.token, port=self._port), self._patience, self._user)
        self._server = uvicorn.Server(_config(self._entrance))
        self._thread = threading.Thread(target=self._run, name="cockpitpm router", daemon=True)
        self._thread.start()
        if not self._ready.wait(START):
            raise MachineError("The router did not start", "Start it again; this machine may be very busy")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        """Let go of the port, end what streams, within a second."""
        self._server.should_exit = True
        self._loop.call_soon_threadsafe(self._entrance.stop)
        self._thread.join(STOP)
        self._socket.close()

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._ready.set()  # the socket listens already: whoever comes now waits in its queue
        await self._server.serve(sockets=[self._socket])


def fresh_token() -> str:
    """A token that nobody guesses."""
    return secrets.token_urlsafe(32)


def checked(token: str) -> str:
    """The token. Raises UsageError for one that is short, or that a link or a header cannot carry."""
    if not _TOKEN.fullmatch(token):
        raise UsageError("This is no token for the router", "Take 16 to 256 letters, digits and . _ ~ + / = -")
    return token


def _config(entrance: Entrance) -> uvicorn.Config:
    return uvicorn.Config(
        entrance,
        interface="asgi3",
        http="httptools",
        ws="none",
        loop="asyncio",
        lifespan="off",
        proxy_headers=False,  # nobody is believed here
        server_header=False,
        date_header=False,
        access_log=False,
        log_config=None,
        log_level="critical",  # a stream that breaks off is no error of ours
        timeout_graceful_shutdown=1,
    )


def _listen(port: int) -> socket.socket:
    """The listening socket. Raises MachineError if the port is taken or not ours to take."""
    plug = socket.socket()
    try:
        plug.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        plug.bind((LOOPBACK, port))
        plug.listen(BACKLOG)
    except OSError as error:
        plug.close()
        raise MachineError(
            f"Cannot listen on {LOOPBACK}:{port}: {error.strerror}", "Name another port; 0 takes a free one"
        ) from error
    return plug
