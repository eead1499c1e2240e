"""The table that `make faults` ends with tells what the sweeps noted, and what could not run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.faults.score import VARIABLE, Score, note
from tests.faults.table import ROWS, read, table


def test_what_was_noted(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = root / "scores"
    monkeypatch.setenv(VARIABLE, str(file))
    for wrong in ([], ["I3: not so"]):
        with Score("F2", "some lines") as score:
            score.point("here", [])
            score.point("there", wrong)
            score.point("not this time", [], struck=False)
    with pytest.raises(AssertionError, match="there: I3: not so"):
        score.hold()
    with pytest.raises(ZeroDivisionError), Score("F9", "a sweep that breaks"):
        raise ZeroDivisionError
    note("F4", skipped="no loop devices")
    lines = table(read(file.read_text().splitlines()))
    assert len(lines) == 1 + len(ROWS)
    assert lines[0].endswith("points violations worker s")
    assert lines[2].split()[-8:-6] == ["4", "1"] and lines[2].endswith("2 more did not come")
    assert lines[4].endswith("skipped: no loop devices")
    assert lines[14].endswith("skipped: not here, by `make test`: tests/acceptance/test_trust_all.py")
    assert lines[16].endswith("skipped: nothing ran")
    assert json.loads(file.read_text().splitlines()[2])["violations"] == 1
