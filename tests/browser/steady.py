"""A machine on simulators whose server, a process of its own, says the same bytes however often it is made.

Its clock stands, its random words are counted, its processes have the numbers that the simulator gives them.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Self

from attrs import evolve

from cockpitpm.app.engine import Engine
from cockpitpm.app.host import Ports
from cockpitpm.app.refresh import refresh
from cockpitpm.model.job import Job, Order
from cockpitpm.model.receipt import Verb
from cockpitpm.model.request import Request
from cockpitpm.model.role import Role
from cockpitpm.router import Router
from cockpitpm.serve.run import Wanted, serve
from cockpitpm.serve.run import World as Standing
from tests.acceptance.scene import until
from tests.browser.guest import PREFIX
from tests.sim.world import World
from tests.unit.web.conftest import Machine
from tests.unit.web.test_pages import install, upgrade

CHECKOUT = Path(__file__).parents[2]
DB, BOOKS = "hero_db", "hero_books"
PUBLISHED = ((DB, "1.1"), (BOOKS, "2.0"))
"""What the forge gets after the first build of everything."""
DATE = re.compile(rb"\r\ndate: [^\r]*", re.IGNORECASE)
"""The one line of an answer that tells the time of the wire, not of the machine."""


class StandingClock:
    """Says the simulator's time; seconds go by as they do."""

    def __init__(self, world: World) -> None:
        self._world = world

    def now(self) -> datetime:
        return self._world.now()

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(max(seconds, 0.0))


class Counted(Machine):
    """A machine whose random words are counted."""

    def __init__(self, folder: Path, role: Role, bundles: Path | None = None) -> None:
        self._numbers = count(1)
        super().__init__(folder, role, bundles)

    def ports(self) -> Ports:
        return evolve(super().ports(), token=lambda: f"{next(self._numbers):06x}")


class Steady:
    """A context manager: the machine in a new folder, and its server while it is entered."""

    def __init__(
        self, folder: Path, role: Role, bundles: Path | None = None, more: Callable[[Machine], None] | None = None
    ) -> None:
        folder.mkdir()
        self.folder = folder
        self.machine = Counted(folder, role, bundles)
        settings = self.machine.root / "cfg/cockpitpm/machine.yaml"
        settings.write_text(f"{settings.read_text()}upgrades: {{notice: off, download: off}}\n")
        install(self.machine, DB, BOOKS)
        upgrade(self.machine, *PUBLISHED[0])
        self.machine.publish(*PUBLISHED[1])
        assert refresh(self.machine.host()) == {}
        key = self.machine.host().layout.var / "serve.key"
        key.write_text("5a" * 32)
        key.chmod(0o600)
        if more:
            more(self.machine)
        self.sockets = self.machine.root / "var/sockets/hero_cockpit"
        self.router = Router(self.sockets.parent, user="mik")
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.router.__enter__()
        try:
            self._start()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def _start(self) -> None:
        words = [str(self.folder), self.machine.role.value, str(self.machine.bundles)]
        with (self.folder / "said").open("wb") as said:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.browser.steady", *words],
                cwd=CHECKOUT, env={**os.environ, "PYTHONPATH": str(CHECKOUT)}, stdin=subprocess.DEVNULL,
                stdout=said, stderr=said,
            )  # fmt: skip
        until(self._listens, 30)

    def url(self, path: str) -> str:
        return f"{self.router.url}{PREFIX}{path}"

    def _listens(self) -> bool:
        said = (self.folder / "said").read_text()
        assert self._process and self._process.poll() is None, said
        return "Listening on" in said

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        if self._process:
            self._process.terminate()
            self._process.wait(15)
        self.router.__exit__(None, None, None)

    @contextmanager
    def still(self) -> Iterator[None]:
        """Meanwhile the server sees nothing, so it sees all that was done at once."""
        assert self._process
        self._process.send_signal(signal.SIGSTOP)
        try:
            yield
            time.sleep(1.1)  # longer than its pause between two looks, so that it looks before it follows jobs
        finally:
            self._process.send_signal(signal.SIGCONT)

    def job(self, verb: Verb, app: str) -> Job:
        """Order a change, which the simulators carry out on the spot."""
        engine = Engine(self.machine._invocation("mik"), self.machine.ports(), self.machine.start)
        job, _ = engine.order(Order(request=Request(verb=verb, names=(app,), actor="mik"), apps=(app,)))
        return job

    def said(self, kind: str, request: bytes) -> bytes:
        """The whole answer to a request on one of the sockets, as it came over the wire but for its date."""
        with self.line(kind, request) as plug:
            return DATE.sub(b"", b"".join(iter(lambda: plug.recv(1 << 16), b"")), count=1)

    @contextmanager
    def line(self, kind: str, request: bytes) -> Iterator[socket.socket]:
        """A connection over which this was sent."""
        with socket.socket(socket.AF_UNIX) as plug:
            plug.settimeout(20)
            plug.connect(str(self.sockets / f"{kind}.sock"))
            plug.sendall(request)
            yield plug


def main(folder: Path, role: Role, bundles: Path) -> None:
    """Serve the machine of a folder. Its forge is made anew: the same builds, in the same order."""
    (folder / "forge").mkdir()
    machine = Counted(folder / "forge", role, bundles)
    for app, version in PUBLISHED:
        machine.publish(app, version)
    machine.folder, machine.root, machine.world = folder, folder / "root", World(folder)
    words = count(1)
    ports = evolve(machine.ports(), clock=StandingClock(machine.world))
    known = Standing(ports=ports, tokens=lambda: f"word-{next(words):032}")
    serve(machine._invocation("mik"), Wanted(), lambda line: print(line, flush=True), known)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Role(sys.argv[2]), Path(sys.argv[3]))
