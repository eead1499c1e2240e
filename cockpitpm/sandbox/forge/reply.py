"""An answer before it is sent, and the bodies that the forge uses for errors."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

from attrs import Factory, frozen

from cockpitpm.sandbox.forge.content import Content, InMemory

_API: Final = {
    "Content-Type": "application/json;charset=utf-8",
    "Cache-Control": "max-age=0, private, must-revalidate, no-transform",
}


@frozen(kw_only=True)
class Reply:
    """Status, headers and a body; of the body, `length` bytes from `start` on are sent (None: all)."""

    status: int
    headers: Mapping[str, str] = Factory(dict)
    content: Content = Factory(lambda: InMemory(b""))
    start: int = 0
    length: int | None = None

    @property
    def size(self) -> int:
        """How many bytes of the body are sent."""
        return self.content.size - self.start if self.length is None else self.length


def document(value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Reply:
    """A JSON answer of the API."""
    body = json.dumps(value, separators=(",", ":")).encode() + b"\n"
    return Reply(status=status, headers={**_API, **(headers or {})}, content=InMemory(body))


def error(status: int, message: str, base: str) -> Reply:
    """An error of the API. A 404 carries an empty list of errors beside the message."""
    body: dict[str, object] = {"message": message, "url": f"{base}/api/swagger"}
    return document({**body, "errors": []} if status == 404 else body, status)


def nothing() -> Reply:
    """Done, and nothing to say."""
    return Reply(status=204)


def page(status: int, text: str, kind: str = "text/plain; charset=utf-8") -> Reply:
    """An answer of the web routes."""
    return Reply(status=status, headers={"Content-Type": kind}, content=InMemory(text.encode()))


def redirect(status: int, location: str) -> Reply:
    """Look elsewhere."""
    return Reply(status=status, headers={"Location": location})
