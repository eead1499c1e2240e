"""What an asset is made of: bytes in memory, or a file that is only opened while it is served."""

from __future__ import annotations

import io
from pathlib import Path
from typing import BinaryIO, Protocol

from attrs import frozen


class Content(Protocol):
    """Something with a size in bytes that can be opened for reading any number of times, also at once."""

    @property
    def size(self) -> int:
        """How many bytes there are."""
        ...

    def open(self) -> BinaryIO:
        """A new reader at the first byte; the caller closes it."""
        ...


@frozen
class InMemory:
    """Bytes."""

    data: bytes

    @property
    def size(self) -> int:
        """How many bytes there are."""
        return len(self.data)

    def open(self) -> BinaryIO:
        """A new reader at the first byte."""
        return io.BytesIO(self.data)


@frozen
class OnDisk:
    """A file of somebody else's, which must not change while it is published: an upload never does."""

    path: Path
    size: int

    def open(self) -> BinaryIO:
        """A new reader at the first byte."""
        return self.path.open("rb")


def content_of(source: bytes | Path) -> Content:
    """Bytes stay in memory; a path stays on the disk."""
    return InMemory(source) if isinstance(source, bytes) else OnDisk(source, source.stat().st_size)
