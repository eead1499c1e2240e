"""The preloaded library of the sweeps (shim.c): how it is built, started and told where to strike."""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from enum import IntEnum
from pathlib import Path
from typing import Any, TypeVar

import pytest
from attrs import frozen

from tests.faults.score import Score, note

T = TypeVar("T")
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
    HALF_KILL = 6


@frozen
class Blow:
    """One strike: at which call that counts (from 1; for the two of half a write, only writes do). `code` is the error
    with which it fails, or how many calls after half a write the process is killed."""

    strike: Strike = Strike.COUNT
    number: int = 0
    code: int = 0


def built(folder: Path) -> Path:
    """The library, compiled; skips the test where there is no compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("there is no C compiler (gcc, libc6-dev)")
    library = folder / "shim.so"
    command = [compiler, "-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o", str(library), str(SOURCE), "-ldl"]
    subprocess.run(command, check=True)
    return library


def armed(work: Callable[[], T], root: Path, blow: Blow, trace: int = -1) -> tuple[T, int]:
    """Do the work with the shim armed below `root`. Gives what the work gave and how many calls were struck.

    Only in a process that was started with the library preloaded, and forked since. `trace` is a descriptor that gets
    a line for each call that counts.
    """
    library = ctypes.CDLL(None)
    library.shim_blows.restype = ctypes.c_long
    handle = os.open(root, os.O_RDONLY | os.O_DIRECTORY) if blow.strike is Strike.CUT else -1
    number = ctypes.c_long(blow.number)
    library.shim_arm(os.fsencode(root), number, int(blow.strike), blow.code, handle, trace)
    try:
        return work(), library.shim_blows()
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


def scored(score: Score, lines: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Take every point that a program tells; gives them."""
    told = list(lines)
    for line in told:
        score.point(line["at"], line["wrong"], struck=line["fell"])
    return told


def skipped(row: str, reason: str) -> None:
    """Skip a sweep by name, and say so in the table."""
    note(row, skipped=reason)
    pytest.skip(reason)
