"""How this very program is started again, for work in a process of its own."""

from __future__ import annotations

import sys
from pathlib import Path


def program() -> tuple[str, ...]:
    """The words that start it. A packed program is named by the folder it runs from, which no upgrade changes."""
    unpacked = Path(sys.argv[0])
    python = (sys.executable, str(unpacked)) if unpacked.is_dir() else (sys.executable,)
    return *python, "-m", "cockpitpm"
