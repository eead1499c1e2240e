"""Reads one JSON document from a forge's API and says in our words why there is none.

No document has pages: a release has its assets in it, and of commits only their number is asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from attrs import Factory, frozen
from urllib3.response import BaseHTTPResponse

from cockpitpm.errors import ForgeDenied, ForgeError, ForgeUnreachable
from cockpitpm.forges import fields, words
from cockpitpm.forges.access import STORE, Access, Warn, joined, origin
from cockpitpm.forges.patience import Deadline
from cockpitpm.forges.wire import Wire, pieces

MAX_BODY: Final = 4 * 1024 * 1024
_MOVED: Final = frozenset({301, 302, 307, 308})
_UNKNOWN: Final = frozenset({404, 500})
"""What a forge says about a commit that it does not have: 404 to list it, 500 to leave it out."""


@frozen(kw_only=True)
class Answer:
    """What came: the body of a success, or the address to ask instead, or only the status of what is not there."""

    status: int
    headers: Mapping[str, str] = Factory(dict)
    body: bytes = b""
    moved_to: str = ""


class Api:
    """The API below `base`, such as `https://git.example.org/api/v1`."""

    def __init__(self, wire: Wire, access: Access, base: str, warn: Warn) -> None:
        self._wire = wire
        self._access = access
        self._base = base
        self._warn = warn
        self._told: set[tuple[str, ...]] = set()

    def get(self, path: str, deadline: Deadline) -> fields.Fields | None:
        """The object at `path`, None for 404.

        Raises ForgeDenied, ForgeUnreachable, or ForgeError for an answer that is none.
        """
        answer = self._follow(path, deadline, frozenset({404}))
        return fields.read(answer.body, _called(deadline)) if answer.status == 200 else None

    def count(self, path: str, deadline: Deadline) -> int | None:
        """How many entries the list at `path`, which asks for one of them, has in all. Raises as `get`.

        None if the forge does not know what is asked about (500 means that here), or tells no number that can be true.
        """
        answer = self._follow(path, deadline, _UNKNOWN)
        if answer.status != 200:
            return None
        told, listed = answer.headers.get("X-Total-Count", ""), fields.length(answer.body, _called(deadline))
        plain = told.isascii() and told.isdecimal() and len(told) < 16
        return int(told) if plain and (int(told) > 0) == (listed > 0) else None

    def _follow(self, path: str, deadline: Deadline, absent: frozenset[int]) -> Answer:
        """The answer, after one redirect if need be; `absent` are the statuses that are answers without a body."""
        url = f"{self._base}/{path}"
        answer = self._ask(url, deadline, absent)
        if answer.moved_to:
            answer = self._ask(answer.moved_to, deadline, absent)
        if answer.moved_to:
            raise ForgeError(f"{deadline.who}: redirects more than once", f"Check the address of {_host(url)}")
        return answer

    def _ask(self, url: str, deadline: Deadline, absent: frozenset[int]) -> Answer:
        header = self._access.header(url)
        with self._wire.get(url, {"Accept": "application/json", **header}, deadline) as response:
            if response.status == 401 and header:
                self._access.refuse()
            else:
                return self._judge(response, url, deadline, absent)
        return self._ask(url, deadline, absent)

    def _judge(self, response: BaseHTTPResponse, url: str, deadline: Deadline, absent: frozenset[int]) -> Answer:
        if response.status == 200:
            return Answer(status=200, headers=response.headers, body=_body(response, url, deadline))
        if response.status in absent:
            return Answer(status=response.status)
        if response.status in _MOVED:
            return Answer(status=response.status, moved_to=self._moved(response, url, deadline))
        said = _message(response, url, deadline)
        if response.status == 401:
            raise ForgeDenied(f"{deadline.who}: {_host(url)} asks for a token{said}", STORE)
        if response.status == 403:
            hint = "The token needs scope read:repository" if self._access.token else STORE
            raise ForgeDenied(f"{deadline.who}: {_host(url)} refuses{said}", hint)
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
            shown = words.address(target)
            raise ForgeError(f"{deadline.who}: redirected out of the API to {shown}", "Correct the forge's url")
        repository = tuple(url.removeprefix(f"{self._base}/").split("/")[:3])
        if repository not in self._told:
            self._told.add(repository)
            path = words.plain(urlsplit(target).path)
            self._warn(f"{deadline.who}: the repository was renamed, now at {path}. Correct the bundle")
        return target


def _called(deadline: Deadline) -> str:
    return f"{deadline.who}: the answer"


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
    length, hint = response.headers.get("Content-Length", "0"), f"Check what stands in front of {_host(url)}"
    if not (length.isascii() and length.isdecimal() and len(length) < 16):
        raise ForgeError(f"{deadline.who}: the answer has the length {words.plain(length, 30)}", hint)
    if response.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise ForgeError(f"{deadline.who}: the answer is compressed, unasked", hint)
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
