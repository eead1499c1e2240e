"""Brings the bytes of one asset to a sink: exactly as many as were announced, as they are, within a time.

It knows sizes and names, not digests: whoever owns the sink hashes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final
from urllib.parse import urlsplit

from urllib3.response import BaseHTTPResponse

from cockpitpm.errors import AssetBroken, ForgeDenied, ForgeError, ForgeUnreachable, ReleaseNotReady
from cockpitpm.forges import words
from cockpitpm.forges.access import STORE, Access, inward, joined, origin
from cockpitpm.forges.patience import Deadline, Pace
from cockpitpm.forges.wire import Cut, Wire, pieces
from cockpitpm.model.release import Asset
from cockpitpm.ports import Sink

HOPS: Final = 5
_GATHERED: Final = 64 * 1024
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_UUID: Final = re.compile(r'(?:W/)?"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"')


def download(wire: Wire, access: Access, asset: Asset, sink: Sink, deadline: Deadline) -> None:
    """Give the bytes of the asset to `sink`.

    Raises AssetBroken, ReleaseNotReady (it was replaced meanwhile), ForgeDenied, ForgeUnreachable, ForgeError.
    """
    url, trusted = asset.url, True
    for _hop in range(HOPS + 1):
        here = _checked(url, asset, access, deadline)
        trusted = trusted and (here == origin(asset.url))
        header = access.header(url) if trusted else {}
        with wire.get(url, header, deadline) as response:
            if response.status == 401 and header:
                access.refuse()
            elif response.status in _REDIRECTS:
                url = _next(response, url, deadline)
            else:
                _receive(response, url, asset, sink, deadline)
                return
    raise ForgeError(f"{deadline.who}: more than {HOPS} redirects", f"Check {urlsplit(asset.url).netloc}")


def _checked(url: str, asset: Asset, access: Access, deadline: Deadline) -> tuple[str, str, int]:
    """The origin of an address that may be asked. Raises ForgeError for the others, however we were led there."""
    try:
        here = origin(url)
        secure = "https" in {access.origin[0], origin(asset.url)[0]}
    except ValueError:
        shown = words.address(url)
        hint = "Correct the address on the forge"
        raise ForgeError(f"{deadline.who}: {shown} is not an http or https address", hint) from None
    if secure and here[0] != "https":
        raise ForgeError(f"{deadline.who}: led from https to http at {here[1]}", "Correct the forge's own address")
    if inward(here[1]) and not inward(access.origin[1]):
        raise ForgeError(f"{deadline.who}: led to {here[1]}, inside this machine or its link", "Check the forge")
    return here


def _next(response: BaseHTTPResponse, url: str, deadline: Deadline) -> str:
    target = joined(url, response.headers.get("Location", ""))
    if target.partition("?")[0].rstrip("/").endswith("/user/login"):
        host = urlsplit(url).netloc
        raise ForgeDenied(f"{deadline.who}: {host} wants a sign-in", STORE)
    return target


def _receive(response: BaseHTTPResponse, url: str, asset: Asset, sink: Sink, deadline: Deadline) -> None:
    _judge(response, url, deadline)
    _compare(response, asset, deadline)
    given = 0
    for piece in _gathered(_timed(response, url, asset, deadline)):
        given += len(piece)
        if given > asset.size:
            raise AssetBroken(f"{deadline.who}: longer than the announced {asset.size} bytes", "Try again later")
        sink(piece)
    if given != asset.size:
        raise _short(given, asset, deadline)


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


def _compare(response: BaseHTTPResponse, asset: Asset, deadline: Deadline) -> None:
    """Refuse before the first byte what cannot be the announced file."""
    headers = response.headers
    length = headers.get("Content-Length", str(asset.size))
    if "html" in headers.get("Content-Type", "").lower() and length != str(asset.size):
        raise AssetBroken(f"{deadline.who}: a web page came instead, probably a sign-in", STORE)
    if headers.get("Content-Encoding", "identity").lower() != "identity":
        raise AssetBroken(f"{deadline.who}: the body is compressed, unasked", "Check what stands in front of the forge")
    if length != str(asset.size):
        shown = words.plain(length, 30)
        raise AssetBroken(
            f"{deadline.who}: {shown} bytes instead of {asset.size}", "It was replaced, or is damaged: try again later"
        )
    tagged = _UUID.fullmatch(headers.get("ETag", ""))
    if tagged and _UUID.fullmatch(f'"{asset.uuid}"') and tagged[1] != asset.uuid:
        # The address is a name: after a replacement it leads to another upload, perhaps one of the same size.
        raise AssetBroken(
            f"{deadline.who}: it was replaced since the release was read",
            "Run the command again: it reads the release anew",
        )


def _timed(response: BaseHTTPResponse, url: str, asset: Asset, deadline: Deadline) -> Iterator[bytes]:
    patience = deadline.patience
    pace = Pace(patience, deadline.who)
    source = pieces(response, url, deadline)
    given = 0
    while True:
        began = patience.monotonic()
        try:
            piece = next(source, None)
        except Cut as error:
            raise _short(given, asset, deadline) from error
        if piece is None:
            return
        pace.moved(len(piece), patience.monotonic() - began)
        given += len(piece)
        yield piece


def _short(given: int, asset: Asset, deadline: Deadline) -> AssetBroken:
    return AssetBroken(f"{deadline.who}: broke off after {given} of {asset.size} bytes", "Try again later")


def _gathered(source: Iterable[bytes]) -> Iterator[bytes]:
    """Pieces of at least 64 KiB, but for the last: a sink writes and hashes, which is dear in small bites."""
    held = bytearray()
    for piece in source:
        if not held and len(piece) >= _GATHERED:
            yield piece
            continue
        held += piece
        if len(held) >= _GATHERED:
            yield bytes(held)
            held.clear()
    if held:
        yield bytes(held)
