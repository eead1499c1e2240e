"""Brings the bytes of one asset to a sink: exactly as many as were announced, as they are, within a time.

It knows sizes and names, not digests: whoever owns the sink hashes. What breaks off goes on where it stopped, if the
forge says with its ETag that the rest is of the same upload; else the download ends, and the next one begins anew.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from urllib3.response import BaseHTTPResponse

from cockpitpm.errors import ForgeDenied, ForgeError, ForgeUnreachable, ReleaseNotReady
from cockpitpm.forges import words
from cockpitpm.forges.access import STORE, Access, joined, origin
from cockpitpm.forges.part import Part
from cockpitpm.forges.patience import Deadline, Pace
from cockpitpm.forges.wire import Cut, Torn, Wire, pieces
from cockpitpm.model.release import Asset
from cockpitpm.ports import Sink

HOPS: Final = 5
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})


def download(wire: Wire, access: Access, asset: Asset, sink: Sink, deadline: Deadline) -> None:
    """Give the bytes of the asset to `sink`.

    Raises AssetBroken, ReleaseNotReady (it was replaced meanwhile), ForgeDenied, ForgeUnreachable, ForgeError.
    """
    part = Part(asset, sink, deadline.who)
    attempt = 1
    while True:
        before = part.given
        try:
            _request(wire, access, part, deadline)
            part.whole()
            return
        except Torn as error:
            if attempt >= wire.patience.attempts or part.given == before or not part.goes_on:
                if isinstance(error, Cut):
                    raise part.short() from error
                raise ForgeUnreachable(error.message, error.hint) from error
        deadline.rest(attempt, None)
        attempt += 1


def _request(wire: Wire, access: Access, part: Part, deadline: Deadline) -> None:
    """One request for what is still missing, through its redirects."""
    url, trusted, secure = part.asset.url, True, access.origin[0] == "https"
    for _hop in range(HOPS + 1):
        here = _checked(url, secure, access, deadline)
        secure = secure or here[0] == "https"
        trusted = trusted and (here == origin(part.asset.url))
        header = access.header(url) if trusted else {}
        with wire.get(url, {**header, **part.asked()}, deadline) as response:
            if response.status == 401 and header:
                access.refuse()
            elif response.status in _REDIRECTS:
                url = _next(response, url, deadline)
            else:
                _receive(response, url, part, deadline)
                return
    raise ForgeError(f"{deadline.who}: more than {HOPS} redirects", f"Check {urlsplit(part.asset.url).netloc}")


def _checked(url: str, secure: bool, access: Access, deadline: Deadline) -> tuple[str, str, int]:
    """The origin of an address that may be asked. Raises ForgeError for the others, however we were led there."""
    try:
        here = origin(url)
    except ValueError:
        shown = words.address(url)
        hint = "Correct the address on the forge"
        raise ForgeError(f"{deadline.who}: {shown} is not an http or https address", hint) from None
    if secure and here[0] != "https":
        raise ForgeError(f"{deadline.who}: led from https to http at {here[1]}", "Correct the forge's own address")
    if refusal := access.reach.refusal(here):
        hint = "If the forge keeps its files there, name the host as `storage` of the forge in machine.yaml"
        raise ForgeError(f"{deadline.who}: {refusal}", hint)
    return here


def _next(response: BaseHTTPResponse, url: str, deadline: Deadline) -> str:
    target = joined(url, response.headers.get("Location", ""))
    if target.partition("?")[0].rstrip("/").endswith("/user/login"):
        host = urlsplit(url).netloc
        raise ForgeDenied(f"{deadline.who}: {host} wants a sign-in", STORE)
    return target


def _receive(response: BaseHTTPResponse, url: str, part: Part, deadline: Deadline) -> None:
    if part.given and response.status == 206:
        part.continued(response.headers)
    else:
        _judge(response, url, deadline)
        part.begun(response.headers)
    patience = deadline.patience
    pace = Pace(patience, deadline.who)
    source = pieces(response, url, deadline)
    while True:
        began = patience.monotonic()
        piece = next(source, None)
        if piece is None:
            break
        pace.moved(len(piece), patience.monotonic() - began)
        part.take(piece)
    if part.missing:
        raise Cut(f"{deadline.who}: ended early", "Try again later")


def _judge(response: BaseHTTPResponse, url: str, deadline: Deadline) -> None:
    """Let only a plain success pass; a part of a file (206) is not what was asked for."""
    host, status = urlsplit(url).netloc, response.status
    if status == 200:
        return
    if status in {401, 403}:
        raise ForgeDenied(f"{deadline.who}: {host} refuses the download ({status})", STORE)
    if status in {404, 410}:
        raise ReleaseNotReady(
            f"{deadline.who}: {host} no longer has it", "It is probably being replaced: try again in a minute"
        )
    if status >= 500:
        raise ForgeUnreachable(f"{deadline.who}: {host} answers {status}", f"Is {host} healthy?")
    raise ForgeError(f"{deadline.who}: {host} answers {status}", f"Is {host} a forge?")
