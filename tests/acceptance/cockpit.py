"""A machine whose only program is a packed cockpitpm, which it installed by itself, and how a program asks it."""

from __future__ import annotations

import http.client
import json
import socket
import subprocess
from itertools import count
from pathlib import Path
from typing import Any

from cockpitpm.model.role import Role
from cockpitpm.record import generations
from cockpitpm.record.layout import Layout
from cockpitpm.sandbox.daemons import Behaviour
from cockpitpm.sandbox.machine import SandboxMachine
from cockpitpm.sandbox.packed import APP, PackedBuilds
from cockpitpm.sandbox.world import World

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


def left_behind(cockpit: Cockpit) -> list[str]:
    """What should not be there after a transaction."""
    layout = cockpit.layout
    current = generations.current_live(layout, APP)
    found = [f"journal {p.name}" for p in layout.journal.glob("*")]
    found += [f"live {p.name}" for p in generations.lives(layout, APP) if p.name != current]
    found += [f"half unpacked {p.name}" for p in layout.unpacked.glob(".*")]
    return found
