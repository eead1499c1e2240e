"""Connections to a real server on a unix socket: who is there, and what becomes of the slow and the loud."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from cockpitpm.serve import peers
from cockpitpm.serve.peers import Patience, Peer
from tests.unit.serve.conftest import served

QUICK = Patience(head=0.2, body=0.3, take=0.3)


class App:
    """Reads the whole body, remembers who asked, answers with as much as it was asked for."""

    def __init__(self) -> None:
        self.peers: list[Any] = []
        self.bodies: list[bytes] = []
        self.left = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.peers.append(scope["state"]["peer"])
        body = b""
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                self.left += 1
                return
            body += message["body"]
            if not message["more_body"]:
                break
        self.bodies.append(body)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        size = int(scope["query_string"] or b"2")
        for _ in range(size // 65536):
            await send({"type": "http.response.body", "body": bytes(65536), "more_body": True})
        await send({"type": "http.response.body", "body": b"ok"})


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(work, 20))


async def say(path: Path, *pieces: bytes, pause: float = 0.0) -> bytes:
    """Send the pieces and read until the server hangs up."""
    reader, writer = await asyncio.open_unix_connection(str(path))
    answer = asyncio.create_task(reader.read())
    try:
        for piece in pieces:
            if answer.done():
                break
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(pause)
        return await answer
    except ConnectionError:
        return b"" if answer.cancelled() or answer.exception() else answer.result()
    finally:
        answer.cancel()
        writer.close()


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1]) if answer else 0


def test_the_kernel_says_who_asks(root: Path) -> None:
    async def work() -> None:
        app = App()
        async with served(app, root / "s.sock"):
            transport = httpx.AsyncHTTPTransport(uds=str(root / "s.sock"))
            async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
                assert (await client.get("/")).text == "ok"
                assert (await client.post("/", content=b"body")).text == "ok"
        assert app.peers == [Peer(pid=os.getpid(), uid=os.getuid())] * 2
        assert app.bodies == [b"", b"body"]

    run(work())


@pytest.mark.parametrize(
    "pieces",
    [
        (),
        (b"G",),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\n",),
        tuple(bytes([c]) for c in b"GET / HTTP/1.1\r\nX: " + b"x" * 40),
        (b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nhalf",),
        (b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",),
    ],
    ids=["nothing", "a letter", "no end of the head", "letter by letter", "half a body", "half a chunked body"],
)
def test_who_does_not_come_to_an_end_is_turned_away(root: Path, pieces: tuple[bytes, ...]) -> None:
    async def work() -> None:
        app = App()
        async with served(app, root / "s.sock", QUICK):
            answer = await say(root / "s.sock", *pieces, pause=0.02)
            assert status(answer) == 408 and b"nosniff" in answer
            assert app.bodies == []
            assert status(await say(root / "s.sock", b"GET / HTTP/1.0\r\n\r\n")) == 200

    run(work())


def test_the_second_request_of_a_connection_has_a_deadline_too(root: Path) -> None:
    async def work() -> None:
        app = App()
        async with served(app, root / "s.sock", QUICK):
            whole = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
            answer = await say(root / "s.sock", whole, whole, b"GET / HT", pause=0.05)
            assert answer.count(b"HTTP/1.1 200") == 2 and answer.count(b"HTTP/1.1 408") == 1

    run(work())


@pytest.mark.parametrize(
    "request_",
    [
        b"GET /" + b"x" * 40_000 + b" HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nX: " + b"x" * 40_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nX: " + b"x" * 4_000_000,
        b"GET / HTTP/1.1\r\n" + b"".join(b"X-%d: y\r\n" % n for n in range(101)) + b"\r\n",
    ],
    ids=["a long line", "a long field", "a field without an end", "many fields"],
)
def test_a_head_has_a_limit(root: Path, request_: bytes) -> None:
    async def work() -> None:
        app = App()
        async with served(app, root / "s.sock"):
            # A socket that is closed with unread bytes may lose its answer: then the connection just ends.
            assert status(await say(root / "s.sock", request_)) in (431, 0)
            assert app.peers == []
            assert status(await say(root / "s.sock", b"GET / HTTP/1.0\r\n\r\n")) == 200

    run(work())


def test_the_longest_head_that_is_read(root: Path) -> None:
    async def work() -> None:
        async with served(App(), root / "s.sock"):
            head = b"GET / HTTP/1.0\r\nX: " + b"x" * (peers.HEAD_LIMIT - 100) + b"\r\n\r\n"
            assert status(await say(root / "s.sock", head)) == 200

    run(work())


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x16\x03\x01\x02\x00\x01\x00",
        b"hello\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx",
        b"CONNECT localhost:80 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\n\r\n",
    ],
)
def test_what_is_no_request(root: Path, garbage: bytes) -> None:
    async def work() -> None:
        app = App()
        async with served(app, root / "s.sock", QUICK):
            answer = await say(root / "s.sock", garbage)
            assert status(answer) == 400 and b"connection: close" in answer and b"default-src 'none'" in answer
            assert app.bodies == []

    run(work())


def test_who_leaves_in_the_middle_is_noticed(root: Path) -> None:
    async def work() -> None:
        app = App()
        async with served(app, root / "s.sock") as server:
            for head in (b"GET / HT", b"POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\nhalf"):
                _, writer = await asyncio.open_unix_connection(str(root / "s.sock"))
                writer.write(head)
                await writer.drain()
                await asyncio.sleep(0.05)
                writer.close()
            await asyncio.sleep(0.05)
            assert app.left == 1 and app.bodies == []
            assert server.server_state.connections == set() and server.server_state.tasks == set()

    run(work())


def test_who_does_not_take_what_it_asked_for_is_left(root: Path) -> None:
    async def work() -> None:
        app = App()
        async with served(app, root / "s.sock", QUICK) as server:
            _, writer = await asyncio.open_unix_connection(str(root / "s.sock"), limit=1024)
            writer.write(b"GET /?50000000 HTTP/1.1\r\nHost: x\r\n\r\n")
            for _ in range(200):
                await asyncio.sleep(0.02)
                if app.bodies and not server.server_state.tasks:
                    break
            assert server.server_state.connections == set() and server.server_state.tasks == set()
            writer.close()

    run(work())


def test_more_connections_than_are_kept(root: Path) -> None:
    async def work() -> None:
        async with served(App(), root / "s.sock") as server:
            held = [await asyncio.open_unix_connection(str(root / "s.sock")) for _ in range(peers.CONNECTIONS)]
            await asyncio.sleep(0.1)
            assert len(server.server_state.connections) == peers.CONNECTIONS
            assert status(await say(root / "s.sock")) == 503
            for _, writer in held:
                writer.close()
            await asyncio.sleep(0.1)
            assert status(await say(root / "s.sock", b"GET / HTTP/1.0\r\n\r\n")) == 200

    run(work())
