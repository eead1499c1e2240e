"""The command line: parses, asks, renders, exits. Knows no rule of its own; each verb has a module here."""

from __future__ import annotations

import sys

from cockpitpm import __version__


def main() -> int:
    """The entry point. Gives the exit code. `--version` alone answers before anything else is imported."""
    arguments = sys.argv[1:]
    if arguments == ["--version"]:
        print(f"cockpitpm {__version__}")
        return 0
    from cockpitpm.cli.entry import start

    return start(arguments)
