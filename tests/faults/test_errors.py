"""F3: errors of the disk at every call that changes a file, once or for good, and writes that take only half."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.faults.scenes import SCENES
from tests.faults.score import Score
from tests.faults.shim import Strike, built, program, scored
from tests.faults.test_syscalls import CALLS, WRITES

ERRORS = "ENOSPC,EIO,EDQUOT,EROFS,EMFILE,EACCES"
EVERY = {"upgrade": 1}
SOME, QUICK = 5, 41
"""Of so many pairs of a call and an error one is tried: of an upgrade all. One of five leaves no call out."""
both = pytest.mark.parametrize("strike", [Strike.FAIL, Strike.FAIL_ON], ids=["once", "for good"])


def failed(folder: Path, name: str, strike: Strike, part: int, parts: int) -> list[dict[str, Any]]:
    """What is told is true, and the machine comes right when the disk does. Each error came as often as any other."""
    kinds = len(ERRORS.split(","))
    with Score("F3", f"errors at calls of {name}, {strike.name}, one of {parts}") as score:
        words = (name, folder, strike.name, ERRORS, part, parts)
        told = scored(score, program("tests.faults.struck", built(folder), *words))
    score.hold(at_least=CALLS[name] * kinds // parts)
    counts = [sum(line["code"] == error for line in told) for error in ERRORS.split(",")]
    assert max(counts) - min(counts) <= 1 and min(counts) > 0, dict(zip(ERRORS.split(","), counts, strict=True))
    assert any(line["told"] != SCENES[name].code for line in told), "no error was told"
    return told


@both
def test_errors_at_calls(folder: Path, strike: Strike) -> None:
    failed(folder, "upgrade", strike, 3, QUICK)


@pytest.mark.slow
@both
@pytest.mark.parametrize("name", SCENES)
def test_errors_at_every_call(folder: Path, name: str, strike: Strike) -> None:
    told = failed(folder, name, strike, 0, EVERY.get(name, SOME))
    assert len({line["number"] for line in told}) >= CALLS[name]


def halved(folder: Path, name: str, parts: int) -> None:
    """A kernel may take half of what it is given; that is no error, nobody hears of it, and nothing may be lost."""
    with Score("F3", f"half a write at writes of {name}, one of {parts}") as score:
        words = (name, folder, Strike.HALF.name, "-", 0, parts)
        told = scored(score, program("tests.faults.struck", built(folder), *words))
    score.hold(at_least=WRITES[name] // parts)
    assert {line["told"] for line in told} == {SCENES[name].code}


def test_some_short_writes(folder: Path) -> None:
    halved(folder, "upgrade", 4)


@pytest.mark.slow
@pytest.mark.parametrize("name", SCENES)
def test_short_writes(folder: Path, name: str) -> None:
    halved(folder, name, 1)
