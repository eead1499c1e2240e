"""A server on raw sockets that does to a client whatever a fault says, and answers like a forge where none does.

It speaks no more HTTP than it must: what is sent is what the fault wrote, byte for byte.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Self
from urllib.parse import parse_qsl, urlsplit

from attrs import Factory, define, frozen

from cockpitpm.sandbox.forge import ForgeState
from cockpitpm.sandbox.forge.call import Call, token_of
from cockpitpm.sandbox.forge.routes import answer

Bytes = bytes | bytearray


@frozen(kw_only=True)
class Good:
    """What the forge would have answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def raw(self, length: bool = True, **more: str) -> bytes:
        """The answer as it is sent; `more` are headers, `_` for `-`, which replace those of the same name."""
        headers = {**self.headers, **({"Content-Length": str(len(self.body))} if length else {})}
        headers |= {key.replace("_", "-"): value for key, value in more.items()}
        return head(self.status, headers) + self.body


def head(status: int, headers: Mapping[str, str]) -> bytes:
    """The head of an answer; a header whose value is empty is left out."""
    lines = [f"{key}: {value}\r\n" for key, value in headers.items() if value]
    return f"HTTP/1.1 {status} told\r\n{''.join(lines)}\r\n".encode()


class Hung(Exception):
    """The fault is over, and so is the connection."""


@define
class Line:
    """One connection of a client, and the request that it made."""

    sock: socket.socket
    stop: threading.Event
    request: bytes = b""
    good: Good = Factory(lambda: Good(status=404, headers={}, body=b""))

    def header(self, name: str) -> str:
        """A header of the request, empty if it has none."""
        for line in self.request.decode("latin-1").split("\r\n")[1:]:
            key, _, value = line.partition(":")
            if key.lower() == name:
                return value.strip()
        return ""

    def send(self, data: Bytes) -> None:
        self.sock.sendall(data)

    def drip(self, data: Bytes, pause: float, size: int = 1) -> None:
        """Send it in crumbs, and hang up at its end."""
        for at in range(0, len(data), size):
            self.send(data[at : at + size])
            self.wait(pause)
        raise Hung

    def wait(self, seconds: float = 30.0) -> None:
        """Say nothing for a while."""
        if self.stop.wait(seconds):
            raise Hung

    def fin(self) -> None:
        raise Hung

    def reset(self) -> None:
        """Make the kernel send RST instead of FIN."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raise Hung


Play = Callable[[Line], None]
"""What a fault does with a connection whose request was read. It returns if the connection may serve another one."""


@frozen(kw_only=True)
class Fault:
    """`play` happens to requests whose path contains `at`, `times` times for each path; `skip` pass before."""

    at: str
    play: Play
    times: int = 1000
    skip: int = 0


class Hostile:
    """A listener on the loopback. A context manager. `heads` are the heads of all requests that it got, `greeted`
    says how many clients came, `played` how often its fault did something to one."""

    def __init__(
        self,
        fault: Fault | None = None,
        state: ForgeState | None = None,
        name: str = "127.0.0.1",
        tls: ssl.SSLContext | None = None,
        first: Play | None = None,
        address: str = "127.0.0.1",
    ) -> None:
        self.fault, self.state, self.tls, self._first = fault, state, tls, first
        self.heads: list[bytes] = []
        self.greeted = self.played = 0
        self.errors: list[str] = []
        self._seen: dict[str, int] = {}
        self._stop = threading.Event()
        self._lines: list[threading.Thread] = []
        self._listener = socket.create_server((address, 0))
        self.port = self._listener.getsockname()[1]
        self.name = name
        self.url = f"{'https' if tls else 'http'}://{name}:{self.port}"

    def __enter__(self) -> Self:
        self._listener.settimeout(0.02)
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._stop.set()
        for thread in [self._thread, *self._lines]:
            thread.join(10)
        self._listener.close()
        assert not self.errors, self.errors

    def _accept(self) -> None:
        while not self._stop.is_set():
            with contextlib.suppress(OSError):
                sock, _ = self._listener.accept()
                thread = threading.Thread(target=self._serve, args=(sock,), daemon=True)
                self._lines.append(thread)
                thread.start()

    def _serve(self, sock: socket.socket) -> None:
        sock.settimeout(5)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        line = Line(sock, self._stop)
        try:
            self.greeted += 1
            if self._first:
                self._first(line)
            if self.tls:
                line.sock = self.tls.wrap_socket(sock, server_side=True, suppress_ragged_eofs=True)
            while self._read(line):
                self._answer(line)
        except (Hung, OSError):
            pass  # the client hung up, which is its right, or the fault is over
        except Exception as error:  # noqa: BLE001 - a fault that does not do what it says must fail the sweep
            self.errors.append(f"{type(error).__name__}: {error}")
        finally:
            line.sock.close()

    def _read(self, line: Line) -> bool:
        line.request = b""
        until = time.monotonic() + 30
        while b"\r\n\r\n" not in line.request:
            line.sock.settimeout(0.05)
            try:
                piece = line.sock.recv(65536)
            except TimeoutError:
                if self._stop.is_set() or time.monotonic() > until:
                    return False
                continue
            if not piece:
                return False
            line.request += piece
        line.sock.settimeout(5)
        self.heads.append(line.request)
        return True

    def _answer(self, line: Line) -> None:
        target = line.request.split(b" ", 2)[1].decode("latin-1")
        if self.state:
            line.good = self._good(line, target)
        fault = self.fault
        if fault and fault.at in target:
            seen = self._seen[target] = self._seen.get(target, 0) + 1
            if fault.skip < seen <= fault.skip + fault.times:
                self.played += 1
                fault.play(line)
                return
        line.send(line.good.raw())

    def _good(self, line: Line, target: str) -> Good:
        assert self.state
        parts, said = urlsplit(target), line.header("authorization")
        reply = answer(
            Call(
                state=self.state,
                method="GET",
                path=parts.path,
                base=self.url,
                query=dict(parse_qsl(parts.query, keep_blank_values=True)),
                headers={"range": line.header("range"), "if-range": line.header("if-range")},
                body=b"",
                args={},
                token=token_of(self.state, said),
                credentials=bool(said),
            )
        )
        with reply.content.open() as file:
            file.seek(reply.start)
            return Good(status=reply.status, headers=reply.headers, body=file.read(reply.size))
