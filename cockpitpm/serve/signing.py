"""`/session`: whether there is one, and how one begins where a token is asked for."""

from __future__ import annotations

from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from cockpitpm.serve.access import PROVEN, SESSION, Proof
from cockpitpm.serve.answer import PEOPLE, Visit, ours, sign_in
from cockpitpm.serve.guard import Door, cookie
from cockpitpm.serve.sessions import Once, same

USED = "That link was used already, and each opens once"
WRONG = "That is not the token of this server"


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
            return self._welcome(request, "/") if self._once.take(word) else self._no(request, USED, "warn")
        proof = request.scope["state"]["caller"].proof
        known = proof in PROVEN
        back = request.query_params.get("next", "")
        if known and back:
            return RedirectResponse(back if ours(back) else f"{request.scope['root_path']}/", 303)
        if known:
            return Response(status_code=204)
        return self._no(request, PEOPLE["expired"] if proof is Proof.EXPIRED else "", "info", back)

    async def _sign_in(self, request: Request) -> Response:
        if not self._door.token:
            return RedirectResponse(f"{request.scope['root_path']}/", 303)
        fields = dict(parse_qsl((await request.body()).decode("utf-8", "replace"), keep_blank_values=True))
        back = fields.get("next", "/")
        if same(fields.get("token", "").strip(), self._door.token):
            return self._welcome(request, back if ours(back) else "/")
        return self._no(request, WRONG, "bad", back)

    def _welcome(self, request: Request, path: str) -> Response:
        answer = RedirectResponse(path, 303)
        answer.raw_headers.append(cookie(self._door, self._door.sessions.fresh(), "", request.url.scheme == "https"))
        return answer

    def _no(self, request: Request, said: str, tone: str, back: str = "/") -> Response:
        headers = {"www-authenticate": 'Bearer realm="cockpitpm"'}
        by = Visit(person=True, back=back if ours(back) else "/", cookies=tuple(request.headers.getlist("cookie")))
        return HTMLResponse(sign_in(by, said, tone), 401, headers)
