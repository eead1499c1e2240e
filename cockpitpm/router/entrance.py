"""Every request: who asks, where it leads, and what the router says itself where it leads nowhere."""

from __future__ import annotations

from pathlib import Path

import anyio
from starlette.types import Message, Receive, Scope, Send

from cockpitpm.router import headers
from cockpitpm.router.gate import Exchange, Gate, Shut
from cockpitpm.router.law import Elsewhere, NoWay, Way, find
from cockpitpm.router.plain import AWAY, GUARD, answer
from cockpitpm.router.proxy import Carrier, Patience, Trouble

HOME = "/hero_cockpit/web/"
"""Where `/` leads: the page on which a machine shows itself."""


class Entrance:
    """The ASGI application. `user` is who has the token, told to services as X-Hero-User; empty if nobody knows."""

    def __init__(self, root: Path, gate: Gate, patience: Patience, user: str) -> None:
        self._carrier = Carrier(root=root, patience=patience)
        self._gate = gate
        self._user = user
        self._lives: set[anyio.CancelScope] = set()
        self._stopping = False

    def stop(self) -> None:
        """End every open stream. Call it in the thread of the loop."""
        self._stopping = True
        for life in self._lives:
            life.cancel()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        life = anyio.CancelScope()
        begun = False

        async def telling(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        self._lives.add(life)
        if self._stopping:
            life.cancel()
        bug = ""
        with life:
            try:
                await self._answer(scope, receive, telling)
            except Exception as error:  # noqa: BLE001  whatever it is, it is ours, and other guests must not notice
                bug = type(error).__name__
        self._lives.discard(life)
        if bug and not begun:
            await _say(scope, send, 500, f"This is a bug of the router: {bug}", "Report it")
        if life.cancelled_caught and not begun:
            await _say(scope, send, 503, "This router is stopping", "Start it again and open the link that it prints")

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        fields = [(bytes(n), bytes(v)) for n, v in scope["headers"]]
        path = scope["raw_path"].decode("latin-1")
        judged = self._gate.judge(scope["method"], scope["query_string"], fields)
        way = find(path)
        if isinstance(judged, Shut):
            await _say(scope, send, judged.status, judged.sentence, judged.hint)
        elif isinstance(judged, Exchange):
            # A path that is none of ours could name another host, as `//host` and `/\host` do.
            there = path if isinstance(way, Way | Elsewhere) else "/"
            query = f"?{judged.query.decode('latin-1')}" if judged.query else ""
            await _lead(send, 303, there + query, judged.cookie)
        elif path == "/":
            await _lead(send, 303, HOME)
        elif isinstance(way, Elsewhere):
            await _lead(send, 308, way.path)
        elif isinstance(way, NoWay):
            await _say(scope, send, way.status, way.sentence, "Nothing was asked of any service")
        else:
            told = headers.request(judged.fields, way.door, judged.host, self._user)
            trouble = await self._carrier.carry(way, told, scope, receive, send)
            if trouble:
                await _say(scope, send, trouble.status, trouble.sentence, _way_out(trouble, way))


def _way_out(trouble: Trouble, way: Way) -> str:
    if trouble.status in AWAY:
        return f"See `cockpitpm explain {way.door.service}`, and `cockpitpm status` for what runs"
    return "Send it again"


async def _say(scope: Scope, send: Send, status: int, sentence: str, hint: str) -> None:
    fields, body = answer(status, sentence, hint, scope["headers"], scope["method"])
    await send({"type": "http.response.start", "status": status, "headers": fields})
    await send({"type": "http.response.body", "body": body})


async def _lead(send: Send, status: int, path: str, cookie: str = "") -> None:
    """To another path of this router."""
    fields = [(b"location", path.encode("latin-1")), (b"content-length", b"0"), *GUARD]
    if cookie:
        fields.append((b"set-cookie", cookie.encode()))
    await send({"type": "http.response.start", "status": status, "headers": fields})
    await send({"type": "http.response.body", "body": b""})
