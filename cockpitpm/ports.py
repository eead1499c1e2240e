"""What the engine needs from the world, as small protocols. Adapters implement them and wrap foreign errors once.

An adapter raises only `cockpitpm.errors` types. The stand-ins for tests live in `tests/sim`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Protocol

from cockpitpm.model.bundle import Repo
from cockpitpm.model.job import Phase
from cockpitpm.model.process import FileId, Image, ProcessId
from cockpitpm.model.release import Ancestry, Asset, Release
from cockpitpm.model.service import Definition, Health, ProbeTarget, ServiceStatus

Sink = Callable[[bytes | memoryview], object]
"""Takes the next bytes of a download. It may raise to end the download; the adapter lets that pass through."""


class Forge(Protocol):
    """A place that holds releases."""

    def release(self, repo: Repo, tag: str, seen: Release | None = None) -> Release:
        """What the tag holds now: a commit and uploads that were there at the same moment.

        `seen` is what an earlier call returned, of the same repository and tag. If the release, its date and its
        uploads are still those, it is returned itself, for the price of one request; a tag that was moved in a way that
        shows in none of them goes unseen, so who wants to know does not give it.

        Raises ReleaseNotFound, ReleaseNotReady (a draft, no upload yet, being published, or gone although it was seen),
        ForgeDenied, ForgeUnreachable, or ForgeError for an answer that cannot be a release.
        """
        ...

    def ancestry(self, repo: Repo, old: str, new: str) -> Ancestry:
        """What the commit `new` is to the commit `old`; both in full, anything else is UNKNOWN.

        Raises ForgeDenied, ForgeUnreachable, or ForgeError for an answer that is none.
        """
        ...

    def fetch(self, asset: Asset, sink: Sink) -> None:
        """Give the bytes of the asset to `sink` in pieces of at most 1 MiB, never more than `asset.size` in all.

        Raises AssetBroken when the body is shorter, longer or encoded; ForgeDenied, ForgeUnreachable as above.
        """
        ...


class Supervisor(Protocol):
    """Something that keeps services running. Unknown services have state ABSENT; only `status` and `list` accept them.

    What changes something raises SupervisorError when the supervisor does not answer; what only looks may tell UNKNOWN.
    """

    def ensure_running(self) -> None:
        """Make sure that it answers: one that is ours is started, with the services that were meant to run."""
        ...

    def list(self) -> tuple[ServiceStatus, ...]:
        """Every service the supervisor knows, in one call."""
        ...

    def status(self, service: str) -> ServiceStatus:
        """One service; state ABSENT if it is not known."""
        ...

    def start(self, service: str) -> None:
        """Start it if it does not run; return once a process was created (not: once it is ready)."""
        ...

    def stop(self, service: str) -> None:
        """Stop its whole process group; return once no process of the group lives."""
        ...

    def cycle(self, service: str, only_if: ProcessId | None) -> None:
        """Stop and start it, if its process is still `only_if` (None: if it has none). Otherwise do nothing."""
        ...

    def define(self, definition: Definition) -> None:
        """Make the supervisor hold exactly this definition. A running process of the old one is stopped first; the
        service is left stopped if it was not defined before or its definition differs. Same definition: no effect."""
        ...

    def definition(self, service: str) -> Definition | None:
        """The definition the supervisor holds, None if it does not know the service."""
        ...

    def set_aside(self, service: str) -> None:
        """Keep its definition as it is now, with its values, where the supervisor keeps them; one that was set aside
        before stays. Nothing happens for an unknown service."""
        ...

    def aside(self, service: str) -> Definition | None:
        """The definition that was set aside, None if none was."""
        ...

    def drop_aside(self, service: str) -> None:
        """Delete what was set aside. Nothing happens if nothing was."""
        ...

    def moved(self, old: str, new: str) -> None:
        """The machine's root is another folder now: end what runs, and let every definition follow, also those that
        were set aside. What is meant to run is started at its new place by `ensure_running`."""
        ...

    def forget(self, service: str) -> None:
        """Stop it and remove its definition. Nothing happens for an unknown service."""
        ...

    def logs(self, service: str, lines: int) -> str:
        """The last lines that the service wrote, stdout and stderr together."""
        ...


class Prober(Protocol):
    """Asks a service whether it works, once."""

    def probe(self, target: ProbeTarget) -> Health:
        """Never raises for a service that does not answer: that is Unhealthy."""
        ...


class Processes(Protocol):
    """The kernel's view of processes."""

    def identify(self, pid: int) -> ProcessId | None:
        """Who has this pid now; None if nobody, or a zombie."""
        ...

    def tree(self, pid: int) -> tuple[Image, ...]:
        """The process, its descendants, and the rest of its process group; empty if there are none. Parent first."""
        ...

    def alive(self, process: ProcessId) -> bool:
        """Whether exactly this process still lives (a zombie does not)."""
        ...

    def executed(self, files: Collection[FileId]) -> frozenset[FileId]:
        """Which of these files some process of the machine executes right now."""
        ...

    def holders(self, paths: Collection[str]) -> Mapping[str, tuple[int, ...]]:
        """The processes that listen at one of these unix sockets, where several do at sockets of their own.

        A file is bound once, but whoever takes it away and binds anew leaves the process before it listening.
        """
        ...

    def now(self) -> tuple[str, int]:
        """The boot id and the clock ticks since boot, in the unit of `ProcessId.start_ticks`."""
        ...


class Clock(Protocol):
    """Time."""

    def now(self) -> datetime:
        """The wall clock, in UTC, aware."""
        ...

    def monotonic(self) -> float:
        """Seconds that never go back."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


class Reporter:
    """What the engine tells while it works. Every method is empty: a face overrides what it shows.

    Calls may come from several threads during a download.
    """

    def app_started(self, app: str, decision: str) -> None:
        """A transaction begins; `decision` is one line."""

    def fetch_started(self, app: str, asset: str, size: int) -> None:
        """A download of `size` bytes begins."""

    def fetch_moved(self, app: str, asset: str, done: int) -> None:
        """`done` bytes of it have arrived."""

    def fetch_finished(self, app: str, asset: str, seconds: float) -> None:
        """All bytes are here and hashed."""

    def phase(self, app: str, phase: Phase) -> None:
        """What is being done to the app from now on."""

    def step(self, app: str, text: str) -> None:
        """Something happened that an operator wants to read, in one line."""

    def warning(self, app: str, text: str) -> None:
        """Something is odd and was not an obstacle."""

    def app_finished(self, app: str, outcome: str, ok: bool) -> None:
        """The transaction ended; `outcome` is one line."""
