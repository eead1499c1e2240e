"""Reads one JSON document from a forge's API and says in our words why there is none."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from urllib3.response import BaseHTTPResponse

from cockpitpm.errors import ForgeDenied, ForgeError, ForgeUnreachable
from cockpitpm.forges import fields, words
from cockpitpm.forges.access import Access, Warn, joined, origin
from cockpitpm.forges.patience import Deadline
from cockpitpm.forges.wire import Wire, pieces

MAX_BODY: Final = 4 * 1024 * 1024
_MOVED: Final = frozenset({301, 302, 307, 308})


class Api:
    """The API below `base`, such as `https://git.example.org/api/v1`."""

    def __init__(self, wire: Wire, access: Access, base: str, warn: Warn) -> None:
        self._wire = wire
        self._access = access
        self._base = base
        self._warn = warn
        self._told: set[str] = set()

    def get(self, path: str, deadline: Deadline) -> fields.Fields | None:
        """The object at `path`, None for 404.

        Raises ForgeDenied, ForgeUnreachable, or ForgeError for an answer that is none.
        """
        url = f"{self._base}/{path}"
        answer = self._ask(url, deadline)
        if isinstance(answer, str):
            answer = self._ask(answer, deadline)
        if isinstance(answer, str):
            raise ForgeError(f"{deadline.who}: redirects more than once", f"Check the address of {_host(url)}")
        return None if answer is None else fields.read(answer, deadline.who)

    def _ask(self, url: str, deadline: Deadline) -> bytes | str | None:
        """The body; or the address to ask instead; or None for 404."""
        header = self._access.header(url)
        with self._wire.get(url, {"Accept": "application/json", **header}, deadline) as response:
            if response.status == 401 and header:
                self._access.refuse()
            else:
                return self._judge(response, url, deadline)
        return self._ask(url, deadline)

    def _judge(self, response: BaseHTTPResponse, url: str, deadline: Deadline) -> bytes | str | None:
        if response.status == 200:
            return _body(response, url, deadline)
        if response.status == 404:
            return None
        if response.status in _MOVED:
            return self._moved(response, url, deadline)
        said = _message(response, url, deadline)
        if response.status == 401:
            raise ForgeDenied(f"{deadline.who}: {_host(url)} asks for a token{said}", "Store a token for this forge")
        if response.status == 403:
            raise ForgeDenied(f"{deadline.who}: {_host(url)} refuses{said}", "The token needs scope read:repository")
        if response.status >= 500:
            raise ForgeUnreachable(f"{deadline.who}: answers {response.status}{said}", f"Is {_host(url)} healthy?")
        raise ForgeError(f"{deadline.who}: answers {response.status}{said}", f"Is {_host(url)} a forge?")

    def _moved(self, response: BaseHTTPResponse, url: str, deadline: Deadline) -> str:
        """Where a renamed repository is now. Only within this API: a token or a trust must not move elsewhere."""
        target = joined(url, response.headers.get("Location", ""))
        try:
            inside = origin(target) == origin(url) and target.startswith(f"{self._base}/")
        except ValueError:
            inside = False
        if not inside:
            shown = words.plain(target, 80)
            raise ForgeError(f"{deadline.who}: redirected out of the API to {shown}", "Correct the forge's url")
        if deadline.who not in self._told:
            self._told.add(deadline.who)
            path = words.plain(urlsplit(target).path)
            self._warn(f"{deadline.who}: the repository was renamed, now at {path}. Correct the bundle")
        return target


def _host(url: str) -> str:
    return urlsplit(url).netloc


def _body(response: BaseHTTPResponse, url: str, deadline: Deadline) -> bytes:
    """The body of a success. Raises ForgeError where it is no JSON, encoded, or over 4 MiB."""
    kind = response.headers.get("Content-Type", "").lower()
    if "html" in kind:
        raise ForgeError(
            f"{deadline.who}: {_host(url)} answered with a web page instead of data",
            "Something in front of it wants a browser or a sign-in, or the url is not the forge's",
        )
    if response.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise ForgeError(f"{deadline.who}: the answer is compressed, unasked", f"Check what fronts of {_host(url)}")
    return _limited(response, url, deadline)


def _limited(response: BaseHTTPResponse, url: str, deadline: Deadline) -> bytes:
    body = bytearray()
    for piece in pieces(response, url, deadline):
        body += piece
        if len(body) > MAX_BODY:
            raise ForgeError(f"{deadline.who}: the answer is over 4 MiB", "A release with fewer assets would work")
    return bytes(body)


def _message(response: BaseHTTPResponse, url: str, deadline: Deadline) -> str:
    """What the forge says about an error, for people only; empty if it says nothing that can be shown."""
    try:
        said = fields.read(_limited(response, url, deadline), "").text("message")
    except ForgeError:
        return ""
    return f" ({words.plain(said)})"
