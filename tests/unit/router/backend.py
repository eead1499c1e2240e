"""A tiny service on unix sockets, in a thread, and a guest that speaks HTTP over a port."""

from __future__ import annotations

import asyncio
import hashlib
import http.client
import json
import threading
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import uvicorn
from attrs import frozen
from starlette.types import Receive, Scope, Send

from tests.waiting import until


class Backend:
    """A context manager. `seen` counts body bytes, `streams` the open event streams, `go` lets the second event out."""

    def __init__(self, socket: Path) -> None:
        socket.parent.mkdir(parents=True, exist_ok=True)
        self.socket = socket
        self.seen = 0
        self.asked = 0
        self.streams = 0
        self.go = threading.Event()

    def __enter__(self) -> Self:
        config = uvicorn.Config(
            self._app,
            uds=str(self.socket),
            interface="asgi3",
            lifespan="off",
            ws="none",
            log_config=None,
            log_level="critical",
            proxy_headers=False,
            timeout_graceful_shutdown=1,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=lambda: asyncio.run(self._server.serve()))
        self._thread.start()
        until(lambda: self._server.started)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.go.set()
        self._server.should_exit = True
        self._thread.join(5)

    async def _app(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.asked += 1
        path = scope["path"]
        if path.endswith("/events"):
            await self._events(receive, send)
        elif path == "/dies":
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"begun", "more_body": True})
        elif path == "/never":
            await asyncio.sleep(30)
        else:
            await self._echo(scope, receive, send)

    async def _events(self, receive: Receive, send: Send) -> None:
        """One event at once, another when the test says so; open until the guest leaves."""
        self.streams += 1
        fields = [(b"content-type", b"text/event-stream")]
        await send({"type": "http.response.start", "status": 200, "headers": fields})
        await send({"type": "http.response.body", "body": b"data: 1\n\n", "more_body": True})
        left = asyncio.ensure_future(_left(receive))
        try:
            while not self.go.is_set() and not left.done():
                await asyncio.sleep(0.01)
            if not left.done():
                await send({"type": "http.response.body", "body": b"data: 2\n\n", "more_body": True})
            await left
        finally:
            left.cancel()
            self.streams -= 1

    async def _echo(self, scope: Scope, receive: Receive, send: Send) -> None:
        digest, size = hashlib.sha256(), 0
        more = True
        while more:
            message = await receive()
            piece, more = message.get("body", b""), message.get("more_body", False)
            digest.update(piece)
            size += len(piece)
            self.seen += len(piece)
        told = {
            "method": scope["method"],
            "path": scope["raw_path"].decode(),
            "query": scope["query_string"].decode(),
            "headers": [[n.decode("latin-1"), v.decode("latin-1")] for n, v in scope["headers"]],
            "sha256": digest.hexdigest(),
            "size": size,
        }
        body = json.dumps(told).encode()
        fields = [(b"content-length", str(len(body)).encode()), (b"x-own", b"1"), (b"keep-alive", b"timeout=5")]
        await send({"type": "http.response.start", "status": 200, "headers": fields})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


@frozen
class Heard:
    """One answer."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def told(self) -> dict[str, str]:
        """The header fields that the service was told."""
        return dict(self.json["headers"])


class Guest:
    """Talks to one router. `fields` are sent with every request."""

    def __init__(self, port: int, **fields: str) -> None:
        self.port = port
        self.fields = {name.replace("_", "-"): said for name, said in fields.items()}

    def open(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)

    def ask(self, path: str, method: str = "GET", body: Any = None, **fields: str) -> Heard:
        """One request; the fields of a call replace those of the guest."""
        connection = self.open()
        try:
            own = {name.replace("_", "-"): said for name, said in fields.items()}
            connection.request(method, path, body, {**self.fields, **own})
            response = connection.getresponse()
            heads = {name.lower(): said for name, said in response.getheaders()}
            return Heard(response.status, heads, response.read())
        finally:
            connection.close()

    def stream(self, path: str) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
        """An open stream."""
        connection = self.open()
        connection.request("GET", path, headers=self.fields)
        return connection, connection.getresponse()
