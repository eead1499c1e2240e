"""A machine on simulators whose server, a process of its own, says the same bytes however often it is made.

Its clock stands, its random words are counted, its processes have the numbers that the simulator gives them; where a
test wants it so, its watcher looks at the machine when it is told to and not once a second.
"""

from __future__ import annotations

import os
import re
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
from cockpitpm.serve import run
from cockpitpm.serve.run import Wanted, serve
from cockpitpm.serve.run import World as Standing
from cockpitpm.serve.watch import Watcher
from tests.browser.guest import PREFIX
from tests.sim.world import World
from tests.unit.web.conftest import Machine
from tests.unit.web.test_pages import install, upgrade
from tests.waiting import until

CHECKOUT = Path(__file__).parents[2]
DB, BOOKS = "hero_db", "hero_books"
PUBLISHED = ((DB, "1.1"), (BOOKS, "2.0"))
"""What the forge gets after the first build of everything."""
DATE = re.compile(rb"\r\ndate: [^\r]*", re.IGNORECASE)
"""The one line of an answer that tells the time of the wire, not of the machine."""
TURN = "That was turn"
NEVER = 1e6
"""Seconds until the schedule of a machine is looked at; by then no test goes on."""


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


class Driven(Watcher):
    """Looks, follows and asks once for every byte of its standard input, a second later each time, and says so."""

    turns = 0

    def _run(self) -> None:
        self._monotonic = lambda: float(self.turns)
        while os.read(sys.stdin.fileno(), 1):
            self.turns += 1
            self.turn()
            if self._asking:
                self._asking.join()
            print(f"{TURN} {self.turns}.", flush=True)


class Steady:
    """A context manager: the machine in a new folder, and its server while it is entered.

    `driven`: what happens on the machine is told when `turn` is called, and only then.
    """

    def __init__(
        self,
        folder: Path,
        role: Role,
        bundles: Path | None = None,
        more: Callable[[Machine], None] | None = None,
        driven: bool = False,
    ) -> None:
        folder.mkdir()
        self.folder = folder
        self.driven, self.turns = driven, 0
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
        words += ["driven"] if self.driven else []
        with (self.folder / "said").open("wb") as said:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.browser.steady", *words],
                cwd=CHECKOUT, env={**os.environ, "PYTHONPATH": str(CHECKOUT)}, bufsize=0,
                stdin=subprocess.PIPE, stdout=said, stderr=said,
            )  # fmt: skip
        until(lambda: self._says("Listening on"), 30)

    def url(self, path: str) -> str:
        return f"{self.router.url}{PREFIX}{path}"

    def _says(self, words: str) -> bool:
        said = (self.folder / "said").read_text()
        assert self._process and self._process.poll() is None, said
        return words in said

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        if self._process and self._process.stdin:
            self._process.stdin.close()
            self._process.terminate()
            self._process.wait(15)
        self.router.__exit__(None, None, None)

    def turn(self) -> None:
        """Let the server look at the machine and at its jobs, once; when it has, all that is new has been told."""
        assert self.driven and self._process and self._process.stdin
        self.turns += 1
        self._process.stdin.write(b".")
        until(lambda: self._says(f"{TURN} {self.turns}."), 30)

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


def main(folder: Path, role: Role, bundles: Path, driven: bool) -> None:
    """Serve the machine of a folder. Its forge is made anew: the same builds, in the same order."""
    if driven:
        run.Watcher = Driven  # type: ignore[attr-defined]
        run.FIRST_TICK = NEVER
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
    main(Path(sys.argv[1]), Role(sys.argv[2]), Path(sys.argv[3]), driven="driven" in sys.argv[4:])
