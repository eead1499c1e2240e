"""`serve`: the sockets of one machine and their servers in one loop, from the first request to the last goodbye."""

from __future__ import annotations

import asyncio
import hashlib
import os
import pwd
import secrets
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from threading import Event, Thread

from attrs import evolve, field, frozen
from starlette.routing import BaseRoute, Mount
from starlette.types import ASGIApp

from cockpitpm.app.clockwork import tick
from cockpitpm.app.engine import Engine
from cockpitpm.app.host import Host, Invocation, Ports
from cockpitpm.app.recover import recover
from cockpitpm.errors import CockpitPmError, LockedError, UsageError
from cockpitpm.model.role import Role
from cockpitpm.serve.access import Names
from cockpitpm.serve.faces import Faces, Gate, Tokens, application
from cockpitpm.serve.guard import Door, Guard
from cockpitpm.serve.hub import Hub
from cockpitpm.serve.listen import leave, listen, listen_tcp
from cockpitpm.serve.role import asked_role
from cockpitpm.serve.server import Listening, run_all
from cockpitpm.serve.sessions import Once, Sessions, key_of, token_of
from cockpitpm.serve.signing import Signing
from cockpitpm.serve.stream import Feed
from cockpitpm.serve.watch import Watcher

SERVICE = "hero_cockpit"
KINDS = ("rpc", "web", "admin")
FIRST_TICK = 5.0
"""Seconds after the start: whoever has just come up answers first."""
PAGES = frozenset({"web", "admin"})


def random_token() -> str:
    """A word that nobody guesses."""
    return secrets.token_urlsafe(32)


def user_name(uid: int) -> str:
    """The name of a user, or its number where it has none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


@frozen(kw_only=True)
class Wanted:
    """What is to be served. `tcp` is an address of loopback, empty for none; `hosts` are names that proxies use."""

    only: frozenset[str] = frozenset({"rpc", "web"})
    tcp: str = ""
    token_file: Path | None = None
    hosts: tuple[str, ...] = ()


@frozen(kw_only=True)
class World:
    """Stand-ins for tests: the faces, the machine's ports, where random words come from."""

    faces: Faces = field(factory=Faces)
    ports: Ports | None = None
    tokens: Tokens = random_token


def serve(invocation: Invocation, wanted: Wanted, tell: Callable[[str], None], world: World | None = None) -> None:
    """Serve until SIGTERM or SIGINT. `tell` is given a line where it listens, and how to come in over TCP.

    Raises MachineError, StoreError or UsageError if it cannot begin.
    """
    known = world or World()
    if wanted.token_file and not wanted.tcp:
        raise UsageError("A token is for TCP only", "Add --tcp 127.0.0.1:PORT")
    with ExitStack() as stack:
        server = Server(invocation, wanted, known)
        listening = server.listen(stack, tell)
        if "rpc" in wanted.only:
            Thread(target=_recover, args=(server.engine.host(), tell), daemon=True, name="recover").start()
            ended = Event()
            stack.callback(ended.set)
            Thread(target=keep_time, args=(server.engine, ended), daemon=True, name="clock").start()
        asyncio.run(run_all(listening, server.hub, server.watcher, server.refreshed))
        server.watcher.stop()


class Server:
    """The parts of one process, put together."""

    def __init__(self, invocation: Invocation, wanted: Wanted, world: World) -> None:
        self.wanted = wanted
        self._world = world
        self._invocation = invocation
        self.engine = Engine(invocation, world.ports)
        host = self.engine.host()
        host.prepare()
        self._clock = host.clock
        self._sockets = Path(host.socket_root, SERVICE)
        self._frames = f"'{host.settings.cockpit.frames.value}'"
        self._sessions = Sessions(key_of(host.layout.var / "serve.key"), world.tokens, self._seconds)
        boot = hashlib.sha256(world.tokens().encode()).hexdigest()[:12]
        self.hub = Hub(boot, lambda: self.watcher.hello())
        self.watcher = Watcher(self.hub, self.engine, world.faces, self._clock.monotonic, settles="rpc" in wanted.only)
        self._feed = Feed(self.hub, lambda: self._clock.now().strftime("%Y-%m-%dT%H:%M:%SZ"))
        self._gate: Gate | None = None
        if "rpc" not in wanted.only:
            # Which role it is decides the engine's own server, not the environment of whoever shows its pages.
            self._gate = Gate(lambda: asked_role(self._sockets / "rpc.sock"), self._for_role)

    def _seconds(self) -> float:
        return self._clock.now().timestamp()

    async def refreshed(self) -> None:
        """What is to be done every few seconds."""
        if self._gate:
            await self._gate.refresh()
        else:
            self.watcher.start()

    def listen(self, stack: ExitStack, tell: Callable[[str], None]) -> tuple[Listening, ...]:
        """Open every socket; they are closed with the stack."""
        found, where = [], []
        for kind in KINDS:
            if kind in self.wanted.only:
                place = listen(self._sockets / f"{kind}.sock")
                stack.callback(leave, place)
                door = Door(
                    names=Names(exact=frozenset(self.wanted.hosts), loopback=True),
                    sessions=self._sessions,
                    uid=os.geteuid(),
                    user=user_name,
                    frames=self._frames,
                )
                found.append(Listening(self._guarded(door, frozenset({kind})), place.socket))
                where.append(str(place.path))
        ways: list[str] = []
        if self.wanted.tcp:
            listening, address, ways = self._tcp(stack)
            found.append(listening)
            where.append(address)
        tell(f"Listening on {', '.join(where)}")
        for way in ways:
            tell(way)
        return tuple(found)

    def _tcp(self, stack: ExitStack) -> tuple[Listening, str, list[str]]:
        plug = listen_tcp(self.wanted.tcp)
        stack.callback(plug.close)
        address, port = plug.getsockname()[:2]
        shown = f"[{address}]" if ":" in address else address
        file = self.wanted.token_file
        token = token_of(file, self._world.tokens) if file else self._world.tokens()
        names = {f"{name}:{port}" for name in ("localhost", "127.0.0.1", "[::1]")}
        names |= {name.removesuffix(":80") for name in names} if port == 80 else set()
        door = Door(
            names=Names(exact=frozenset({*names, *self.wanted.hosts})),
            sessions=self._sessions,
            uid=os.geteuid(),
            user=user_name,
            token=token,
            frames=self._frames,
        )
        once = Once()
        link = f"http://{shown}:{port}/session?token={once.give(self._world.tokens())}"
        ways = [f"The token is in {file}" if file else f"Token: {token}"]
        if PAGES & self.wanted.only:
            ways.append(f"Open once: {link}")
        return Listening(self._guarded(door, self.wanted.only, once), plug), f"http://{shown}:{port}", ways

    def _guarded(self, door: Door, kinds: frozenset[str], once: Once | None = None) -> Guard:
        engine = self.engine
        routes = self._world.faces.rpc(engine) if "rpc" in kinds else []
        if not PAGES & kinds:
            return Guard(application(routes), door)
        own = [self._feed.route(), Signing(door, once or Once()).route()]
        if self._gate is None:
            return Guard(application([*own, *routes, *self._pages(engine)]), door)
        return Guard(self._gate.before(application([*own, *routes, Mount("/", self._gate)])), door)

    def _pages(self, engine: Engine) -> list[BaseRoute]:
        return self._world.faces.web(engine, self._feed, self._world.tokens)

    def _for_role(self, role: Role) -> ASGIApp:
        engine = Engine(evolve(self._invocation, role=role), self._world.ports)
        self.watcher.engine = engine
        self.watcher.start()
        return application(self._pages(engine))


def keep_time(engine: Engine, ended: Event) -> None:
    """Do what the machine's schedule asks for, whenever it is due."""
    pause = FIRST_TICK
    while not ended.wait(pause):
        pause = tick(engine)


def _recover(host: Host, tell: Callable[[str], None]) -> None:
    """Finish what was interrupted, as every verb that changes something does first. We answer meanwhile."""
    try:
        for one in recover(host):
            left = f"Not everything is finished that was interrupted: {one.error}"
            tell(left if one.error else f"Finished what was interrupted: {one.transaction}")
    except LockedError:
        return  # somebody is at work, and did it first
    except CockpitPmError as error:
        tell(f"Not everything is finished that was interrupted: {error}")
