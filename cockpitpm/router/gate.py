"""Who comes in. A loopback port can be reached by every user of the machine, so the router asks for its token.

As with notebooks: a link with `?token=` is exchanged for a cookie, programs send `Authorization: Bearer`. A name that
was bent to lead to loopback (DNS rebinding) is told by its Host, a page of another port by its Origin.
"""

from __future__ import annotations

import hashlib
import hmac
from urllib.parse import unquote_plus

from attrs import field, frozen

from cockpitpm.router.headers import Fields, value

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
NAMES = ("127.0.0.1", "localhost", "[::1]")


@frozen(kw_only=True)
class Open:
    """Let in. `fields` are those of the request without the router's own token and cookie."""

    host: bytes
    fields: Fields


@frozen(kw_only=True)
class Exchange:
    """The token of the link becomes a cookie; the guest goes on to the same path without it."""

    query: bytes
    cookie: str


@frozen(kw_only=True)
class Shut:
    """Not let in, and why."""

    status: int
    sentence: str
    hint: str


@frozen(kw_only=True)
class Gate:
    """The rules of one router. `port` is where it listens."""

    token: str = field(repr=False)
    port: int

    @property
    def cookie(self) -> str:
        """The name of the cookie. A browser gives a cookie to every port, so the port is in it."""
        return f"cockpitpm_router_{self.port}"

    @property
    def pass_(self) -> str:
        """The value of the cookie: proves that its owner once had the token, and is not the token."""
        return hmac.new(self.token.encode(), b"cockpitpm router cookie", hashlib.sha256).hexdigest()

    def judge(self, method: str, query: bytes, fields: Fields) -> Open | Exchange | Shut:
        """What becomes of a request."""
        hosts = [v for n, v in fields if n == b"host"]
        if len(hosts) != 1 or hosts[0].lower() not in self._hosts():
            return Shut(
                status=421,
                sentence="This router answers to the names of loopback only",
                hint=f"Open http://127.0.0.1:{self.port}/",
            )
        if method in ("GET", "HEAD") and self._in_query(query):
            return Exchange(query=_without_token(query), cookie=self._set_cookie())
        if _same(value(fields, b"authorization"), b"Bearer " + self.token.encode()):
            return Open(host=hosts[0], fields=[(n, v) for n, v in fields if n != b"authorization"])
        if not self._has_cookie(fields):
            return Shut(
                status=401,
                sentence="This router asks for its token",
                hint="Open the link that it printed when it started, or send the token as Authorization: Bearer",
            )
        if method not in SAFE and not _own_page(fields, hosts[0]):
            return Shut(
                status=403,
                sentence="Another page sent this, so nothing was changed",
                hint="Do it on the page of the service itself",
            )
        return Open(host=hosts[0], fields=self._without_cookie(fields))

    def _hosts(self) -> frozenset[bytes]:
        spelled = {f"{name}:{self.port}".encode() for name in NAMES}
        return frozenset(spelled | ({name.encode() for name in NAMES} if self.port == 80 else set()))

    def _in_query(self, query: bytes) -> bool:
        return any(_same(said, self.token.encode()) for said in map(_token, query.split(b"&")) if said is not None)

    def _has_cookie(self, fields: Fields) -> bool:
        return any(
            name == self.cookie and _same(said.encode("latin-1"), self.pass_.encode())
            for n, v in fields
            if n == b"cookie"
            for name, said in _pairs(v)
        )

    def _without_cookie(self, fields: Fields) -> Fields:
        """The service gets the guest's other cookies."""
        left: Fields = []
        for n, v in fields:
            if n == b"cookie":
                v = b";".join(part for part in v.split(b";") if _pair(part)[0] != self.cookie).strip()
            if n != b"cookie" or v:
                left.append((n, v))
        return left

    def _set_cookie(self) -> str:
        return f"{self.cookie}={self.pass_}; HttpOnly; SameSite=Strict; Path=/"


def _same(said: bytes, meant: bytes) -> bool:
    """In a time that tells nothing about where they differ."""
    return hmac.compare_digest(hashlib.sha256(said).digest(), hashlib.sha256(meant).digest())


def _own_page(fields: Fields, host: bytes) -> bool:
    """Whether a browser says that a page of this very router asks; programs say nothing."""
    origin, site = value(fields, b"origin"), value(fields, b"sec-fetch-site")
    return origin in (b"", b"http://" + host) and site in (b"", b"same-origin", b"none")


def _token(part: bytes) -> bytes | None:
    """The value of a part of the query if it is called token."""
    name, _, said = part.partition(b"=")
    if unquote_plus(name.decode("latin-1")) != "token":
        return None
    return unquote_plus(said.decode("latin-1")).encode()


def _without_token(query: bytes) -> bytes:
    return b"&".join(part for part in query.split(b"&") if _token(part) is None)


def _pairs(cookies: bytes) -> list[tuple[str, str]]:
    return [_pair(part) for part in cookies.split(b";")]


def _pair(part: bytes) -> tuple[str, str]:
    name, _, said = part.decode("latin-1").partition("=")
    return name.strip(), said.strip()
