"""A machine whose pages a browser can open: real services, its server as a process, the router before it."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from types import TracebackType
from typing import Any, Self
from xmlrpc.client import ServerProxy

from supervisor.xmlrpc import SupervisorTransport

from cockpitpm.app import jobs
from cockpitpm.app.change import Report
from cockpitpm.app.refresh import refresh
from cockpitpm.errors import LockedError
from cockpitpm.model.job import Job
from cockpitpm.model.receipt import Verb
from cockpitpm.model.role import Role
from cockpitpm.ports import Reporter
from cockpitpm.router import Router
from cockpitpm.sandbox.daemons import Behaviour, build_daemon, stamp_for
from cockpitpm.sandbox.forge import Publisher
from cockpitpm.sandbox.forge.fault import Fault
from cockpitpm.sandbox.world import CHANNEL, OWNER
from tests.acceptance.scene import Scene
from tests.browser.guest import PREFIX, ask, call
from tests.loopback import reserved
from tests.waiting import until

STARTS_WITHIN = 30.0


class Plug:
    """The server of a house on a port as well, which asks for a token; `words` are more options of `serve`."""

    def __init__(self, house: House, port: int, words: tuple[str, ...]) -> None:
        self.house, self.port = house, port
        self.origin, self.file = f"http://127.0.0.1:{port}", house.home / "token"
        self._words = ("--tcp", f"127.0.0.1:{port}", "--token-file", str(self.file), *words)

    @property
    def token(self) -> str:
        return self.file.read_text().strip()

    def renew(self) -> None:
        """Another process on the same port, with another token: every session is over."""
        self.house.leave(signal.SIGTERM)
        self.file.unlink(missing_ok=True)
        self.house.serve(*self._words)


@contextmanager
def on_tcp(house: House, *words: str) -> Iterator[Plug]:
    """While it is entered the machine is served on a port too; afterwards as before."""
    with reserved() as port:
        plug = Plug(house, port, words)
        try:
            plug.renew()
            yield plug
        finally:
            house.again()
            plug.file.unlink(missing_ok=True)


@contextmanager
def supervisor(path: Path) -> Iterator[ServerProxy]:
    """The supervisor behind a socket, asked as any operator can."""
    with ServerProxy("http://s", SupervisorTransport(None, None, f"unix://{path}")) as proxy:
        yield proxy


class House(Scene):
    """A context manager; `router` is entered with it, and `serve` has been called."""

    def __init__(self, folder: Path, role: Role = Role.ADMIN, stays_ready: float = 0.2) -> None:
        folder.mkdir(exist_ok=True)
        super().__init__(folder, role, stays_ready)
        self.said = folder / "said"
        self.server: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        super().__enter__()
        try:
            self._open()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def _open(self) -> None:
        self.router = Router(self.root / "var/sockets", user="mik")
        self.router.__enter__()
        self.serve()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.leave(signal.SIGTERM)
        self.router.__exit__(kind, error, tb)
        super().__exit__(kind, error, tb)
        said = self.said.read_text() if self.said.exists() else ""
        assert kind is not None or "Traceback" not in said, said[-3000:]

    # --- the server

    def serve(self, *words: str) -> None:
        """Start it and wait until it answers."""
        command = self.command("serve", *words)
        with self.said.open("ab") as said:
            self.server = subprocess.Popen(
                command, env=self.environment(), stdin=subprocess.DEVNULL, stdout=said, stderr=said
            )
        until(self.answers, STARTS_WITHIN)

    def answers(self) -> bool:
        assert self.server and self.server.poll() is None, self.said.read_text()
        return ask(self.router, f"{PREFIX}/services").status == 200

    def leave(self, how: signal.Signals) -> None:
        """End it by its pid."""
        if self.server is not None:
            os.kill(self.server.pid, how)
            try:
                self.server.wait(10)
            except subprocess.TimeoutExpired:
                self.server.kill()
                self.server.wait(5)
            self.server = None

    def again(self) -> None:
        """Another process in its place."""
        self.leave(signal.SIGTERM)
        self.serve()

    def url(self, path: str = "/services") -> str:
        return f"{self.router.url}{PREFIX}{path}"

    # --- the machine, beside its pages

    def run(self, verb: Verb, *names: str, to: int | None = None, reporter: Reporter | None = None) -> Report:
        """As an operator beside the server: its clock holds the lock for a moment now and then."""
        deadline = time.monotonic() + 10
        while True:
            try:
                return super().run(verb, *names, to=to, reporter=reporter)
            except LockedError:
                if time.monotonic() > deadline:
                    raise
            time.sleep(0.1)

    def refresh(self) -> None:
        """Read the channels, as the clock would."""
        assert refresh(self.host()) == {}

    def publish_ready(self, *apps: str) -> None:
        """A first build of what has none yet."""
        for app in apps:
            if not self.world.state.repo(f"{OWNER}/{self.world.bundle(app).repo.name}").tags:
                self.publish(app)

    def publish_again(self, app: str, commit: str) -> None:
        """Another build of a commit that was there before."""
        bundle = self.world.bundle(app)
        built = {
            b.name: build_daemon(stamp_for(b, f"again {commit[:7]}", commit, Behaviour.WORKS)) for b in bundle.binaries
        }
        files = {b.asset_name(bundle.targets[0]): built[b.name] for b in bundle.binaries}
        Publisher(self.world.state).publish(f"{OWNER}/{bundle.repo.name}", CHANNEL, files, commit=commit)

    def install_here(self, *apps: str) -> None:
        """Apps and everything that they need, with one request."""
        needed: dict[str, None] = {}

        def add(app: str) -> None:
            for one in self.world.bundle(app).requires:
                if one.hard:
                    add(one.app)
            needed[app] = None

        for app in apps:
            add(app)
        self.publish_ready(*needed)
        missing = [app for app in needed if not self.services(app)]
        if missing:
            assert self.code(Verb.INSTALL, *missing) == 0
        until(lambda: "STARTING" not in self.supervisor_says())

    def supervisor_says(self) -> set[str]:
        """The words that the supervisor has for its services."""
        with supervisor(self.machine.layout.supervisor / "rpc.sock") as proxy:
            told: Any = proxy.supervisor.getAllProcessInfo()
        return {one["statename"] for one in told}

    def ordered(self, method: str, service: str) -> Job:
        """A change as a program orders it, when its job has ended."""
        return self.settled(call(self.router, method, service=service)["job"]["id"])

    @contextmanager
    def slow_downloads(self, seconds: float) -> Iterator[None]:
        """Every file of the forge comes so much later."""
        fault = Fault(path="/releases/download/", delay=seconds)
        self.world.state.faults.append(fault)
        try:
            yield
        finally:
            self.world.state.faults.remove(fault)

    @contextmanager
    def held_downloads(self) -> Iterator[Event]:
        """Every file of the forge stops after its first bytes until the event is set, which it is at the end."""
        go = Event()
        fault = Fault(
            path="/releases/download/", trickle=0.001, trickle_bytes=4096, during=lambda: go.wait(STARTS_WITHIN)
        )
        self.world.state.faults.append(fault)
        try:
            yield go
        finally:
            go.set()
            self.world.state.faults.remove(fault)

    def jobs(self) -> tuple[Job, ...]:
        """Every job, newest first."""
        return jobs.listed(self.host())

    def settled(self, number: int, within: float = 40.0) -> Job:
        """A job when it has ended."""
        until(lambda: jobs.find(self.host(), number).state.ended, within)
        return jobs.find(self.host(), number)
