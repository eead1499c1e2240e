"""The path law: which socket a path means. Pure; knows no file and no header.

`rpc`, `rest`, `admin`, `web` and `ui` mean the socket of that name, any other word `w` means `web_w.sock`. So a socket
that does not speak HTTP, such as `resp.sock`, has no path.
"""

from __future__ import annotations

import re
from urllib.parse import unquote_to_bytes

from attrs import frozen

KINDS = ("admin", "rest", "rpc", "ui", "web")
NAME = r"[a-z0-9_]{1,64}"
_PATH = re.compile(rf"/({NAME})/({NAME})(/.*)?", re.DOTALL)
_SOCKET = re.compile(rf"({NAME})/((?:web_)?{NAME})\.sock")
_GRAPHIC = re.compile(r"[!-~]+")


@frozen(kw_only=True)
class Door:
    """A socket and the path in front of it. `socket` is relative to the socket root."""

    service: str
    word: str

    @property
    def socket(self) -> str:
        """The socket that is meant."""
        return f"{self.service}/{self.word if self.word in KINDS else f'web_{self.word}'}.sock"

    @property
    def prefix(self) -> str:
        """What is taken off the path, and told to the service instead."""
        return f"/{self.service}/{self.word}"


@frozen(kw_only=True)
class Way:
    """A path that leads somewhere: `target` is what the service is asked for, raw and without the prefix."""

    door: Door
    target: str


@frozen(kw_only=True)
class Elsewhere:
    """A path that lacks its last slash: relative links of a page would lead astray."""

    path: str


@frozen(kw_only=True)
class NoWay:
    """A path that leads nowhere, and why: status 400 for one that no program writes by itself, else 404."""

    status: int
    sentence: str


def find(path: str) -> Way | Elsewhere | NoWay:
    """Where a raw path (no query, percent signs as they came) leads.

    `/{service}/rpc` alone means `/rpc`, where every service of the kind listens.
    """
    if not _GRAPHIC.fullmatch(path):
        return NoWay(status=400, sentence="This path has a character that belongs encoded")
    found = _PATH.fullmatch(path)
    if found is None:
        return NoWay(status=404, sentence="A path here begins with /service/kind/, such as /hero_cockpit/web/")
    door, target = Door(service=found[1], word=found[2]), found[3]
    if target is None:
        return Way(door=door, target="/rpc") if door.word == "rpc" else Elsewhere(path=f"{door.prefix}/")
    if _climbs(target):
        return NoWay(status=400, sentence="This path has a . or .. in it, which could lead out of the service")
    return Way(door=door, target=target)


def door_of(socket: str) -> Door | None:
    """The door of a socket path below the socket root; None for one that the law gives no path."""
    found = _SOCKET.fullmatch(socket)
    if found is None:
        return None
    door = Door(service=found[1], word=found[2].removeprefix("web_"))
    return door if door.word and door.socket == socket else None


def _climbs(target: str) -> bool:
    """Whether a segment means this folder or the one above, however it is spelled."""
    plain = unquote_to_bytes(target).replace(b"\\", b"/")
    return any(segment.split(b";")[0] in (b".", b"..") for segment in plain.split(b"/"))
