"""`demo`: the one verb that knows the sandbox."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING

import click

from cockpitpm.cli.session import Session
from cockpitpm.cli.terminal import Ink, Terminal, bold, cyan, dim, green, red
from cockpitpm.cli.verbs import Verb as Command
from cockpitpm.errors import ExitCode

if TYPE_CHECKING:
    from cockpitpm.sandbox.demo import Row

EXAMPLES = (
    "cockpitpm demo",
    "cockpitpm demo --two-machines",
    "cockpitpm demo --keep",
    "cockpitpm demo --stop /tmp/cp3x8k_q1a",
)
WIDTH = 80
INDENT = "   "
GAP = "  "
MARKS = {"seen": green("✓"), "missed": red("✗"), "open": dim("–")}
TOLD = {"seen": "seen", "missed": "not so", "open": "cannot be seen in a sandbox"}


@click.command(cls=Command, examples=EXAMPLES)
@click.option("--two-machines", is_flag=True, help="Prove it on an admin's and a tester's machine, from Cockpit.")
@click.option("--keep", is_flag=True, help="Leave the machine and its forge running, and say how to talk to it.")
@click.option("--stop", metavar="ROOT", help="End a machine that was kept: its processes, its forge, its folder.")
@click.pass_obj
def demo(session: Session, two_machines: bool, keep: bool, stop: str | None) -> int:
    """Show everything on a machine of its own in a temporary folder, with real processes, in under a minute.

    With --two-machines an admin's and a tester's machine, each with Cockpit behind a router: every order is a JSON-RPC
    call, and a table tells claim by claim what is seen.

    Every scene proves what it says. Nothing is left behind, however the demo ends; the last line says so.
    """
    from cockpitpm.sandbox.demo import run_demo, run_proof, stop_demo

    if stop is None and two_machines:
        return run_proof(Audit(session.out), keep)
    if stop is None:
        return run_demo(Captions(session.out), keep)
    left = stop_demo(session.absolute(stop))
    session.out.line(str(left))
    return ExitCode.DONE if left.nothing else ExitCode.MACHINE


class Captions:
    """The story on a terminal: commands print between the captions, so each of these is flushed at once."""

    def __init__(self, out: Terminal) -> None:
        self.out = out
        self.number = 0
        self.spoken = False
        self.width = min(out.width or WIDTH, WIDTH)

    def scene(self, title: str, text: str) -> None:
        """A numbered title over a caption."""
        if self.number:
            self.out.line()
        self.number += 1
        self.out.line(bold(f"{self.number}. {title}"))
        for line in self._wrapped(text, self.width - len(INDENT)):
            self.out.line(INDENT, line)
        self.out.flush()

    def command(self, text: str) -> None:
        """The line as one would type it."""
        self.out.line()
        *begun, end = self._wrapped(f"$ {text}", self.width - 2, "    ")
        for line in (*(f"{part} \\" for part in begun), end):
            self.out.line(cyan(line))
        self.out.flush()
        self.spoken = False

    def output(self, lines: list[str]) -> None:
        """The lines as they came."""
        for line in lines:
            self.out.line(line)

    def ended(self, code: int) -> None:
        """The exit code with its name."""
        names = {known.value: known.name.lower().replace("_", " ") for known in ExitCode}
        self.out.line(dim(f"exit code {code}: {names.get(code, 'unknown')}"))

    def held(self, claim: str) -> None:
        """A tick, set off from what the command printed."""
        self._speak()
        self.out.line(INDENT, green("✓ "), claim)
        self.out.flush()

    def failed(self, claim: str, found: str) -> None:
        """A cross, and what was found instead."""
        self._speak()
        self.out.line(INDENT, red("✗ "), bold("this does not hold: "), claim)
        if found:
            self.out.line(INDENT, "  found: ", found)

    def last(self, text: str) -> None:
        """The last line."""
        self.out.line()
        self.out.line(text)

    def _speak(self) -> None:
        if not self.spoken:
            self.out.line()
        self.spoken = True

    def _wrapped(self, text: str, width: int, hang: str = "") -> list[str]:
        return textwrap.wrap(text, width, subsequent_indent=hang, break_on_hyphens=False, break_long_words=False)


class Audit(Captions):
    """The same with a table at the end."""

    def row(self, row: Row) -> None:
        """Only what is missed is told at once; the table has all of it."""
        if row.mark.value == "missed":
            self.failed(row.claimed, row.seen)
        self.out.flush()

    def table(self, parts: Mapping[str, Sequence[Row]]) -> None:
        """Two columns, and a mark in front of each row."""
        self.scene("Claimed in the thread | seen here", "On the left what was told of two real machines.")
        for heading, rows in parts.items():
            self.out.line()
            self.out.line(INDENT, bold(heading))
            for row in rows:
                self._columns(MARKS[row.mark.value], row.claimed, row.seen)
        marks = [row.mark.value for rows in parts.values() for row in rows]
        told = ", ".join(f"{marks.count(mark)} {words}" for mark, words in TOLD.items() if mark in marks)
        self.last(f"{len(marks)} claims: {told}")

    def _columns(self, mark: Ink, claimed: str, seen: str) -> None:
        room = (self.width - len(INDENT) - len(GAP)) // 2
        left, right = (textwrap.wrap(text, room) for text in (claimed, seen))
        for number, (one, other) in enumerate(zip_longest(left, right, fillvalue="")):
            self.out.line(" " if number else mark, GAP, one.ljust(room), GAP, other)
