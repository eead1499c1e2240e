"""What only shows over time, or beside the truths: silence, processes that do not last, two where one belongs."""

from __future__ import annotations

from attrs import frozen

from cockpitpm.model.process import ProcessId


@frozen(kw_only=True)
class Unanswered:
    """This process gives no good answer. `since` is when the first one was missing (RFC 3339), `answer` what came."""

    process: ProcessId
    since: str
    answer: str


@frozen(kw_only=True)
class Restarts:
    """So many processes of a service ended within so many seconds, and nothing of ours had to do with it."""

    count: int
    within: int


@frozen(kw_only=True)
class Copies:
    """Several processes listen, each at a socket of its own, and all sockets were bound to the path `where`."""

    pids: tuple[int, ...]
    where: str


@frozen(kw_only=True)
class Sightings:
    """What was seen of a service's processes: the last one and when, and when others took its place (in seconds)."""

    process: ProcessId | None
    seen: float
    starts: tuple[float, ...] = ()


@frozen(kw_only=True)
class Asked:
    """What a process answered to its probe. `at` is monotonic seconds; `missed` are the bad answers in a row.

    `since` is when the first of these came (RFC 3339), `answer` the last of them.
    """

    process: ProcessId
    at: float
    missed: int = 0
    since: str = ""
    answer: str = ""
