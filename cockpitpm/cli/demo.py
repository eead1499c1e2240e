"""`demo`: the one verb that knows the sandbox."""

from __future__ import annotations

import textwrap

import click

from cockpitpm.cli.session import Session
from cockpitpm.cli.terminal import Terminal, bold, cyan, dim, green, red
from cockpitpm.cli.verbs import Verb as Command
from cockpitpm.errors import ExitCode

EXAMPLES = ("cockpitpm demo", "cockpitpm demo --keep", "cockpitpm demo --stop /tmp/cp3x8k_q1a")
WIDTH = 80
INDENT = "   "


@click.command(cls=Command, examples=EXAMPLES)
@click.option("--keep", is_flag=True, help="Leave the machine and its forge running, and say how to talk to it.")
@click.option("--stop", metavar="ROOT", help="End a machine that was kept: its processes, its forge, its folder.")
@click.pass_obj
def demo(session: Session, keep: bool, stop: str | None) -> int:
    """Show everything on a machine of its own in a temporary folder, with real processes, in under a minute.

    Every scene proves what it says. Nothing is left behind, however the demo ends; the last line says so.
    """
    from cockpitpm.sandbox.demo import run_demo, stop_demo

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
