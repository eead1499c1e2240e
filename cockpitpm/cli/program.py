"""How this very program is started again, for work in a process of its own."""

from __future__ import annotations

import sys
from pathlib import Path
from zipfile import is_zipfile


def program() -> tuple[str, ...]:
    """The words that start it. A packed program is named by its real path, whatever its link leads to later."""
    packed = Path(sys.argv[0])
    if packed.is_file() and is_zipfile(packed):
        return sys.executable, str(packed.resolve())
    return sys.executable, "-m", "cockpitpm"
