"""Several uvicorn servers in one loop, and how they end together: streams say goodbye, slow readers are left alone."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket
from collections.abc import Awaitable, Callable, Iterator

import uvicorn
from attrs import frozen
from starlette.types import ASGIApp

from cockpitpm.serve.hub import Hub
from cockpitpm.serve.peers import Protocol
from cockpitpm.serve.watch import Watcher

GRACE = 3
"""Seconds that a request which is under way may take after the end was asked for."""
SLOW = 0.4
"""Seconds after which a client that takes nothing is left alone."""
REFRESH = 5.0


@frozen
class Listening:
    """An application and the socket that it answers on."""

    app: ASGIApp
    socket: socket.socket


class Server(uvicorn.Server):
    """One listener. Signals belong to all of them together."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """None here."""
        yield

    def drop(self, everybody: bool) -> None:
        """Hang up on clients that take nothing, or on everybody."""
        for connection in list(self.server_state.connections):
            if isinstance(connection, Protocol) and (everybody or connection.taking is not None):
                connection.transport.abort()


def server_of(app: ASGIApp) -> Server:
    """A uvicorn server with our limits. It says nothing by itself but what went wrong."""
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
    return Server(
        uvicorn.Config(
            app,
            http=Protocol,
            ws="none",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=30,
            timeout_graceful_shutdown=GRACE,
        )
    )


async def run_all(
    listening: tuple[Listening, ...], hub: Hub, watcher: Watcher, refresh: Callable[[], Awaitable[None]]
) -> None:
    """Serve until SIGTERM or SIGINT, or until one of them fails. A second signal ends it at once.

    `refresh` is called at the beginning and then every few seconds.
    """
    servers = [server_of(one.app) for one in listening]
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()

    def asked() -> None:
        for server in servers if stop.is_set() else ():
            server.drop(everybody=True)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked)
    tasks = [asyncio.create_task(s.serve(sockets=[one.socket])) for s, one in zip(servers, listening, strict=True)]
    helper = asyncio.create_task(_repeat(refresh))
    stopped = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({stopped, *tasks}, return_when=asyncio.FIRST_COMPLETED)
        hub.close(*watcher.leaving())
        for server in servers:
            server.should_exit = True
        await _ended(servers, tasks)
    finally:
        helper.cancel()
        stopped.cancel()


async def _ended(servers: list[Server], tasks: list[asyncio.Task[None]]) -> None:
    """Wait for the servers. What a client does not take by then is dropped, so that none keeps us from ending."""
    _, late = await asyncio.wait(tasks, timeout=SLOW)
    while late:
        for server in servers:
            server.drop(everybody=False)
        _, late = await asyncio.wait(tasks, timeout=SLOW)
    for task in tasks:
        task.result()


async def _repeat(refresh: Callable[[], Awaitable[None]]) -> None:
    while True:
        try:
            await refresh()
        except Exception:
            logging.getLogger(__name__).exception("the next try is in %s seconds", REFRESH)
        await asyncio.sleep(REFRESH)
