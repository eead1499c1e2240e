"""The faces that are put on sockets, imported when they are first needed."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import anyio.to_thread
from attrs import frozen
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from cockpitpm.app.engine import Engine, View
from cockpitpm.errors import CockpitPmError
from cockpitpm.model.role import Role
from cockpitpm.serve.stream import Feed

Tokens = Callable[[], str]
SILENT = (
    "The engine of this machine does not answer. Jobs that are under way go on.\n"
    "This page tries again by itself; see `cockpitpm status` and `cockpitpm logs hero_cockpit_server`.\n"
)
TRIES, PAUSE = 15, 0.2
"""How often the engine is asked for the role before a page says that it does not answer, and seconds between."""


def _rpc(engine: Engine) -> list[BaseRoute]:
    from cockpitpm.rpc import routes

    return routes(engine)


def _web(engine: Engine, feed: Feed, tokens: Tokens) -> list[BaseRoute]:
    from cockpitpm.web import routes

    return routes(engine, feed, tokens)


def _render(view: View, app: str, prefix: str) -> str:
    from cockpitpm.web.rows import render_app

    return render_app(view, app, prefix)


def _visible(text: str) -> str:
    from cockpitpm.web.text import visible

    return str(visible(text))


@frozen(kw_only=True)
class Faces:
    """What makes the routes of JSON-RPC and of the pages, the row of an app, and what is unseen in a text visible.

    A row is made once for all viewers: of a view, an app, and what stands where the viewer's path prefix goes.
    """

    rpc: Callable[[Engine], list[BaseRoute]] = _rpc
    web: Callable[[Engine, Feed, Tokens], list[BaseRoute]] = _web
    render: Callable[[View, str, str], str] = _render
    visible: Callable[[str], str] = _visible


def application(routes: Iterable[BaseRoute]) -> Starlette:
    """The routes as one application. An error that a face lets out becomes its own words."""
    app = Starlette(routes=list(routes), exception_handlers={CockpitPmError: _told, Exception: _bug})
    # A redirect to another spelling would name the host that the proxy asked for.
    app.router.redirect_slashes = False
    return app


async def _told(_request: Request, error: Exception) -> Response:
    return PlainTextResponse(f"{error}\n", 503)


async def _bug(_request: Request, _error: Exception) -> Response:
    return PlainTextResponse("This is a bug of cockpitpm. The server's log tells more.\n", 500)


class Gate:
    """The pages of a process that shows nothing else: made for the role that the engine's own server tells.

    `make` is called anew when the role becomes another one. Until there is an answer, nothing is shown.
    """

    def __init__(self, ask: Callable[[], Role | None], make: Callable[[Role], ASGIApp]) -> None:
        self._ask = ask
        self._make = make
        self._role: Role | None = None
        self._app: ASGIApp = PlainTextResponse(SILENT, 503, {"refresh": "3", "retry-after": "3"})

    async def refresh(self) -> None:
        """Ask for the role. A server that is away for a moment leaves it as it was."""
        role = await anyio.to_thread.run_sync(self._ask, abandon_on_cancel=True)
        if role is not None and role is not self._role:
            self._role, self._app = role, self._make(role)

    async def opened(self) -> bool:
        """Whether the role is known; waits a moment for it."""
        for _ in range(TRIES):
            if self._role is None:
                await self.refresh()
            if self._role is not None:
                return True
            await anyio.sleep(PAUSE)
        return False

    def before(self, app: ASGIApp) -> ASGIApp:
        """The application behind the gate: even a stream or a session must not tell of a role that nobody said."""

        async def gated(scope: Scope, receive: Receive, send: Send) -> None:
            await (app if await self.opened() else self._app)(scope, receive, send)

        return gated

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request for a page."""
        await self._app(scope, receive, send)
