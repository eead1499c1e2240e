"""Serves the releases of a folder as a forge, in a process of its own: `python -m cockpitpm.sandbox.forge FOLDER`.

The folder is laid out as `owner/repo/tag/asset`; `release.json` is not served. The first line of stdout is the address.
It ends when its standard input does, so that it never outlives who started it.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from urllib.parse import unquote

from cockpitpm.sandbox.forge.publisher import Publisher
from cockpitpm.sandbox.forge.server import ForgeServer
from cockpitpm.sandbox.forge.state import ForgeState


def stocked(folder: Path) -> ForgeState:
    """A forge that holds what the folder holds."""
    state = ForgeState()
    for place in sorted(p for p in folder.glob("*/*/*") if p.is_dir()):
        owner, repo, tag = place.relative_to(folder).parts
        assets = {p.name: p for p in sorted(place.iterdir()) if p.is_file() and p.name != "release.json"}
        Publisher(state).publish(f"{owner}/{repo}", unquote(tag), assets)
    return state


def main() -> None:
    """Serve until standard input ends."""
    parser = argparse.ArgumentParser(prog="sandbox-forge", description="A little forge on the loopback interface")
    parser.add_argument("folder", type=Path, help="owner/repo/tag/asset")
    parser.add_argument("--port", type=int, default=0, help="0: any that is free")
    options = parser.parse_args()
    with ForgeServer(stocked(options.folder), options.port) as server:
        sys.stdout.write(f"{server.url}\n")
        sys.stdout.flush()
        sys.stdin.buffer.read()


if __name__ == "__main__":
    main()
