"""The demo's end of the line to the world outside. Cutting it, in whatever way, ends the machine."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from cockpitpm.errors import CockpitPmError
from cockpitpm.sandbox.daemons import Behaviour
from cockpitpm.sandbox.demo.remains import clear, remains

ENDS_WITHIN = 60.0  # seconds; thousands of files may have to go


class Line:
    """Starts the world outside in a session of its own, so that no terminal takes it along.

    With `roles` there is a machine for each, in a folder of that name below the root; without, the root is one's own.
    """

    def __init__(self, *roles: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "cockpitpm.sandbox.demo.outside", *roles],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
            encoding="utf-8",
        )
        where = self._order("hello")
        self.root = Path(where["root"])
        self.url = str(where["url"])

    def publish(self, app: str, version: str, behaviour: Behaviour = Behaviour.WORKS) -> str:
        """A new build on the channel. Gives its commit."""
        return str(self._order("publish", app, version, behaviour.value))

    def publish_cockpit(self, version: str) -> str:
        """A new build of Cockpit, which is this program itself. Gives its commit."""
        return str(self._order("publish_cockpit", version))

    def publish_late(self, app: str, version: str) -> str:
        """A commit on the channel whose files were built before it was made. Gives the commit."""
        return str(self._order("publish_late", app, version))

    def leave_behind(self, app: str, target: str) -> list[str]:
        """Old files for another target, beside those that are published. Gives their names."""
        return list(self._order("leave_behind", app, target))

    def files(self, app: str) -> dict[str, str]:
        """The md5 of each file that is published for an app, by name."""
        return dict(self._order("files", app))

    def downloads(self) -> list[str]:
        """Every file that the forge was asked for, oldest first."""
        return list(self._order("downloads"))

    def keep(self) -> None:
        """Have the machine and its forge stay."""
        self._order("keep")

    def cut(self, kept: bool = False) -> None:
        """Let go; unless it is kept, return when the machine has gone."""
        for end in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):
                if end is not None:
                    end.close()
        if not kept:
            self._wait()

    def _wait(self) -> None:
        try:
            self._process.wait(ENDS_WITHIN)
        except subprocess.TimeoutExpired:
            self._process.kill()
        if not remains(self.root).nothing:
            clear(self.root)

    def _order(self, *words: str) -> Any:
        assert self._process.stdin is not None and self._process.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(json.dumps(words) + "\n")
            self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise CockpitPmError("The demo's forge has ended", "Run the demo once more")
        return json.loads(answer)
