"""A bundle: one app, its repository, its binaries and the services that run them, as its author declared them."""

from __future__ import annotations

from enum import Enum

from attrs import frozen


class Layer(Enum):
    """Which machines see a bundle: `base` all of them, `admin` only those whose role is admin."""

    BASE = "base"
    ADMIN = "admin"


class BinaryKind(Enum):
    """What a binary is for. `cli` is installed and never supervised."""

    SERVER = "server"
    ADMIN = "admin"
    WEB = "web"
    UI = "ui"
    CLI = "cli"


class Activation(Enum):
    """How the services of an app change over: one after another with a canary, or all at once."""

    ROLLING = "rolling"
    TOGETHER = "together"


class ProbeKind(Enum):
    """How a service is asked whether it works."""

    HTTP = "http"
    JSONRPC = "jsonrpc"
    TCP = "tcp"
    EXEC = "exec"


@frozen(kw_only=True)
class EnvEntry:
    """An environment variable of a service. A default that begins with `~/hero` follows the machine's root."""

    var: str
    default: str
    desc: str


@frozen(kw_only=True)
class Socket:
    """Where a service listens: `path` relative to the socket root, or a loopback `port`; exactly one is set."""

    name: str
    path: str | None = None
    port: int | None = None


@frozen(kw_only=True)
class Probe:
    """The question put to a service and the answer that means it works.

    `socket` names one of the service's sockets (for `exec` it is empty). `target` is the path for http, the method
    for jsonrpc. `command` is the argv for exec. `expect` is the HTTP status, or the exit status for exec. Times are
    seconds: the answer must come within `ready_within` of the start and still come after `stays_ready`.
    """

    kind: ProbeKind
    socket: str = ""
    target: str = ""
    command: tuple[str, ...] = ()
    expect: int = 200
    ready_within: float = 30.0
    stays_ready: float = 3.0


@frozen(kw_only=True)
class Binary:
    """One executable of the app. `asset` is a pattern with `{name}` and `{target}`.

    `member` is one too: the path of the executable in an asset that is an archive; empty if the asset is the
    executable itself.
    """

    name: str
    kind: BinaryKind
    asset: str = "{name}-{target}"
    member: str = ""
    supervised: bool = True
    args: tuple[str, ...] = ()
    env: tuple[EnvEntry, ...] = ()
    sockets: tuple[Socket, ...] = ()
    probe: Probe | None = None

    def asset_name(self, target: str) -> str:
        """The name of this binary's asset for `target`, such as `hero_compute_server-linux-musl-x86_64`."""
        return self._filled(self.asset, target)

    def member_path(self, target: str) -> str:
        """The path of this binary in the archive for `target`; empty if the asset is no archive."""
        return self._filled(self.member, target)

    def _filled(self, pattern: str, target: str) -> str:
        return pattern.replace("{name}", self.name).replace("{target}", target)


@frozen(kw_only=True)
class RestartOnly:
    """A service that runs a binary of this bundle under another name; never an asset.

    With `runs` we register it, through `wrapper` (a file in the machine's `bin/` that we never write) where given.
    Without `runs` it is external: converged where the supervisor knows it, told as absent elsewhere.
    """

    name: str
    runs: str | None = None
    wrapper: str | None = None
    args: tuple[str, ...] = ()
    env: tuple[EnvEntry, ...] = ()
    sockets: tuple[Socket, ...] = ()
    probe: Probe | None = None


@frozen(kw_only=True)
class Requirement:
    """Another app that must be installed first (`hard`) or that this one works better with."""

    app: str
    hard: bool = True


@frozen(kw_only=True)
class Link:
    """An entry of the machine's navigation; `path` is inside this machine."""

    title: str
    path: str


@frozen(kw_only=True)
class Repo:
    """Where the releases are: a repository on a forge of `machine.yaml`; an empty owner means the forge's own."""

    name: str
    owner: str = ""
    forge: str = "default"


@frozen(kw_only=True)
class Service:
    """Something the supervisor runs for an app, whatever part of the bundle it came from.

    `binary` is the binary whose bytes it executes; None means external: any binary of the app, definition not ours.
    """

    name: str
    binary: str | None
    wrapper: str | None = None
    args: tuple[str, ...] = ()
    env: tuple[EnvEntry, ...] = ()
    sockets: tuple[Socket, ...] = ()
    probe: Probe | None = None

    @property
    def external(self) -> bool:
        """Whether somebody else registered it with the supervisor."""
        return self.binary is None


@frozen(kw_only=True)
class Bundle:
    """An app as one YAML file declares it."""

    name: str
    title: str
    summary: str
    category: str
    layer: Layer
    repo: Repo
    targets: tuple[str, ...]
    binaries: tuple[Binary, ...]
    channel: str | None = None
    restart_only: tuple[RestartOnly, ...] = ()
    requires: tuple[Requirement, ...] = ()
    activation: Activation = Activation.ROLLING
    links: tuple[Link, ...] = ()
    replaced_by: str | None = None

    @property
    def services(self) -> tuple[Service, ...]:
        """Every service of the app in declared order; the first is the canary of a rolling activation."""
        own = tuple(
            Service(name=b.name, binary=b.name, args=b.args, env=b.env, sockets=b.sockets, probe=b.probe)
            for b in self.binaries
            if b.supervised
        )
        riders = tuple(
            Service(
                name=r.name, binary=r.runs, wrapper=r.wrapper, args=r.args, env=r.env, sockets=r.sockets, probe=r.probe
            )
            for r in self.restart_only
        )
        return own + riders

    def member_path(self, binary: str, asset: str) -> str:
        """Where an asset of this name holds the binary; empty if the asset itself is the executable."""
        found = (
            b.member_path(t)
            for b in self.binaries
            for t in self.targets
            if (b.name, b.asset_name(t)) == (binary, asset)
        )
        return next(found, "")

    @property
    def names(self) -> tuple[str, ...]:
        """Every name that leads to this bundle: the app, its binaries, its services. The app's own name comes first."""
        found = dict.fromkeys((self.name, *(b.name for b in self.binaries), *(r.name for r in self.restart_only)))
        return tuple(found)
