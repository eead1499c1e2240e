"""Remembers for a while that nobody took a connection, so that twenty questions do not wait twenty times for a host
that is down."""

from __future__ import annotations

import math

from cockpitpm.errors import ForgeUnreachable
from cockpitpm.forges.patience import Deadline, Patience


class NoConnection(ForgeUnreachable):
    """Nobody took the connection: no address for the name, refused, or no answer to it in time."""


class Outage:
    """What one adapter knows about its forge being down. Safe for several threads.

    It holds for `Patience.down_for` seconds, or until a question is answered, so a process that lives long recovers.
    """

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._until = -math.inf

    def check(self, deadline: Deadline) -> None:
        """Raise ForgeUnreachable if nobody took a connection a moment ago."""
        if self._patience.monotonic() < self._until:
            raise ForgeUnreachable(
                f"{deadline.who}: not asked, since nobody took the connection a moment ago",
                f"Is the forge up? It is asked again after {self._patience.down_for:g} s",
            )

    def began(self) -> None:
        """Nobody took the connection just now."""
        self._until = self._patience.monotonic() + self._patience.down_for

    def ended(self) -> None:
        """Somebody answered."""
        self._until = -math.inf
