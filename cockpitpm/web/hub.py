"""What pages need from whoever watches the machine."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol


class Hub(Protocol):
    """Looks at the machine and tells every page. Implemented by the server, which also has the route of the stream."""

    def mark(self) -> str:
        """Where the stream is now: a page that carries it misses nothing between its making and its listening."""
        ...

    def subscribe(self, topics: frozenset[str], after: str) -> AsyncIterator[bytes]:
        """The events of these topics since the mark `after`, as they go over the wire."""
        ...
