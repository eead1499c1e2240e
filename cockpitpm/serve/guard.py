"""The middleware before every face: reads the facts of a request, lets `access` decide, dresses every answer."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from typing import Any

from attrs import frozen
from starlette.types import ASGIApp, Receive, Scope, Send

from cockpitpm.serve.access import RPC, Asked, Names, Proof, Refusal, allowed
from cockpitpm.serve.answer import refused, visit
from cockpitpm.serve.exchange import Body, Dressing
from cockpitpm.serve.headers import dressed, strict
from cockpitpm.serve.request import BadPrefix, Forwarded, Heard, forwarded, heard, peer_in, place
from cockpitpm.serve.sessions import Session, Sessions, same

log = logging.getLogger(__name__)

BODY_LIMITS = {RPC: 1024 * 1024}
BODY_LIMIT = 256 * 1024
"""Bytes of a body; more for those that are named."""

BAD_PREFIX = Refusal(status=400, code="prefix", said="The proxy gave a path prefix that cannot be one")
TOO_LONG = Refusal(status=413, code="body", said="The body is too long")
BUG = Refusal(status=500, code="bug", said="This is a bug of cockpitpm", hint="The server's log tells more")
NOT_HTTP = 1008


@frozen(kw_only=True)
class Door:
    """One listener. `token` is empty for a unix socket, where the kernel tells who asks: `uid` and root may.

    `user` gives the name of a user id. `frames` is who may frame its pages.
    """

    names: Names
    sessions: Sessions
    uid: int
    user: Callable[[int], str]
    token: str = ""
    frames: str = "'none'"

    @property
    def realm(self) -> str:
        """What its sessions are worth: with another token they are worth nothing."""
        return f"tcp:{self.token}" if self.token else "unix"


def always() -> bool:
    """A proof that does not end."""
    return True


@frozen(kw_only=True)
class Caller:
    """Who asks: the proof, the name for the history, the session if there is one. `owner`: no proxy is between us.

    `lasts` says, at any later time, whether the proof still holds.
    """

    proof: Proof
    actor: str
    session: Session | None
    owner: bool = False
    lasts: Callable[[], bool] = always


class Csrf:
    """The token of forms. A session begins when the first form is shown, so pages without one set no cookie."""

    def __init__(self, sessions: Sessions, caller: Caller) -> None:
        self._sessions = sessions
        self._caller = caller
        self.begun: Session | None = None

    def issue(self) -> str:
        """The token for a form of this page."""
        session = self._caller.session or self.begun
        if session is None:
            session = self.begun = self._sessions.fresh()
        return self._sessions.form_token(session, self._caller.actor)

    def check(self, token: str) -> bool:
        """Whether a form that we gave to this session carries it."""
        known = self._caller.session
        return known is not None and same(token, self._sessions.form_token(known, self._caller.actor))


class Guard:
    """ASGI. Passes on what may pass, with `root_path`, and in `state` the `actor`, `csrf`, `owner` and `caller`."""

    def __init__(self, app: ASGIApp, door: Door) -> None:
        self._app = app
        self._door = door
        self._always = strict(door.frames)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": NOT_HTTP})
            return
        said = heard(scope)
        trusted = not self._door.token and self._trusts(scope)
        try:
            via = forwarded(said) if trusted else Forwarded()
        except BadPrefix:
            await self._refuse(BAD_PREFIX, scope, said, Forwarded(), send)
            return
        caller = self._caller(scope, said, via)
        refusal = allowed(self._asked(scope, said, via, caller), self._door.names)
        if not refusal and _length(said) > _limit(scope):
            refusal = TOO_LONG
        if refusal:
            await self._refuse(refusal, scope, said, via, send)
        else:
            await self._pass(scope, receive, send, said, via, caller)

    def _trusts(self, scope: Scope) -> bool:
        peer = peer_in(scope)
        return peer is not None and peer.uid in (0, self._door.uid)

    def _asked(self, scope: Scope, said: Heard, via: Forwarded, caller: Caller) -> Asked:
        return Asked(
            method=scope["method"],
            path=scope["path"],
            host=via.host or said.all("host"),
            proof=caller.proof,
            origin=said.all("origin"),
            site=said.all("sec-fetch-site"),
            mode=said.all("sec-fetch-mode"),
            dest=said.all("sec-fetch-dest"),
            content_type=said.all("content-type"),
        )

    def _caller(self, scope: Scope, said: Heard, via: Forwarded) -> Caller:
        session = self._session(said)
        lasting = session if session and self._door.sessions.lasts(session) else None
        ended = lasting is None and bool(self._values(said))  # one of before the token changed has ended too
        if self._door.token:
            proof = self._token_proof(said, lasting, ended)
            known = lasting if proof is Proof.SESSION else None
            lasts = partial(self._door.sessions.lasts, known) if known else always
            return Caller(proof=proof, actor="tcp", session=lasting, lasts=lasts)
        peer = peer_in(scope)
        if peer is None or not self._trusts(scope):
            return Caller(proof=Proof.OTHER_USER, actor="", session=None)
        actor = via.user or self._door.user(peer.uid)
        return Caller(proof=Proof.OWNER, actor=actor, session=lasting, owner=not via.any)

    def _token_proof(self, said: Heard, session: Session | None, ended: bool) -> Proof:
        given = said.all("authorization")
        if given:
            kind, _, token = given[0].partition(" ")
            right = len(given) == 1 and kind.lower() == "bearer" and same(token.strip(), self._door.token)
            return Proof.TOKEN if right else Proof.WRONG
        if session:
            return Proof.SESSION
        return Proof.EXPIRED if ended else Proof.NONE

    def _session(self, said: Heard) -> Session | None:
        """The session of the first cookie that is ours; somebody may have planted another of its name."""
        found = (self._door.sessions.read(value, self._door.realm) for value in self._values(said))
        return next((session for session in found if session), None)

    def _values(self, said: Heard) -> list[str]:
        return [value for line in said.all("cookie") for value in _cookies(line, self._door.sessions.name)]

    async def _refuse(self, refusal: Refusal, scope: Scope, said: Heard, via: Forwarded, send: Send) -> None:
        query = scope["query_string"].decode("latin-1")
        by = visit(scope["method"], said, via.prefix, scope["path"], query)
        headers, body = refused(refusal, scope["path"], by)
        start = {"type": "http.response.start", "status": refusal.status, "headers": dressed(headers, self._always)}
        await send(start)
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})

    async def _pass(
        self, scope: Scope, receive: Receive, send: Send, said: Heard, via: Forwarded, caller: Caller
    ) -> None:
        csrf = Csrf(self._door.sessions, caller)
        body = Body(receive, _limit(scope))
        before = dict(scope)
        state: dict[str, Any] = {"actor": caller.actor, "csrf": csrf, "owner": caller.owner, "caller": caller}
        scope = {**scope, "state": {**scope.get("state", {}), **state}}
        place(scope, via.prefix)
        answer = Dressing(send, body, lambda: self._cookies(csrf, via), self._always)
        try:
            await self._app(scope, body.receive, answer.send)
        except Exception:
            if not (body.over or body.gone):
                log.exception("%s %s", scope["method"], scope["path"])
            if answer.started and not answer.ended:
                raise  # half an answer: the connection must end, so that nobody takes it for a whole one
            if not (answer.started or body.over):
                await self._refuse(BUG, before, said, via, send)
        if body.over and not answer.started:
            await self._refuse(TOO_LONG, before, said, via, send)

    def _cookies(self, csrf: Csrf, via: Forwarded) -> list[tuple[bytes, bytes]]:
        return [cookie(self._door, csrf.begun, via.prefix, via.secure)] if csrf.begun else []


def cookie(door: Door, session: Session, prefix: str, secure: bool) -> tuple[bytes, bytes]:
    """The header that gives a browser its session, for our own part of the origin only."""
    value = f"{door.sessions.name}={door.sessions.cookie(session, door.realm)}"
    words = [value, f"Path={prefix or '/'}", "HttpOnly", "SameSite=Strict", *(["Secure"] if secure else [])]
    return b"set-cookie", "; ".join(words).encode()


def _cookies(line: str, name: str) -> list[str]:
    """The values that a Cookie header gives this name."""
    pairs = (part.strip().partition("=") for part in line.split(";"))
    return [value.strip('"') for key, _, value in pairs if key == name]


def _limit(scope: Scope) -> int:
    return BODY_LIMITS.get(scope["path"], BODY_LIMIT)


def _length(said: Heard) -> int:
    """What the sender says it is going to send; what it really sends is counted as it comes."""
    text = said.one("content-length")
    return int(text) if text.isdecimal() and len(text) < 16 else 0
