"""The packed program: one file under four names, and each name is another thing to do."""

from __future__ import annotations

import os
import runpy
import sys
from collections.abc import Sequence

SERVES = {"hero_cockpit_server": "rpc", "hero_cockpit_web": "web", "hero_cockpit_admin": "admin"}
"""What a supervisor starts without a word, and the part of `serve` that it means."""
OURS = ["-m", "cockpitpm"]


def main(name: str, arguments: Sequence[str]) -> int:
    """Do what the name says; with arguments, or under any other name, it is the command line. Gives the exit code.

    `-m MODULE` runs a module that was packed too, as Python itself does: the supervisor of a machine is one.
    """
    words = list(arguments)
    if words[:1] == ["-m"] and words[:2] != OURS:
        return _module(words[1:])
    if words[:2] == OURS:
        words = words[2:]
    if words[:2] == ["jobs", "run"]:
        _leave()
    if not words and name in SERVES:
        words = ["serve", "--only", SERVES[name]]
    sys.argv[1:] = words
    from cockpitpm.cli import main as command_line

    return command_line()


def _module(words: list[str]) -> int:
    if not words:
        sys.stderr.write("Argument expected for the -m option\n")
        return 2
    sys.argv[1:] = words[1:]
    runpy.run_module(words[0], run_name="__main__", alter_sys=True)
    return 0


def _leave() -> None:
    """Be no descendant of who started us: a job may have to end the very service that it was ordered of."""
    if os.fork():
        os._exit(0)
    os.setsid()
