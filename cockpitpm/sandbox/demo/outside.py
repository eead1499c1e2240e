"""The world outside the demo, as a process of its own: the forge, and the machine's end.

It takes orders as lines of JSON and answers each with one. When its standard input ends, the demo is gone: everything
of the machine goes too. After `keep` it serves on until it is asked to end, or until the folder has gone.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import signal
import sys
import time
from typing import Any

from cockpitpm.model.role import Role
from cockpitpm.processes import LinuxProcesses
from cockpitpm.sandbox.daemons import Behaviour
from cockpitpm.sandbox.demo.remains import CARD, clear
from cockpitpm.sandbox.machine import SandboxMachine
from cockpitpm.sandbox.world import CHANNEL, OWNER, World


class Outside:
    """What can be ordered. Each public method is an order; its answer is JSON."""

    def __init__(self, world: World, machine: SandboxMachine) -> None:
        self.world = world
        self.machine = machine
        self.kept = False

    def hello(self) -> dict[str, str]:
        """Where everything is."""
        return {"root": str(self.machine.root), "url": self.world.url}

    def publish(self, app: str, version: str, behaviour: str) -> str:
        """A new build of an app on the channel. Gives its commit."""
        return self.world.publish(app, version, Behaviour(behaviour)).commit

    def files(self, app: str) -> dict[str, str]:
        """What is published for an app now: the md5 of each file by its name."""
        row = self.world.state.repo(f"{OWNER}/{self.world.bundle(app).repo.name}").row(CHANNEL)
        found = row.attachments if row else []
        return {a.name: hashlib.md5(a.content.open().read(), usedforsecurity=False).hexdigest() for a in found}

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
        while self.kept and self.machine.root.is_dir():
            time.sleep(1)


def _let_go_of_the_terminal() -> None:
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (1, 2):
        os.dup2(nowhere, stream)


def _sign(machine: SandboxMachine) -> None:
    """Leave our card in the folder: a pid alone names nothing, so the start time stands beside it."""
    me = LinuxProcesses().identify(os.getpid())
    card = {"pid": os.getpid(), "start_ticks": me.start_ticks if me else 0}
    (machine.root / CARD).write_text(json.dumps(card), encoding="utf-8")


def _leave(_number: int, _frame: object) -> None:
    raise SystemExit(0)


def main() -> None:
    """Serve one demo."""
    signal.signal(signal.SIGTERM, _leave)
    with World() as world, contextlib.ExitStack() as ending:
        machine = SandboxMachine(world.url, Role.ADMIN)
        ending.callback(clear, machine.root)
        ending.callback(signal.signal, signal.SIGTERM, signal.SIG_IGN)
        _sign(machine)
        world.publish_all()
        Outside(world, machine).serve()


if __name__ == "__main__":
    main()
