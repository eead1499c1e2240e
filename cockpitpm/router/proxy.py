"""One request to one socket and back, in pieces both ways; nothing is kept whole, nothing is tried twice."""

from __future__ import annotations

import math
import stat
from collections.abc import AsyncIterator
from contextlib import aclosing
from os import fsencode
from pathlib import Path

import anyio
import httpcore
from attrs import field, frozen
from starlette.types import Receive, Scope, Send

from cockpitpm.router import headers
from cockpitpm.router.law import Way
from cockpitpm.router.line import Lines

LONGEST = 107
"""Bytes of a socket path that the kernel takes."""


@frozen(kw_only=True)
class Patience:
    """Seconds. `connect` until the service accepts, `first_byte` until it begins its answer or takes what is sent,
    `guest` until the guest sends more of what it announced.
    """

    connect: float = 2.0
    first_byte: float = 60.0
    guest: float = 60.0


@frozen(kw_only=True)
class Trouble:
    """Why there is no answer to hand on."""

    status: int
    sentence: str


class Left(Exception):
    """The guest went away."""


@frozen(eq=False)
class Upload:
    """The guest's body. While the router waits for the guest, the service's deadline rests."""

    receive: Receive
    wait: anyio.CancelScope
    patience: Patience
    whole: anyio.Event = field(factory=anyio.Event)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Pieces as they come. Raises Left, or TimeoutError for a guest that fell silent."""
        more = True
        while more:
            self.wait.deadline = math.inf
            with anyio.fail_after(self.patience.guest):
                message = await self.receive()
            if message["type"] != "http.request":
                raise Left
            self.wait.deadline = anyio.current_time() + self.patience.first_byte
            more = message.get("more_body", False)
            if piece := message.get("body", b""):
                yield piece
        self.whole.set()


def obstacle(root: Path, way: Way) -> str:
    """What is wrong with the socket itself, as a part of a sentence; empty if nothing is."""
    folder, socket = root / way.door.service, root / way.door.socket
    if len(fsencode(socket)) > LONGEST:
        return f"the path of its socket is longer than {LONGEST} bytes"
    for path, right, wrong in ((folder, stat.S_ISDIR, "no folder of its own"), (socket, stat.S_ISSOCK, "no socket")):
        try:
            mode = path.lstat().st_mode
        except OSError:
            return f"there is no socket {way.door.socket}"
        if not right(mode):  # a link could lead to a socket of another program
            return f"{path.relative_to(root)} is {wrong}"
    return ""


@frozen(kw_only=True)
class Carrier:
    """Carries requests to the sockets below `root`."""

    root: Path
    patience: Patience

    async def carry(
        self, way: Way, fields: headers.Fields, scope: Scope, receive: Receive, send: Send
    ) -> Trouble | None:
        """Hand a request on and its answer back. Gives Trouble if there is no answer and none was begun."""
        who, socket = way.door.service, self.root / way.door.socket
        if why := obstacle(self.root, way):
            return Trouble(status=502, sentence=f"{who} does not answer: {why}")
        wait = anyio.CancelScope(deadline=anyio.current_time() + self.patience.first_byte)
        upload = Upload(receive, wait, self.patience)
        question = _question(way, fields, scope, upload)
        lines = httpcore.AsyncConnectionPool(uds=str(socket), max_keepalive_connections=0, network_backend=Lines())
        async with lines, anyio.create_task_group() as group:
            group.start_soon(_watch, upload, group.cancel_scope)
            trouble = await _exchange(lines, question, upload, send, who)
            group.cancel_scope.cancel()
            return trouble
        return None  # the guest went away


def _question(way: Way, fields: headers.Fields, scope: Scope, upload: Upload) -> httpcore.Request:
    query = scope["query_string"]
    target = way.target.encode() + (b"?" + query if query else b"")
    return httpcore.Request(
        scope["method"],
        httpcore.URL(scheme="http", host="socket", target=target),
        headers=fields,
        content=upload,
        extensions={"timeout": {"connect": upload.patience.connect}},
    )


async def _exchange(
    lines: httpcore.AsyncConnectionPool, question: httpcore.Request, upload: Upload, send: Send, who: str
) -> Trouble | None:
    try:
        with upload.wait:
            response = await lines.handle_async_request(question)
    except Left:
        return None
    except TimeoutError:
        return Trouble(status=408, sentence="The rest of the request did not come in time")
    except httpcore.ConnectError:
        return Trouble(status=502, sentence=f"{who} does not answer: nobody listens on its socket")
    except httpcore.ConnectTimeout:
        return Trouble(status=504, sentence=f"{who} does not answer: it takes no more connections")
    except httpcore.LocalProtocolError:
        return Trouble(status=400, sentence="The request has a header field that cannot be handed on")
    except (httpcore.NetworkError, httpcore.ProtocolError):
        return Trouble(status=502, sentence=f"{who} ended the connection before it answered")
    if upload.wait.cancelled_caught:
        seconds = f"{upload.patience.first_byte:g}"
        return Trouble(status=504, sentence=f"{who} did not begin to answer within {seconds} seconds")
    upload.whole.set()
    await _hand_back(response, send)
    return None


async def _hand_back(response: httpcore.Response, send: Send) -> None:
    async with aclosing(response):
        fields = headers.response(response.headers)
        await send({"type": "http.response.start", "status": response.status, "headers": fields})
        try:
            async for piece in response.aiter_stream():
                await send({"type": "http.response.body", "body": piece, "more_body": True})
        except (httpcore.NetworkError, httpcore.ProtocolError):
            return  # an end that is never said is how the guest learns that something is missing
        await send({"type": "http.response.body", "body": b""})


async def _watch(upload: Upload, life: anyio.CancelScope) -> None:
    """A service must not go on streaming to a guest who left. What was not asked for any more is thrown away."""
    await upload.whole.wait()
    while (await upload.receive())["type"] != "http.disconnect":
        pass
    life.cancel()
