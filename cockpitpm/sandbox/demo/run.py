"""From the first line to the last: the machine comes, the story is told, everything goes again."""

from __future__ import annotations

import signal
import time
from shlex import quote

from cockpitpm.sandbox.demo.line import Line
from cockpitpm.sandbox.demo.remains import remains
from cockpitpm.sandbox.demo.scenes import Story
from cockpitpm.sandbox.demo.stage import Stage, Teller, Untrue
from cockpitpm.sandbox.demo.view import View

UNTRUE = 1
INTERRUPTED = 128 + signal.SIGINT


def run_demo(teller: Teller, keep: bool) -> int:
    """Tell the story. The exit code is 0 only if every claim held and, unless the machine is kept, nothing is left."""
    began = time.monotonic()
    line = Line()
    kept = False
    try:
        _introduce(teller, line)
        code = _told(teller, line)
        if keep:
            line.keep()
            kept = True
    except KeyboardInterrupt:
        code = INTERRUPTED
    finally:
        line.cut(kept)
    if kept:
        _say_how_to_go_on(teller, line)
        return code
    left = remains(line.root)
    teller.last(f"{left}, {time.monotonic() - began:.0f} s")
    return code if left.nothing else code or UNTRUE


def _told(teller: Teller, line: Line) -> int:
    try:
        Story(stage=Stage(teller, line.root), line=line, view=View(line.root)).tell()
    except Untrue:
        return UNTRUE
    return 0


def _introduce(teller: Teller, line: Line) -> None:
    teller.scene(
        "A machine of its own",
        f"Its root is {line.root}, its forge {line.url}; processes, sockets and downloads are real."
        f" Every command below runs with PATH_ROOT={line.root}, so that is its machine.",
    )


def _say_how_to_go_on(teller: Teller, line: Line) -> None:
    teller.scene("The machine stays, and so does its forge", "Talk to it, and end it when you are done:")
    teller.command(f"cockpitpm --root {quote(str(line.root))} status")
    teller.command(f"cockpitpm demo --stop {quote(str(line.root))}")
