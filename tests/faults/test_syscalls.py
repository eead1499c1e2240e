"""SIGKILL before every call that changes a file, half a write at every write, and errors of the disk at each."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.scenes import SCENES
from tests.faults.score import Score
from tests.faults.shim import Strike, built, program, scored

QUICK = 6
"""Of so many points a quick run takes one."""


@pytest.mark.parametrize("name", ["upgrade"])
def test_killed_at_calls(folder: Path, name: str) -> None:
    with Score("F1", f"SIGKILL before calls of {name}, one of {QUICK}") as score:
        scored(score, program("tests.faults.struck", built(folder), name, folder, Strike.KILL.name, "-", 1, QUICK))
    score.hold(at_least=20)


@pytest.mark.slow
@pytest.mark.parametrize("name", SCENES)
def test_killed_at_every_call(folder: Path, name: str) -> None:
    with Score("F1", f"SIGKILL before every call of {name}") as score:
        scored(score, program("tests.faults.struck", built(folder), name, folder, Strike.KILL.name, "-", 0, 1))
    score.hold(at_least=20)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["install", "upgrade", "rollback"])
def test_short_writes(folder: Path, name: str) -> None:
    """A kernel may take half of what it is given; that is no error, and nothing may be lost."""
    with Score("F3", f"half a write at every call of {name}") as score:
        scored(score, program("tests.faults.struck", built(folder), name, folder, Strike.HALF.name, "-", 0, 1))
    score.hold(at_least=20)
