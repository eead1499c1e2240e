"""One connection: who is at its other end, and how long and how much it may say. The rest is uvicorn's."""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import Any

from attrs import frozen
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from cockpitpm.serve.headers import NO_STORE, strict

HEAD_LIMIT = 32 * 1024
"""Bytes of a request line with all its headers."""
FIELDS = 100
CONNECTIONS = 256
"""Connections that one listener keeps at a time."""


@frozen(kw_only=True)
class Peer:
    """A process of this machine, as the kernel names it."""

    pid: int
    uid: int


@frozen(kw_only=True)
class Patience:
    """Seconds: for a head to come whole, for a body to come whole, for a client to take what it asked for."""

    head: float = 10.0
    body: float = 30.0
    take: float = 30.0


def peer_of(plug: socket.socket) -> Peer | None:
    """Who connected; None where it is no unix socket."""
    if plug.family != socket.AF_UNIX:
        return None
    pid, uid, _ = struct.unpack("3i", plug.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i")))
    return Peer(pid=pid, uid=uid)


class Protocol(HttpToolsProtocol):
    """HTTP/1.1 with limits. A subclass sets `patience`."""

    patience = Patience()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Somebody connected: the clock runs until the head of a request is whole."""
        super().connection_made(transport)
        plug = transport.get_extra_info("socket")
        self.peer = peer_of(plug) if plug else None
        self.taking: asyncio.TimerHandle | None = None
        self.deadline: asyncio.TimerHandle | None = None
        self.head = 0
        self.reading_head = True
        self.refused = False
        if len(self.connections) > CONNECTIONS:
            self.turn_away(503, "Too many connections")
        else:
            self._within(self.patience.head)

    def connection_lost(self, exc: Exception | None) -> None:
        """It is over."""
        self._within(None)
        self._stop_taking()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Bytes came. A head that is not whole yet is counted piece by piece: the parser would keep all of it."""
        if self.refused:
            return
        if self.reading_head:
            if self.deadline is None:
                self._within(self.patience.head)
            self.head += len(data)
        super().data_received(data)
        if self.reading_head and self.head > HEAD_LIMIT and not self.refused:
            self.turn_away(431, "The headers are too long")

    def on_headers_complete(self) -> None:
        """The head is whole."""
        self.reading_head = False
        self.head = 0
        self._within(None)
        size = len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
        if size > HEAD_LIMIT or len(self.headers) > FIELDS:
            self.turn_away(431, "The headers are too long")
        if self.refused:
            return
        state: dict[str, Any] = self.scope["state"]
        state["peer"] = self.peer
        super().on_headers_complete()
        self._within(self.patience.body)

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""
        if not self.refused:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is whole; what comes now is the head of the next one."""
        self.reading_head = True
        self._within(None)
        if not self.refused:
            super().on_message_complete()

    def pause_writing(self) -> None:
        """The client takes nothing for now."""
        super().pause_writing()
        if self.taking is None:
            self.taking = self.loop.call_later(self.patience.take, self.transport.abort)

    def resume_writing(self) -> None:
        """It takes again."""
        self._stop_taking()
        super().resume_writing()

    def send_400_response(self, msg: str) -> None:
        """What came is not HTTP."""
        self.turn_away(400, msg)

    def turn_away(self, status: int, said: str) -> None:
        """Answer without asking the application, and hang up. Nothing is answered over a half-sent answer."""
        if self.refused or self.transport.is_closing():
            return
        self.refused = True
        self._within(None)
        idle = self.cycle is None or self.cycle.response_complete
        if idle or not (self.cycle.response_started or self.pipeline):
            body = f"{said}\n".encode()
            given = [
                (b"content-type", b"text/plain; charset=utf-8"),
                (b"content-length", str(len(body)).encode()),
                (b"connection", b"close"),
                *strict(),
                NO_STORE,
            ]
            lines = b"".join(name + b": " + value + b"\r\n" for name, value in given)
            self.transport.write(STATUS_LINE[status] + lines + b"\r\n" + body)
        self.transport.close()

    def _within(self, seconds: float | None) -> None:
        """Start the clock anew, or stop it."""
        if self.deadline is not None:
            self.deadline.cancel()
        self.deadline = self.loop.call_later(seconds, self._too_slow) if seconds else None

    def _too_slow(self) -> None:
        self.turn_away(408, "The request did not come in time")

    def _stop_taking(self) -> None:
        if self.taking is not None:
            self.taking.cancel()
            self.taking = None
