"""Assets that are read rather than installed: checksums, an index. Whole in memory, and therefore never large."""

from __future__ import annotations

from cockpitpm.errors import AssetBroken
from cockpitpm.model.release import Asset
from cockpitpm.ports import Forge

LIMIT = 1024 * 1024
HINT = "Nothing was changed; wait until the release is complete, or publish it again"


def whole(forge: Forge, asset: Asset) -> bytes:
    """Its bytes. Raises AssetBroken for more than LIMIT, announced or not, and what `forge.fetch` raises."""
    if asset.size > LIMIT:
        raise AssetBroken(f"{asset.name} has {asset.size} bytes, more than the {LIMIT} that are read", HINT)
    data = bytearray()

    def sink(piece: bytes | memoryview) -> None:
        data.extend(piece)
        if len(data) > LIMIT:
            raise AssetBroken(f"More than {LIMIT} bytes arrived for {asset.name}", HINT)

    forge.fetch(asset, sink)
    return bytes(data)
