"""Services as a supervisor sees them: definitions, states, answers to probes."""

from __future__ import annotations

from enum import Enum

from attrs import evolve, field, frozen

from cockpitpm.model.bundle import Probe, Socket

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""Where services find programs, whoever started their supervisor."""


class ServiceState(Enum):
    """The observed state of a service; what the supervisor claims, in our words."""

    RUNNING = "running"
    STOPPED = "stopped"
    FAILED = "failed"
    ABSENT = "absent"
    UNKNOWN = "unknown"


class Wanted(Enum):
    """Whether a service is meant to run. UNKNOWN only ever comes from a supervisor that does not keep intent."""

    RUNNING = "running"
    STOPPED = "stopped"
    UNKNOWN = "unknown"


class Runs(Enum):
    """What a service's process tree executes, held against the bytes that are in place now.

    OLD: bytes of this app that are no longer current. OTHER: nothing of this app. UNVERIFIED: a script that may have
    been started under either. NOTHING: no process.
    """

    CURRENT = "current"
    OLD = "old"
    OTHER = "other"
    UNVERIFIED = "unverified"
    NOTHING = "nothing"


@frozen(kw_only=True)
class ServiceStatus:
    """A supervisor's answer about one service. `raw` is its own word; `pid` is None unless a process is alive."""

    name: str
    state: ServiceState
    pid: int | None = None
    wanted: Wanted = Wanted.UNKNOWN
    raw: str = ""


@frozen(kw_only=True)
class Definition:
    """What a supervisor must know. `env` is sorted by name; `stop_timeout` is seconds before SIGKILL."""

    name: str
    command: tuple[str, ...]
    env: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    directory: str = "/"
    stop_timeout: float = 10.0

    def moved(self, old: str, new: str) -> Definition:
        """The same service of a machine whose root is `new` and was `old`: every path below it follows."""

        def follow(text: str) -> str:
            return followed(text, old, new)

        return evolve(
            self,
            command=tuple(follow(word) for word in self.command),
            env=tuple((name, follow(value)) for name, value in self.env),
            directory=follow(self.directory),
        )


def followed(text: str, old: str, new: str) -> str:
    """A path that is or lies below `old`, as it is below `new`; any other text as it is.

    Where `new` lies below `old` itself, a path that is there already stays: this may be done again after a power cut.
    """
    if _below(new, old) and _below(text, new):
        return text
    return new + text.removeprefix(old) if _below(text, old) else text


def _below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(f"{folder}/")


@frozen(kw_only=True)
class ProbeTarget:
    """A probe with everything needed to ask it: the socket root is an absolute path."""

    service: str
    probe: Probe
    sockets: tuple[Socket, ...]
    socket_root: str
    env: tuple[tuple[str, str], ...] = field(default=(), repr=False)


@frozen(kw_only=True)
class Healthy:
    """The expected answer came; `answer` is it in few words, such as `200 OK`.

    `listener` is the pid that listens at the unix socket `where`; None if that is not known.
    """

    answer: str
    listener: int | None = None
    where: str = ""


@frozen(kw_only=True)
class Unhealthy:
    """It did not; `answer` is what came instead, such as `connection refused`."""

    answer: str


Health = Healthy | Unhealthy
