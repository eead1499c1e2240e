"""Small packed programs: the starter is real, what it starts is as small as can be."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from cockpitpm.cli import packed
from cockpitpm.sandbox import packing

SAYS = "import json, os, sys\n\n\ndef main():\n    print(json.dumps([sys.argv, os.getsid(0)]))\n    return 0\n"
"""A command line that tells how it was called."""


def site(folder: Path, command_line: str = SAYS, **more: str) -> Path:
    """What is packed: the real names, a command line of its own, and further files."""
    cli = folder / "site" / "cockpitpm" / "cli"
    cli.mkdir(parents=True)
    (cli.parent / "__init__.py").touch()
    (cli / "__init__.py").write_text(command_line)
    (cli / "packed.py").write_text(Path(packed.__file__).read_text())
    for name, text in more.items():
        (folder / "site" / name.replace("__", ".")).write_text(text)
    return folder / "site"


def program(folder: Path, name: str = "hero_cockpit", command_line: str = SAYS, **more: str) -> Path:
    """A packed program."""
    folder.mkdir(parents=True, exist_ok=True)
    packing.pack(site(folder, command_line, **more), folder / name, sys.executable)
    return folder / name


def run(*words: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(word) for word in words],
        env={"PATH": "/usr/bin:/bin", **environment},
        cwd="/",
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
