"""`/session`: whether there is one, and how one begins where a token is asked for."""

from __future__ import annotations

from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from cockpitpm.serve.access import PROVEN, SESSION
from cockpitpm.serve.answer import sign_in
from cockpitpm.serve.guard import Door, cookie
from cockpitpm.serve.sessions import Once, same


class Signing:
    """The route of one listener. `once` are the words of links that open it one time each."""

    def __init__(self, door: Door, once: Once) -> None:
        self._door = door
        self._once = once

    def route(self) -> Route:
        """Where it is."""
        return Route(SESSION, self._answer, methods=["GET", "POST"])

    async def _answer(self, request: Request) -> Response:
        if request.method == "POST":
            return await self._sign_in(request)
        if self._door.token and (word := request.query_params.get("token", "")):
            return self._welcome(request, "/") if self._once.take(word) else self._no("That link was used already")
        known = request.scope["state"]["caller"].proof in PROVEN
        back = request.query_params.get("next", "")
        if known and back:
            return RedirectResponse(back if _ours(back) else f"{request.scope['root_path']}/", 303)
        return Response(status_code=204) if known else self._no("This needs a token", back)

    async def _sign_in(self, request: Request) -> Response:
        if not self._door.token:
            return RedirectResponse(f"{request.scope['root_path']}/", 303)
        fields = dict(parse_qsl((await request.body()).decode("utf-8", "replace"), keep_blank_values=True))
        back = fields.get("next", "/")
        if same(fields.get("token", "").strip(), self._door.token):
            return self._welcome(request, back if _ours(back) else "/")
        return self._no("That is not the token of this server", back)

    def _welcome(self, request: Request, path: str) -> Response:
        answer = RedirectResponse(path, 303)
        answer.raw_headers.append(cookie(self._door, self._door.sessions.fresh(), "", request.url.scheme == "https"))
        return answer

    def _no(self, said: str, back: str = "/") -> Response:
        headers = {"www-authenticate": 'Bearer realm="cockpitpm"'}
        return HTMLResponse(sign_in(f"{said}.", "", back if _ours(back) else "/"), 401, headers)


def _ours(path: str) -> bool:
    """Whether it stays on this origin: a path, and no other host in disguise."""
    return path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable() and "\\" not in path
