"""Connections to unix sockets for httpcore, which has its own but turns in circles while a service's queue is full."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterable
from typing import Any

import httpcore

RETRY = 0.02
"""Seconds until a full queue is tried again; the kernel tells nobody that there is room."""


class Line(httpcore.AsyncNetworkStream):
    """One connection. Deadlines are the caller's."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """What came, empty at the end. Raises httpcore.ReadError."""
        try:
            return await self._reader.read(max_bytes)
        except OSError as error:
            raise httpcore.ReadError(str(error)) from error

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send, and wait while the service takes nothing. Raises httpcore.WriteError."""
        try:
            self._writer.write(buffer)
            await self._writer.drain()
        except OSError as error:
            raise httpcore.WriteError(str(error)) from error

    async def aclose(self) -> None:
        """Let go, with whatever was not sent yet."""
        self._writer.transport.abort()

    def get_extra_info(self, info: str) -> Any:
        """Nothing: no TLS, and no connection that waits for another request."""
        return None


class Lines(httpcore.AsyncNetworkBackend):
    """Makes connections to unix sockets."""

    async def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[Any] | None = None
    ) -> httpcore.AsyncNetworkStream:
        """A connection. Raises httpcore.ConnectTimeout, httpcore.ConnectError."""
        plug = socket.socket(socket.AF_UNIX)
        try:
            plug.setblocking(False)
            async with asyncio.timeout(timeout):
                await _connect(plug, path)
            return Line(*await asyncio.open_unix_connection(sock=plug))
        except TimeoutError as error:
            plug.close()
            raise httpcore.ConnectTimeout(path) from error
        except OSError as error:
            plug.close()
            raise httpcore.ConnectError(str(error)) from error
        except BaseException:
            plug.close()
            raise


async def _connect(plug: socket.socket, path: str) -> None:
    while True:
        try:
            return plug.connect(path)
        except BlockingIOError:  # its queue is full
            await asyncio.sleep(RETRY)
