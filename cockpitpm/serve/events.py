"""Events and their memory: the last two thousand, so that whoever comes back misses none. Pure but for a lock."""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Mapping
from typing import Any

from attrs import field, frozen

KEPT = 2000
LARGEST = 16 * 1024
"""Bytes of the data of one event."""
STATE = "state"
PREFIX = "/~prefix~"
"""Stands where each viewer's own path prefix goes. Text that holds it by chance loses it, and nothing else."""

_TOPIC = re.compile(r"state|job:[1-9][0-9]{0,8}")
_MARK = re.compile(r"([A-Za-z0-9_]{1,64})-([0-9]{1,15})")


@frozen(kw_only=True)
class Event:
    """One event. `topics` are those it is for; `seq` is 0 where it is made for one viewer alone."""

    kind: str
    data: Mapping[str, Any]
    topics: frozenset[str] = frozenset()
    seq: int = 0


Missed = tuple[Event, ...]
"""What a viewer has to be told before anything new."""


@frozen(kw_only=True)
class Since:
    """What a viewer has missed. `reset` says why it must look at everything anew; empty if it need not."""

    events: Missed = ()
    reset: str = ""


@frozen
class Ring:
    """The memory of one process. `boot` is its name."""

    boot: str
    events: deque[Event] = field(factory=lambda: deque(maxlen=KEPT))

    @property
    def seq(self) -> int:
        """The number of the last event; 0 before the first."""
        return self.events[-1].seq if self.events else 0

    def add(self, kind: str, data: Mapping[str, Any], topics: frozenset[str]) -> Event:
        """The next event."""
        event = Event(kind=kind, data=data, topics=topics, seq=self.seq + 1)
        self.events.append(event)
        return event

    def mark(self) -> str:
        """Where we are."""
        return f"{self.boot}-{self.seq}"

    def since(self, mark: str, topics: frozenset[str]) -> Since:
        """What there was after a mark; nothing after an empty one."""
        if not mark:
            return Since()
        found = _MARK.fullmatch(mark)
        if not found:
            return Since(reset="the mark cannot be read")
        boot, seq = found[1], int(found[2])
        if boot != self.boot:
            return Since(reset="the server was started anew")
        oldest = self.events[0].seq if self.events else 1
        if seq > self.seq:
            return Since(reset="the mark cannot be read")
        if seq < oldest - 1:
            return Since(reset="too much has happened since")
        return Since(events=tuple(e for e in self.events if e.seq > seq and e.topics & topics))


def topics_of(text: str) -> frozenset[str]:
    """The topics that a viewer asks for: `state`, `job:7`, comma between them. Raises ValueError; empty is `state`."""
    words = text.split(",") if text else [STATE]
    if len(words) > 8 or not all(_TOPIC.fullmatch(word) for word in words):
        raise ValueError(f"no topics: {text!r}")
    return frozenset(words)


def line(event: Event, boot: str, prefix: str) -> bytes:
    """The event as the stream carries it: one line of ASCII, so nothing in it can end it early."""
    text = json.dumps(_placed(event.data, prefix), separators=(",", ":"))
    if len(text) > LARGEST:
        text = json.dumps(_shortened(event.data), separators=(",", ":"))
    mark = f"id: {boot}-{event.seq}\n" if event.seq else ""
    return f"{mark}event: {event.kind}\ndata: {text}\n\n".encode("ascii")


def _placed(data: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    return {k: v.replace(PREFIX, prefix) if isinstance(v, str) and PREFIX in v else v for k, v in data.items()}


def _shortened(data: Mapping[str, Any]) -> dict[str, Any]:
    """Without what makes it too long: a viewer that misses the html asks for the page."""
    kept = {key: value for key, value in data.items() if key != "html" and len(json.dumps(value)) < LARGEST // 8}
    return {**kept, "shortened": True}
