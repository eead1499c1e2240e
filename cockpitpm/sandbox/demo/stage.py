"""Where the story is told: real commands with what they print, and claims that must hold."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Protocol

from cockpitpm.sandbox.demo.remains import MARK

OURS = ("COCKPIT", "PATH_", "HERO_", "FORGE")
"""Variables that would make the commands of a demo speak of another machine."""


class Teller(Protocol):
    """How the story reaches a person."""

    def scene(self, title: str, text: str) -> None:
        """A new scene with its caption."""
        ...

    def command(self, text: str) -> None:
        """A command that is run right after this; its output comes next."""
        ...

    def output(self, lines: list[str]) -> None:
        """What a command printed, where it does not print by itself."""
        ...

    def ended(self, code: int) -> None:
        """The exit code of a command."""
        ...

    def held(self, claim: str) -> None:
        """Something was checked, and is so."""
        ...

    def failed(self, claim: str, found: str) -> None:
        """Something was checked, and is not so."""
        ...

    def last(self, text: str) -> None:
        """The last word."""
        ...


def environment(root: Path, demo: Path) -> dict[str, str]:
    """What a command on a machine of the demo is told: its root, and the folder of the demo by which it is known."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    return {**kept, "PATH_ROOT": str(root), MARK: str(demo)}


class Untrue(Exception):
    """A claim of the story does not hold."""


class Stage:
    """Runs commands on one machine and holds the story to its claims."""

    def __init__(self, teller: Teller, root: Path) -> None:
        self.teller = teller
        self._environment = environment(root, root)

    def scene(self, title: str, text: str) -> None:
        """Begin a scene."""
        self.teller.scene(title, text)

    def run(self, *words: str, expect: int = 0, tail: int = 0) -> None:
        """Run `cockpitpm` with these words; it prints for itself, or with `tail` as through `tail -n`.

        Raises Untrue unless it ends with this exit code.
        """
        shown = " ".join(("cockpitpm", *words))
        self.teller.command(f"{shown} | tail -n {tail}" if tail else shown)
        code = self._piped(words, tail) if tail else self._printed(words)
        if code or expect:
            self.teller.ended(code)
        if code != expect:
            self.claim(f"`{shown}` ends with exit code {expect}", False, f"it ended with {code}")

    def claim(self, claim: str, holds: bool, found: object = "") -> None:
        """Say it if it is so. Raises Untrue if not."""
        if not holds:
            self.teller.failed(claim, str(found))
            raise Untrue(claim)
        self.teller.held(claim)

    def _printed(self, words: tuple[str, ...]) -> int:
        return subprocess.call(self._line(words), env=self._environment, stdin=subprocess.DEVNULL)

    def _piped(self, words: tuple[str, ...], tail: int) -> int:
        done = subprocess.run(
            self._line(words),
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            encoding="utf-8",
            check=False,
        )
        self.teller.output(done.stdout.splitlines()[-tail:])
        return done.returncode

    def _line(self, words: tuple[str, ...]) -> list[str]:
        return [sys.executable, "-m", "cockpitpm", *words]
