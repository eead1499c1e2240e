"""Cockpit upgrades itself through its own socket: packed builds, real processes, nothing of this checkout's Python.

SELF_UPGRADES in the environment says how many times; `make selfupgrade` takes 20.
"""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

from cockpitpm.model.role import Role
from cockpitpm.record import generations
from cockpitpm.record.layout import Layout
from cockpitpm.sandbox.daemons import Behaviour
from cockpitpm.sandbox.machine import SandboxMachine
from cockpitpm.sandbox.packed import APP, PackedBuilds
from cockpitpm.sandbox.world import World
from tests.acceptance.scene import until

pytestmark = pytest.mark.real
TIMES = int(os.environ.get("SELF_UPGRADES", "2"))
BACK_WITHIN = 20.0 if "PYTEST_XDIST_WORKER" in os.environ else 10.0
"""Seconds. The promise is 10, held alone on the machine (`make selfupgrade`); beside other tests it takes its turn."""
BROKEN = (Behaviour.NEVER_ANSWERS, Behaviour.FAILS_PROBE, Behaviour.NEVER_STARTS, Behaviour.CRASHES)
SILENCE = (OSError, http.client.HTTPException, ValueError)
ENDS = ("done", "rolled_back", "refused", "failed", "cancelled", "unknown")


class Cockpit:
    """A machine whose only program is a packed cockpitpm, which it installed by itself."""

    def __init__(self, place: Path, world: World) -> None:
        self.world = world
        self.root = place / "m"
        self.home = place / "home"
        self.builds = PackedBuilds(place / "builds", world.bundle(APP))
        for folder in (self.root, self.home, place / "builds"):
            folder.mkdir()
        self.machine = SandboxMachine(world.url, Role.TESTER, root=self.root)
        self.socket = self.root / "var/sockets" / "hero_cockpit/rpc.sock"
        self.versions = count(1)
        self.version = ""

    @property
    def layout(self) -> Layout:
        return self.machine.layout

    def publish(self, behaviour: Behaviour | None = None) -> str:
        version = f"1.{next(self.versions)}"
        self.world.publish_packed(self.builds.build(version, behaviour), version)
        return version

    def install(self) -> None:
        """What a person does on an empty machine: fetch the one file and have it install itself."""
        self.version = self.publish()
        done = self.command(str(self.builds.build(self.version)), "install", APP, "--yes")
        assert done.returncode == 0, done.stdout + done.stderr

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*words, "--root", str(self.root)],
            env={"PATH": "/usr/bin:/bin", "HOME": str(self.home)},
            cwd="/",
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            stdin=subprocess.DEVNULL,
        )

    def call(self, method: str, **params: Any) -> Any:
        answer = exchange(self.socket, "POST", "/rpc", {"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
        if "result" not in answer:  # a broken build may answer something else
            raise ValueError(f"{method} was not answered: {answer}")
        return answer["result"]

    def job(self, number: int) -> Any:
        """The job, as whoever serves just now tells it; None while nobody does."""
        try:
            return self.call("cockpit.job", id=number)
        except SILENCE:
            return None

    def serves(self) -> str:
        """The version that `bin/hero_cockpit` is of."""
        return self.command(str(self.root / "bin/hero_cockpit"), "--version").stdout.split()[-1]


def exchange(path: Path, method: str, where: str, body: Any = None) -> Any:
    """One question over a unix socket. Raises one of SILENCE where nobody answers with JSON."""
    connection = http.client.HTTPConnection("localhost")
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.settimeout(10)
    try:
        connection.sock.connect(str(path))
        sent = None if body is None else json.dumps(body)
        connection.request(method, where, sent, {"Content-Type": "application/json"} if sent else {})
        return json.loads(connection.getresponse().read())
    finally:
        connection.close()


class Watch:
    """Asks for the health all the time; remembers for how long nobody gave the answer."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stop = Event()
        self._thread = Thread(target=self._look, daemon=True)
        self.longest = 0.0

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _look(self) -> None:
        last = time.monotonic()
        while not self._stop.is_set():
            if self._well():
                last = time.monotonic()
            self.longest = max(self.longest, time.monotonic() - last)
            time.sleep(0.02)

    def _well(self) -> bool:
        try:
            return bool(exchange(self._path, "GET", "/health")["status"] == "ok")
        except (*SILENCE, KeyError):
            return False


@pytest.fixture(scope="module")
def cockpit(place: Path) -> Iterator[Cockpit]:
    with World() as world:
        made = Cockpit(place, world)
        with made.machine:
            made.install()
            yield made


def upgraded(cockpit: Cockpit) -> tuple[Any, float]:
    """Order the upgrade over its own socket; the job as it ended, and for how long the server was away."""
    with Watch(cockpit.socket) as watch:
        number = cockpit.call("cockpit.upgrade_service", service=APP)["job"]["id"]
        until(lambda: (cockpit.job(number) or {}).get("state") in ENDS, within=90)
    return cockpit.job(number), watch.longest


def test_it_comes_back_every_time(cockpit: Cockpit) -> None:
    broken, away = iter(BROKEN * TIMES), []
    for turn in range(TIMES):
        bad = next(broken) if turn % 2 else None
        version = cockpit.publish(bad)
        job, longest = upgraded(cockpit)
        away.append(longest)
        assert job["state"] == ("rolled_back" if bad else "done"), (turn, bad, job["said"])
        assert longest < BACK_WITHIN, (turn, bad, longest)
        cockpit.version = cockpit.version if bad else version
        assert cockpit.serves() == cockpit.version
        assert left_behind(cockpit) == []
    print(f"\n{TIMES} self-upgrades, away for {', '.join(f'{seconds:.1f}' for seconds in away)} s")


def left_behind(cockpit: Cockpit) -> list[str]:
    """What should not be there after a transaction."""
    layout = cockpit.layout
    current = generations.current_live(layout, APP)
    found = [f"journal {p.name}" for p in layout.journal.glob("*")]
    found += [f"live {p.name}" for p in generations.lives(layout, APP) if p.name != current]
    found += [f"half unpacked {p.name}" for p in layout.unpacked.glob(".*")]
    return found
