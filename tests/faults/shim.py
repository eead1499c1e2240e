"""The preloaded library of the sweeps (shim.c): how it is built, started and told where to strike."""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from enum import IntEnum
from pathlib import Path
from typing import Any

import pytest

from tests.faults.score import Score, note

SOURCE = Path(__file__).with_name("shim.c")
REPOSITORY = Path(__file__).parents[2]


class Strike(IntEnum):
    """What happens at the chosen call; the numbers are those of shim.c."""

    COUNT = 0
    KILL = 1
    CUT = 2
    FAIL = 3
    FAIL_ON = 4
    HALF = 5


def built(folder: Path) -> Path:
    """The library, compiled; skips the test where there is no compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("there is no C compiler (gcc, libc6-dev)")
    library = folder / "shim.so"
    command = [compiler, "-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o", str(library), str(SOURCE), "-ldl"]
    subprocess.run(command, check=True)
    return library


def armed(work: Callable[[], Any], root: Path, number: int, strike: Strike, code: int = 0) -> Any:
    """Do the work with the shim armed for one call below `root`. Gives what the work gave and how many calls it made.

    Only in a process that was started with the library preloaded, and forked since.
    """
    library = ctypes.CDLL(None)
    library.shim_count.restype = ctypes.c_long
    handle = os.open(root, os.O_RDONLY | os.O_DIRECTORY) if strike is Strike.CUT else -1
    library.shim_arm(os.fsencode(root), ctypes.c_long(number), int(strike), code, handle)
    try:
        return work(), library.shim_count()
    finally:
        library.shim_disarm()
        if handle >= 0:
            os.close(handle)


def program(module: str, library: Path, *arguments: object, timeout: float = 1500.0) -> Iterator[dict[str, Any]]:
    """The lines of JSON that a sweep tells, which is a program of its own because it must be started preloaded."""
    environment = {**os.environ, "LD_PRELOAD": str(library), "PYTHONPATH": str(REPOSITORY)}
    command = [sys.executable, "-m", module, *map(str, arguments)]
    with subprocess.Popen(command, env=environment, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout
        for line in running.stdout:
            if line.startswith("{"):
                yield json.loads(line)
    assert running.returncode == 0, f"{module} ended with {running.returncode}"


def scored(score: Score, lines: Iterator[dict[str, Any]]) -> None:
    """Take every point that a program tells."""
    for line in lines:
        score.point(line["at"], line["wrong"])


def skipped(row: str, reason: str) -> None:
    """Skip a sweep by name, and say so in the table."""
    note(row, skipped=reason)
    pytest.skip(reason)
