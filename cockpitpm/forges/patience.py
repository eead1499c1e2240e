"""How long an adapter waits, how often it tries, and how slow a download may be."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

from attrs import frozen

from cockpitpm.errors import ForgeUnreachable


@frozen(kw_only=True)
class Patience:
    """Times are seconds. A transient failure is tried `attempts` times in all, within the deadline of the request.

    `silence` ends a connection that says nothing; `answer_within` is for a whole metadata request with its retries, for
    the headers of a download, and the longest wait that a forge may ask for; `fetch_within` is for a whole download. A
    download slower than `floor` bytes per second over `window` seconds ends. A forge that took no connection is not
    asked again for `down_for`.
    """

    connect: float = 10.0
    silence: float = 30.0
    answer_within: float = 45.0
    fetch_within: float = 6 * 3600.0
    floor: int = 4096
    window: float = 60.0
    attempts: int = 3
    pause: float = 0.4
    down_for: float = 60.0
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    def until(self, seconds: float, who: str) -> Deadline:
        """A deadline that begins now."""
        return Deadline(self, self.monotonic() + seconds, seconds, who)


@frozen
class Deadline:
    """The moment at which a request has taken too long. `who` names the forge and the request."""

    patience: Patience
    at: float
    allowed: float
    who: str

    @property
    def left(self) -> float:
        """Seconds left; 0 or less once it has passed."""
        return self.at - self.patience.monotonic()

    def check(self) -> None:
        """Raise ForgeUnreachable once the deadline has passed."""
        if self.left <= 0:
            raise ForgeUnreachable(f"{self.who}: not finished within {self.allowed:g} s", "Try again later")

    def rest(self, attempt: int, asked: float | None) -> None:
        """Wait before attempt number `attempt` + 1: as long as the forge `asked`, else longer each time, with jitter.

        Raises ForgeUnreachable at once if the deadline does not leave that much, or the forge asks for too much.
        """
        backoff = self.patience.pause * 2 ** (attempt - 1)
        seconds = max(asked or 0.0, 0.0) + backoff * random.uniform(0.5, 1.0)
        if seconds >= self.left or (asked or 0.0) > self.patience.answer_within:
            reason = f"asks to wait {asked:.0f} s" if asked else f"not answered within {self.allowed:g} s"
            raise ForgeUnreachable(f"{self.who}: {reason}", "Try again later", max(asked or 0.0, 0.0))
        self.patience.sleep(seconds)


class Pace:
    """Watches how fast bytes come. Only the time spent waiting for them counts, not what the receiver takes."""

    def __init__(self, patience: Patience, who: str) -> None:
        self._patience = patience
        self._who = who
        self._waited = 0.0
        self._bytes = 0

    def moved(self, count: int, waited: float) -> None:
        """`count` bytes came after `waited` seconds. Raises ForgeUnreachable below the floor over a full window."""
        self._waited += waited
        self._bytes += count
        if self._waited < self._patience.window:
            return
        if self._bytes < self._patience.floor * self._waited:
            rate = self._bytes / self._waited
            raise ForgeUnreachable(f"{self._who}: only {rate:.0f} B/s over {self._waited:.0f} s", "Try again later")
        self._waited, self._bytes = 0.0, 0
