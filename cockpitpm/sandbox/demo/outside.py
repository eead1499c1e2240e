"""The world outside the demo, as a process of its own: the forge, and the end of the machines.

It takes orders as lines of JSON and answers each with one. When its standard input ends, the demo is gone: everything
of the machines goes too. After `keep` it serves on until it is asked to end, or until the folder has gone. Its
arguments are the roles of several machines, each of which has its root below the folder; without any there is one
machine, an admin's, and the folder is its root.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import signal
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

from cockpitpm.model.role import Role
from cockpitpm.processes import LinuxProcesses
from cockpitpm.sandbox.daemons import Behaviour, assets
from cockpitpm.sandbox.demo.remains import CARD, clear
from cockpitpm.sandbox.forge.content import InMemory
from cockpitpm.sandbox.forge.release import ReleaseRow
from cockpitpm.sandbox.machine import SandboxMachine
from cockpitpm.sandbox.packed import APP as COCKPIT
from cockpitpm.sandbox.packed import PackedBuilds
from cockpitpm.sandbox.world import CHANNEL, OWNER, World

HOUR = timedelta(hours=1)


class Outside:
    """What can be ordered. Each public method is an order; its answer is JSON."""

    def __init__(self, world: World, root: Path) -> None:
        self.world = world
        self.root = root
        self.kept = False

    def hello(self) -> dict[str, str]:
        """Where everything is."""
        return {"root": str(self.root), "url": self.world.url}

    def publish(self, app: str, version: str, behaviour: str) -> str:
        """A new build of an app on the channel. Gives its commit."""
        return self.world.publish(app, version, Behaviour(behaviour)).commit

    def publish_cockpit(self, version: str) -> str:
        """A build of Cockpit that is no stand-in: this very program, packed. Gives its commit."""
        builds = PackedBuilds(self.root / "packed", self.world.bundle(COCKPIT))
        return self.world.publish_packed(builds.build(version), version).commit

    def publish_late(self, app: str, version: str) -> str:
        """The tag moves to a commit of now; the files under it are those of a build from an hour before."""
        commit = self.world.publish(app, version).commit
        for attachment in self._row(app).attachments:
            attachment.created -= HOUR
        return commit

    def leave_behind(self, app: str, target: str) -> list[str]:
        """Beside the files of today, files of a day before for another target. Gives their names."""
        bundle, row = self.world.bundle(app), self._row(app)
        repo = self.world.state.repo(f"{OWNER}/{bundle.repo.name}")
        old = assets(bundle, "0.9", "0" * 40)
        for binary in bundle.binaries:
            repo.upload(row, binary.asset_name(target), InMemory(old[binary.name])).created -= 24 * HOUR
        return [binary.asset_name(target) for binary in bundle.binaries]

    def files(self, app: str) -> dict[str, str]:
        """What is published for an app now: the md5 of each file by its name."""
        return {a.name: _md5(a.content.open().read()) for a in self._row(app).attachments}

    def downloads(self) -> list[str]:
        """Every file that was asked for so far, oldest first."""
        return self.world.downloads()

    def keep(self) -> None:
        """Stay when the demo has gone."""
        self.kept = True

    def serve(self) -> None:
        """Take orders until the line is cut, then wait if it is to be kept."""
        for line in sys.stdin:
            name, *arguments = json.loads(line)
            answer: Any = getattr(self, name)(*arguments)
            sys.stdout.write(json.dumps(answer) + "\n")
            sys.stdout.flush()
        _let_go_of_the_terminal()
        while self.kept and self.root.is_dir():
            time.sleep(1)

    def _row(self, app: str) -> ReleaseRow:
        row = self.world.state.repo(f"{OWNER}/{self.world.bundle(app).repo.name}").row(CHANNEL)
        assert row is not None, app
        return row


def _md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def _let_go_of_the_terminal() -> None:
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (1, 2):
        os.dup2(nowhere, stream)


def _sign(root: Path) -> None:
    """Leave our card in the folder: a pid alone names nothing, so the start time stands beside it."""
    me = LinuxProcesses().identify(os.getpid())
    card = {"pid": os.getpid(), "start_ticks": me.start_ticks if me else 0}
    (root / CARD).write_text(json.dumps(card), encoding="utf-8")


def _machines(url: str, roles: list[str]) -> Path:
    """Make the machines and give the folder that everything is in."""
    if not roles:
        return SandboxMachine(url, Role.ADMIN).root
    folder = Path(tempfile.mkdtemp(prefix="cp", dir=min(tempfile.gettempdir(), "/tmp", key=len)))
    for role in roles:
        root = folder / role
        root.mkdir()
        settings = SandboxMachine(url, Role(role), root=root).layout.settings
        # A tester's machine is one because nobody says anything. Both read their channels only when they are asked.
        text = settings.read_text().replace(f"role: {Role.TESTER.value}\n", "")
        settings.write_text(f"{text}upgrades: {{notice: false}}\n")
    return folder


def _leave(_number: int, _frame: object) -> None:
    raise SystemExit(0)


def main() -> None:
    """Serve one demo."""
    signal.signal(signal.SIGTERM, _leave)
    with World() as world, contextlib.ExitStack() as ending:
        root = _machines(world.url, sys.argv[1:])
        ending.callback(clear, root)
        ending.callback(signal.signal, signal.SIGTERM, signal.SIG_IGN)
        _sign(root)
        world.publish_all()
        Outside(world, root).serve()


if __name__ == "__main__":
    main()
