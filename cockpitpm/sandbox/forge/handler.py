"""One connection of the sandbox forge: reads requests, notes them, sends answers, and misbehaves when told to."""

from __future__ import annotations

import gzip
import socket
import struct
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, urlsplit

from attrs import evolve

from cockpitpm.sandbox.forge.call import Call, token_of
from cockpitpm.sandbox.forge.content import InMemory
from cockpitpm.sandbox.forge.fault import SIGN_IN_PAGE, Fault
from cockpitpm.sandbox.forge.reply import Reply, error, page
from cockpitpm.sandbox.forge.routes import answer
from cockpitpm.sandbox.forge.state import RequestRecord

if TYPE_CHECKING:
    from cockpitpm.sandbox.forge.server import Listener

MAX_UPLOAD: Final = 64 * 1024 * 1024
PIECE: Final = 256 * 1024
_NO_FAULT: Final = Fault(path="")


class _Reset(Exception):
    """The connection is to end here."""


class ForgeHandler(BaseHTTPRequestHandler):
    """Serves one connection, one request after another."""

    protocol_version = "HTTP/1.1"
    server_version = "sandbox-forge"
    sys_version = ""
    timeout = 30
    # Headers and body are two writes; without this the second waits 40 ms for the peer's delayed acknowledgement.
    disable_nagle_algorithm = True
    server: Listener

    def do_GET(self) -> None:
        """Answer any request; the other methods lead here too."""
        state = self.server.state
        try:
            call = self._call()
            note = self._note(call)
            fault = state.fault(self.path) or _NO_FAULT
            with state.lock:
                if fault.before:
                    fault.before()
                reply = self._bent(answer(call), fault, call.base)
                note.status = reply.status
                if not self.path.startswith("/__sandbox/"):
                    state.requests.append(note)
            self._send(reply, fault, note)
        except (_Reset, OSError, ValueError):
            self.close_connection = True

    do_HEAD = do_POST = do_PATCH = do_DELETE = do_PUT = do_GET

    def _call(self) -> Call:
        parts = urlsplit(self.path)
        state = self.server.state
        authorization = self.headers.get("Authorization", "")
        return Call(
            state=state,
            method=self.command,
            path=parts.path,
            base=self.server.url,
            query=dict(parse_qsl(parts.query, keep_blank_values=True)),
            headers={key.lower(): value for key, value in self.headers.items()},
            body=self._body(),
            args={},
            token=token_of(state, authorization),
            credentials=bool(authorization),
        )

    def _body(self) -> bytes:
        length = int(self.headers.get("Content-Length", "0"))
        if length > MAX_UPLOAD or "chunked" in self.headers.get("Transfer-Encoding", ""):
            self._send(error(413, "quota exceeded", self.server.url), _NO_FAULT, None)
            raise _Reset
        return self.rfile.read(length)

    def _note(self, call: Call) -> RequestRecord:
        return RequestRecord(
            method=self.command,
            path=self.path,
            credentials=call.credentials,
            user=call.token.user if call.token else None,
            agent=self.headers.get("User-Agent", ""),
        )

    def _bent(self, reply: Reply, fault: Fault, base: str) -> Reply:
        """The reply that the fault makes of it."""
        if fault.status is not None:
            reply = error(fault.status, "a fault of the sandbox", base)
        if fault.body is not None:
            reply = evolve(reply, status=200, content=InMemory(fault.body), start=0, length=None)
        if fault.html:
            reply = page(200, SIGN_IN_PAGE.decode(), "text/html; charset=utf-8")
        if fault.gzip:
            packed = InMemory(gzip.compress(b"".join(_read(reply))))
            headers = {**reply.headers, "Content-Encoding": "gzip"}
            reply = evolve(reply, headers=headers, content=packed, start=0, length=None)
        return evolve(reply, headers={**reply.headers, **fault.headers})

    def _send(self, reply: Reply, fault: Fault, note: RequestRecord | None) -> None:
        self._wait(fault.delay)
        if fault.reset and fault.truncate is None:
            self._reset()
        if fault.raw is not None:
            self.wfile.write(fault.raw)
            raise _Reset
        self._head(reply, fault)
        if self.command == "HEAD" or reply.status in {204, 304}:
            return
        for number, piece in enumerate(_paced(reply, fault)):
            self._write(piece, fault.chunked)
            if fault.during and number == 0:
                fault.during()
            if note is not None:
                note.bytes += len(piece)
            self._wait(fault.trickle)
        self._end(fault)

    def _head(self, reply: Reply, fault: Fault) -> None:
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if fault.chunked:
            self.send_header("Transfer-Encoding", "chunked")
        elif "Content-Length" not in reply.headers and reply.status not in {204, 304}:
            self.send_header("Content-Length", str(reply.size + fault.surplus))
        if fault.header_trickle:
            self._trickle_head(fault.header_trickle)
        self.end_headers()

    def _trickle_head(self, pause: float) -> None:
        for byte in b"X-Slow: " + b"z" * 4096:
            self.wfile.write(bytes([byte]))
            self._wait(pause)

    def _write(self, piece: bytes, chunked: bool) -> None:
        self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)

    def _end(self, fault: Fault) -> None:
        if fault.reset:
            self._reset()
        if fault.truncate is not None:
            raise _Reset
        if fault.chunked:
            self.wfile.write(b"0\r\n\r\n")

    def _reset(self) -> None:
        # A lingering time of zero makes the kernel send RST instead of FIN.
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        raise _Reset

    def _wait(self, seconds: float) -> None:
        if seconds and self.server.stopping.wait(seconds):
            raise _Reset

    def log_message(self, format: str, *args: object) -> None:
        """Nothing is printed: the state keeps what was asked."""


def _read(reply: Reply, size: int = PIECE) -> Iterator[bytes]:
    """The bytes that a reply sends, in pieces."""
    left = reply.size
    with reply.content.open() as reader:
        reader.seek(reply.start)
        while left > 0 and (piece := reader.read(min(size, left))):
            left -= len(piece)
            yield piece


def _paced(reply: Reply, fault: Fault) -> Iterator[bytes]:
    """The bytes that are sent under the fault."""
    left = fault.truncate
    for piece in _read(reply, fault.trickle_bytes if fault.trickle else PIECE):
        if left is not None and len(piece) >= left:
            yield piece[:left]
            return
        left = None if left is None else left - len(piece)
        yield piece
    for sent in range(0, fault.surplus, PIECE):
        yield bytes(min(PIECE, fault.surplus - sent))
