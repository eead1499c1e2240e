"""The part of an asset that has arrived, and what an answer must say to be the rest of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from cockpitpm.errors import AssetBroken
from cockpitpm.forges import words
from cockpitpm.forges.access import STORE
from cockpitpm.model.release import Asset
from cockpitpm.ports import Sink

_GATHERED: Final = 64 * 1024
_UUID: Final = re.compile(r'(?:W/)?"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"')
_STRONG: Final = re.compile(r'"[\x21\x23-\x7e]{1,200}"')
_ANEW: Final = "Run the command again: it reads the release anew"


class Part:
    """Gives the bytes to the sink in pieces of at least 64 KiB, but for the last: it writes and hashes, which is dear
    in small bites. `given` counts what has arrived."""

    def __init__(self, asset: Asset, sink: Sink, who: str) -> None:
        self.asset = asset
        self.given = 0
        self._sink = sink
        self._who = who
        self._held = bytearray()
        self._etag = ""

    @property
    def missing(self) -> int:
        """Bytes that have not arrived."""
        return self.asset.size - self.given

    @property
    def goes_on(self) -> bool:
        """Whether the rest can be asked for: the forge sends parts, and names the upload so that no other passes."""
        return bool(self._etag) and self.missing > 0

    def asked(self) -> dict[str, str]:
        """The headers that ask for the rest; none for the whole."""
        return {"Range": f"bytes={self.given}-", "If-Range": self._etag} if self.given else {}

    def begun(self, headers: Mapping[str, str]) -> None:
        """An answer brings the whole. Raises AssetBroken if it cannot be the announced file, or part of it is here."""
        if self.given:
            raise AssetBroken(f"{self.short().message}, and the forge does not send the rest", _ANEW)
        self._compare(headers, self.asset.size)
        tag = headers.get("ETag", "")
        if headers.get("Accept-Ranges", "").lower() == "bytes" and _STRONG.fullmatch(tag):
            self._etag = tag

    def continued(self, headers: Mapping[str, str]) -> None:
        """An answer brings a part. Raises AssetBroken unless it is exactly the rest, of the same upload."""
        first, size = self.given, self.asset.size
        if headers.get("ETag", "") != self._etag:
            raise AssetBroken(f"{self._who}: it was replaced while it was read", _ANEW)
        if headers.get("Content-Range", "") != f"bytes {first}-{size - 1}/{size}":
            shown = words.plain(headers.get("Content-Range", "no range"), 60)
            raise AssetBroken(f"{self._who}: {shown} came instead of the bytes from {first} on", _ANEW)
        self._compare(headers, self.missing)

    def _compare(self, headers: Mapping[str, str], size: int) -> None:
        """Refuse before the first byte what cannot be the announced file."""
        length = headers.get("Content-Length", str(size))
        if "html" in headers.get("Content-Type", "").lower() and length != str(size):
            raise AssetBroken(f"{self._who}: a web page came instead, probably a sign-in", STORE)
        if headers.get("Content-Encoding", "identity").lower() != "identity":
            hint = "Check what stands in front of the forge"
            raise AssetBroken(f"{self._who}: the body is compressed, unasked", hint)
        if length != str(size):
            shown = words.plain(length, 30)
            hint = "It was replaced, or is damaged: try again later"
            raise AssetBroken(f"{self._who}: {shown} bytes instead of {size}", hint)
        tagged = _UUID.fullmatch(headers.get("ETag", ""))
        if tagged and _UUID.fullmatch(f'"{self.asset.uuid}"') and tagged[1] != self.asset.uuid:
            # The address is a name: after a replacement it leads to another upload, perhaps one of the same size.
            raise AssetBroken(f"{self._who}: it was replaced since the release was read", _ANEW)

    def take(self, piece: bytes) -> None:
        """Take the next bytes. Raises AssetBroken as soon as there are more than were announced."""
        self.given += len(piece)
        if self.missing < 0:
            message = f"{self._who}: longer than the announced {self.asset.size} bytes"
            raise AssetBroken(message, "Try again later")
        if not self._held and len(piece) >= _GATHERED:
            self._sink(piece)
            return
        self._held += piece
        if len(self._held) >= _GATHERED:
            self._flush()

    def whole(self) -> None:
        """Everything has arrived."""
        if self._held:
            self._flush()

    def _flush(self) -> None:
        full, self._held = bytes(self._held), bytearray()
        self._sink(full)

    def short(self) -> AssetBroken:
        """What to say of a download that broke off."""
        return AssetBroken(f"{self._who}: broke off after {self.given} of {self.asset.size} bytes", "Try again later")
