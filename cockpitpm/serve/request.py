"""The facts of one request as its headers tell them, and what a trusted proxy of this machine adds to them."""

from __future__ import annotations

import re

from attrs import frozen
from starlette.types import Scope

from cockpitpm.serve.peers import Peer

PREFIX = re.compile(r"(?:/[A-Za-z0-9_.-]{1,64}){0,4}")
USER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}")
FORWARDED = ("x-forwarded-prefix", "x-forwarded-host", "x-forwarded-proto", "x-hero-user")


class BadPrefix(ValueError):
    """A proxy gave a path prefix that cannot be one."""


@frozen(kw_only=True)
class Heard:
    """Headers by small name, every value of each in order; bytes are read as Latin-1, which loses none."""

    headers: dict[str, tuple[str, ...]]

    def all(self, name: str) -> tuple[str, ...]:
        """Every value of a header."""
        return self.headers.get(name, ())

    def one(self, name: str) -> str:
        """The value of a header that stands there once; else empty."""
        found = self.all(name)
        return found[0] if len(found) == 1 else ""


@frozen(kw_only=True)
class Forwarded:
    """What a proxy said. `user` is empty where it named none that can be one."""

    prefix: str = ""
    host: tuple[str, ...] = ()
    secure: bool = False
    user: str = ""
    any: bool = False


def heard(scope: Scope) -> Heard:
    """The headers of a request."""
    found: dict[str, tuple[str, ...]] = {}
    for name, value in scope["headers"]:
        key = name.decode("latin-1").lower()
        found[key] = (*found.get(key, ()), value.decode("latin-1").strip())
    return Heard(headers=found)


def forwarded(said: Heard) -> Forwarded:
    """What a proxy said; ask only for one that is trusted. Raises BadPrefix."""
    prefixes = said.all("x-forwarded-prefix")
    prefix = said.one("x-forwarded-prefix").rstrip("/")
    if len(prefixes) > 1 or not PREFIX.fullmatch(prefix) or {".", ".."} & set(prefix.split("/")):
        raise BadPrefix
    user = said.one("x-hero-user")
    return Forwarded(
        prefix=prefix,
        host=said.all("x-forwarded-host"),
        secure=said.one("x-forwarded-proto") == "https",
        user=user if USER.fullmatch(user) else "",
        any=any(said.all(name) for name in FORWARDED),
    )


def peer_in(scope: Scope) -> Peer | None:
    """Who is at the other end, as the connection found out."""
    found = scope.get("state", {}).get("peer")
    return found if isinstance(found, Peer) else None


def place(scope: Scope, prefix: str) -> None:
    """Tell the application under which prefix it is seen; its path is the whole one, as the browser has it."""
    scope["root_path"] = prefix
    scope["path"] = prefix + scope["path"]
    scope["raw_path"] = prefix.encode() + (scope.get("raw_path") or b"")
