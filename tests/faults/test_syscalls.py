"""F1: SIGKILL before every call that changes a file, and in the middle or soon after half of every write."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.scenes import SCENES
from tests.faults.score import Score
from tests.faults.shim import Strike, built, program, scored

QUICK = 6
"""Of so many points a quick run takes one."""
CALLS = {
    "install": 105, "upgrade": 80, "partial": 78, "taken back": 88, "one stopped": 78, "together": 86, "rollback": 56,
    "remove": 48, "prune": 86, "converge": 30, "restart": 32, "stop": 11, "register": 41, "adopt": 65,
}  # fmt: skip
"""How many calls each scene makes, a little less than it is."""
WRITES = {
    "install": 19, "upgrade": 16, "partial": 15, "taken back": 16, "one stopped": 16, "together": 19, "rollback": 14,
    "remove": 8, "prune": 16, "converge": 8, "restart": 9, "stop": 2, "register": 11, "adopt": 10,
}  # fmt: skip
"""How many of them write more than a byte, a little less than it is."""
LATER = "0,3,9"
"""How many calls after half a write the process is killed: at once, or when it has taken the write for whole."""


@pytest.mark.parametrize("name", ["upgrade"])
def test_killed_at_calls(folder: Path, name: str) -> None:
    with Score("F1", f"SIGKILL before calls of {name}, one of {QUICK}") as score:
        scored(score, program("tests.faults.struck", built(folder), name, folder, Strike.KILL.name, "-", 1, QUICK))
    score.hold(at_least=CALLS[name] // QUICK)


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
    score.hold(at_least=CALLS[name])


@pytest.mark.parametrize("name", ["upgrade"])
def test_killed_after_half_of_some_writes(folder: Path, name: str) -> None:
    words = (name, folder, Strike.HALF_KILL.name, LATER, 4, 7)
    with Score("F1", f"SIGKILL after half of some writes of {name}") as score:
        scored(score, program("tests.faults.struck", built(folder), *words))
    score.hold(at_least=3 * WRITES[name] // 7)


@pytest.mark.slow
@pytest.mark.parametrize("name", SCENES)
def test_killed_after_half_of_every_write(folder: Path, name: str) -> None:
    with Score("F1", f"SIGKILL after half of every write of {name}") as score:
        words = (name, folder, Strike.HALF_KILL.name, LATER, 0, 1)
        told = scored(score, program("tests.faults.struck", built(folder), *words))
    score.hold(at_least=3 * WRITES[name])
    assert {line["code"] for line in told} == set(LATER.split(","))
