"""F1, F3: SIGKILL before every call that changes a file, errors of the disk at each, half a write at every write."""

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
def test_a_rename_in_two_steps_is_caught(folder: Path) -> None:
    """A build of ours that is not atomic: if the sweep does not see it, it is worth nothing."""
    words = ("upgrade", folder, Strike.KILL.name, "-", 0, 1, "no-atomic-rename")
    with Score("F6", "a build with renames in two steps is caught") as score:
        seen = any(line["wrong"] for line in program("tests.faults.struck", built(folder), *words))
        score.point("no atomic rename", [] if seen else ["no sweep sees it"])
    score.hold()


@pytest.mark.slow
@pytest.mark.parametrize("name", SCENES)
def test_killed_at_every_call(folder: Path, name: str) -> None:
    with Score("F1", f"SIGKILL before every call of {name}") as score:
        scored(score, program("tests.faults.struck", built(folder), name, folder, Strike.KILL.name, "-", 0, 1))
    score.hold(at_least=20)


ERRORS = "ENOSPC,EIO,EDQUOT,EROFS,EMFILE,EACCES"


@pytest.mark.parametrize("strike", [Strike.FAIL, Strike.FAIL_ON])
def test_errors_at_calls(folder: Path, strike: Strike) -> None:
    with Score("F3", f"errors at calls of upgrade, {strike.name}, one of 40") as score:
        words = ("upgrade", folder, strike.name, ERRORS, 3, 40)
        scored(score, program("tests.faults.struck", built(folder), *words))
    score.hold(at_least=15)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["install", "upgrade", "rollback", "remove"])
@pytest.mark.parametrize("strike", [Strike.FAIL, Strike.FAIL_ON])
def test_errors_at_every_call(folder: Path, name: str, strike: Strike) -> None:
    """Once, or from then on: what is told is true, and the machine comes right when the disk does."""
    with Score("F3", f"errors at every call of {name}, {strike.name}") as score:
        scored(score, program("tests.faults.struck", built(folder), name, folder, strike.name, ERRORS, 0, 2))
    score.hold(at_least=100)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["install", "upgrade", "rollback"])
def test_short_writes(folder: Path, name: str) -> None:
    """A kernel may take half of what it is given; that is no error, and nothing may be lost."""
    with Score("F3", f"half a write at every call of {name}") as score:
        scored(score, program("tests.faults.struck", built(folder), name, folder, Strike.HALF.name, "-", 0, 1))
    score.hold(at_least=20)
