"""The end of a machine that a demo has kept."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

from cockpitpm.errors import UsageError
from cockpitpm.processes import LinuxProcesses
from cockpitpm.sandbox.demo.remains import CARD, Remains, clear, remains

ENDS_WITHIN = 60.0  # seconds; thousands of files may have to go


def stop_demo(root: Path) -> Remains:
    """End the machine, its forge and its folder. Gives what is left. Raises UsageError for any other folder."""
    owner = _owner(root)
    if owner:
        os.kill(owner, signal.SIGTERM)
        deadline = time.monotonic() + ENDS_WITHIN
        while _lives(owner) and time.monotonic() < deadline:
            time.sleep(0.02)
    if not remains(root).nothing:
        clear(root)
    return remains(root)


def _owner(root: Path) -> int:
    """The process that serves the machine; 0 if it has died. The folder must hold its card."""
    try:
        card = json.loads((root / CARD).read_text(encoding="utf-8"))
        pid, ticks = int(card["pid"]), int(card["start_ticks"])
    except (OSError, ValueError, LookupError, TypeError) as error:
        hint = "Name the folder that `cockpitpm demo --keep` told"
        raise UsageError(f"{root} is no machine of a demo", hint) from error
    found = LinuxProcesses().identify(pid)
    return pid if found and found.start_ticks == ticks else 0


def _lives(pid: int) -> bool:
    return LinuxProcesses().identify(pid) is not None
