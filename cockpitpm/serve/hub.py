"""Who listens, and what they are told: one queue a viewer, none of them waits for another."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Mapping
from threading import Condition
from typing import Any

from cockpitpm.serve.events import STATE, Event, Missed, Ring

QUEUE = 256
"""Events that wait for one viewer; beyond that it must look at everything anew."""
VIEWERS = 200

ALL = frozenset({STATE})


class TooManyViewers(Exception):
    """Nobody more can listen now."""


class Subscription:
    """One viewer's queue. It is read in the loop that it was made in; events come from any thread."""

    def __init__(self, hub: Hub, topics: frozenset[str]) -> None:
        self.topics = topics
        self._hub = hub
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[Event] = deque()
        self._there = asyncio.Event()
        self._over = False

    def put(self, event: Event) -> None:
        """Add an event. Called with the hub's lock held."""
        if self._over:
            return
        self._waiting.append(event)
        if len(self._waiting) > QUEUE:
            self._waiting.clear()
            self._waiting.append(Event(kind="reset", data={"why": "too slow"}, seq=event.seq))
            self._over = True
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody reads any more
            self._loop.call_soon_threadsafe(self._there.set)

    async def next(self, seconds: float) -> Event | None:
        """The next event, None if none came in so many seconds."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while True:
                    await self._there.wait()
                    if event := self._hub.take(self):
                        return event
        return None

    def pop(self) -> Event | None:
        """Take one out. Called with the hub's lock held."""
        event = self._waiting.popleft() if self._waiting else None
        if not self._waiting:
            self._there.clear()
            self._over = False  # it has been told to look anew, so what comes now continues that look
        return event


class Hub:
    """Safe for several threads. `changed` is notified when somebody comes or goes, and at the end."""

    def __init__(self, boot: str, hello: Callable[[], Mapping[str, Any]] = dict) -> None:
        self.boot = boot
        self.hello = hello
        self.changed = Condition()
        self.closing = ""
        self._ring = Ring(boot)
        self._viewers: set[Subscription] = set()

    @property
    def viewers(self) -> int:
        """How many listen."""
        return len(self._viewers)

    @property
    def seq(self) -> int:
        """The number of the last event."""
        return self._ring.seq

    def mark(self) -> str:
        """Where the stream is now: a page that carries it misses nothing between its making and its listening."""
        with self.changed:
            return self._ring.mark()

    def publish(self, kind: str, data: Mapping[str, Any], topics: frozenset[str] = ALL) -> Event:
        """Tell everybody who listens to one of the topics, and remember it."""
        with self.changed:
            event = self._ring.add(kind, data, topics)
            for viewer in self._viewers:
                if viewer.topics & topics:
                    viewer.put(event)
            return event

    def subscribe(self, topics: frozenset[str], since: str = "") -> tuple[Subscription, Missed]:
        """A queue for what comes, and what the viewer has missed. Raises TooManyViewers."""
        viewer = Subscription(self, topics)
        with self.changed:
            if len(self._viewers) >= VIEWERS:
                raise TooManyViewers
            missed = self._ring.since(since, topics)
            self._viewers.add(viewer)
            self.changed.notify_all()
            if missed.reset:
                return viewer, (Event(kind="reset", data={"why": missed.reset}),)
            return viewer, missed.events

    def leave(self, viewer: Subscription) -> None:
        """It listens no more."""
        with self.changed:
            self._viewers.discard(viewer)
            self.changed.notify_all()

    def take(self, viewer: Subscription) -> Event | None:
        """The viewer's next event."""
        with self.changed:
            return viewer.pop()

    def beat(self, viewer: Subscription, now: str) -> Event:
        """A sign of life that moves the viewer's mark, or what came just now."""
        with self.changed:
            if event := viewer.pop():
                return event
            return Event(kind="beat", data={"now": now, "seq": self._ring.seq}, seq=self._ring.seq)

    def reset(self, why: str) -> None:
        """Let everybody look at everything anew."""
        with self.changed:
            event = self._ring.add("reset", {"why": why}, ALL)
            for viewer in self._viewers:
                viewer.put(event)

    def close(self, why: str, job: int | None = None, expect_ms: int = 5000) -> None:
        """Say goodbye: every stream ends with `bye`, in front of whatever waits."""
        with self.changed:
            if self.closing:
                return
            self.closing = why
            for viewer in self._viewers:
                viewer.put(Event(kind="bye", data={"why": why, "expect_ms": expect_ms, "job": job}))
            self.changed.notify_all()
