"""The paths of the JSON-RPC server: calls, their description, health, who this is, metrics."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from hashlib import sha256
from typing import Any

import anyio
from anyio import to_thread
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from cockpitpm import __version__
from cockpitpm.app.engine import Engine
from cockpitpm.app.openrpc import openrpc
from cockpitpm.errors import CockpitPmError
from cockpitpm.rpc.dispatch import UNKNOWN, Dispatcher
from cockpitpm.rpc.envelope import refused, spelled
from cockpitpm.rpc.faults import Fault, fault_of, invalid_request
from cockpitpm.rpc.method import Asker, Kept
from cockpitpm.rpc.metrics import Metrics

NAME = "hero_cockpit"
LONGEST = 1024 * 1024
"""Bytes of one request."""
PATIENCE = 10.0
"""Seconds in which the whole of a request must have come."""
JSON = "application/json"
UNSTORED = {"cache-control": "no-store"}
Endpoint = Callable[[Request], Awaitable[Response]]


def routes(engine: Engine, patience: float = PATIENCE) -> list[BaseRoute]:
    """The routes of the server. `scope["state"]` may say who asks (`actor`), and with `owner` that it is the owner of
    the machine's root on a socket that nobody else can open. `patience` is for how many seconds a body may come.
    """
    metrics = Metrics(engine)
    return [
        Route("/rpc", _rpc(engine, Dispatcher(metrics.count), metrics, patience), methods=["POST"]),
        Route("/openrpc.json", _document, methods=["GET"]),
        Route("/health", _health, methods=["GET"]),
        Route("/.well-known/heroservice.json", _about(engine), methods=["GET"]),
        Route("/metrics", _metrics(metrics), methods=["GET"]),
    ]


class Unread(Exception):
    """A request whose body is not read to its end."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


def _rpc(engine: Engine, dispatcher: Dispatcher, metrics: Metrics, patience: float) -> Endpoint:
    kept = Kept()

    async def rpc(request: Request) -> Response:
        try:
            body = await _body(request, patience)
        except Unread as error:
            fault = invalid_request(str(error))
            metrics.count(UNKNOWN, fault.kind.name)
            return Response(refused(None, fault), error.status, UNSTORED, JSON)
        state = request.scope.get("state", {})
        asker = Asker(engine=engine, actor=state.get("actor", "rpc"), owner=state.get("owner") is True, kept=kept)
        answer = await dispatcher.answer(body, asker)
        return Response(status_code=204) if answer is None else Response(answer, 200, UNSTORED, JSON)

    return rpc


async def _body(request: Request, patience: float) -> bytes:
    """The whole body. Raises Unread for another type, for one that is too long or too slow, and when nobody waits."""
    if not _is_json(request.headers.getlist("content-type")):
        raise Unread(415, f"the content type is not {JSON}")
    said = request.headers.get("content-length", "")
    if said.isdecimal() and int(said[:20]) > LONGEST:
        raise Unread(413, f"a request has at most {LONGEST} bytes")
    body = bytearray()
    try:
        with anyio.fail_after(patience):
            async for piece in request.stream():
                body += piece
                if len(body) > LONGEST:
                    raise Unread(413, f"a request has at most {LONGEST} bytes")
    except TimeoutError as error:
        raise Unread(408, f"the request did not come within {patience:g} s") from error
    except ClientDisconnect as error:
        raise Unread(400, "the request was not sent to its end") from error
    return bytes(body)


def _is_json(said: list[str]) -> bool:
    """Exactly one content type, JSON, in UTF-8 if it names a character set."""
    if len(said) != 1:
        return False
    kind, *parameters = (part.strip().lower() for part in said[0].split(";"))
    return kind == JSON and all(one in ("", "charset=utf-8", 'charset="utf-8"') for one in parameters)


async def _document(_request: Request) -> Response:
    return Response(openrpc(), media_type=JSON)


async def _health(_request: Request) -> Response:
    """The server answers; how the machine is, `/metrics` and the methods say."""
    return Response(spelled({"status": "ok", "name": NAME, "version": __version__}), 200, UNSTORED, JSON)


def _about(engine: Engine) -> Endpoint:
    def look() -> dict[str, Any]:
        return {
            "name": NAME,
            "kind": "server",
            "version": __version__,
            "role": engine.host().role.role.value,
            # Enough to see that two servers are those of one machine, without telling where it is.
            "root": sha256(str(engine.invocation.root).encode()).hexdigest(),
            "rpc": "/rpc",
            "openrpc": "/openrpc.json",
            "health": "/health",
            "metrics": "/metrics",
        }

    async def about(_request: Request) -> Response:
        try:
            return Response(spelled(await to_thread.run_sync(look)), 200, UNSTORED, JSON)
        except CockpitPmError as error:
            return _unreadable(fault_of(error))

    return about


def _unreadable(fault: Fault) -> Response:
    return Response(spelled({"error": fault.tree}), 503, UNSTORED, JSON)


def _metrics(metrics: Metrics) -> Endpoint:
    async def text(_request: Request) -> Response:
        kind = "text/plain; version=0.0.4; charset=utf-8"
        return Response(await to_thread.run_sync(metrics.text), 200, {**UNSTORED, "content-type": kind})

    return text
