"""How a sweep reports: one line, and the same for the table that `make faults` ends with.

    with Score("F2", "SIGKILL at lines of an upgrade") as score:
        for point in points:
            score.point(f"{point}", broken_promises)
    score.hold(at_least=100)

The line is printed at the end of the block, and added as JSON to the file that FAULT_SCORE names, if it does.
"""

from __future__ import annotations

import json
import os
import time
from types import TracebackType

VARIABLE = "FAULT_SCORE"
SHOWN = 15
BEGUN: list[str] = []
"""The rows of the sweeps that this process has begun; see conftest.py."""


class Score:
    """Counts the points of one sweep and keeps what was wrong at them. `row` is its row of the table, `F1` to `F19`."""

    def __init__(self, row: str, name: str) -> None:
        self.row, self.name = row, name
        self.points = self.missed = 0
        self.found: list[str] = []
        BEGUN.append(row)

    def __enter__(self) -> Score:
        self._begun = time.monotonic()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.seconds = time.monotonic() - self._begun
        if error is not None:
            self.found.append(f"the sweep itself ended: {error!r}")
        print(f"\n{self}")
        facts = {"points": self.points, "missed": self.missed, "violations": len(self.found), "seconds": self.seconds}
        note(self.row, name=self.name, **facts)

    def __str__(self) -> str:
        missed = f", {self.missed} faults that did not come" if self.missed else ""
        told = f"{self.row} {self.name}: {self.points} points{missed}, {len(self.found)} violations"
        return f"{told}, {self.seconds:.1f} s"

    def point(self, where: object, wrong: list[str], struck: bool = True) -> None:
        """One fault, and the promises that did not hold after it. One that did not come is no point of the sweep; what
        is wrong all the same, is wrong."""
        self.points += struck
        self.missed += not struck
        if wrong:
            self.found.append(f"{where}: {'; '.join(wrong)}")

    def hold(self, at_least: int = 1, most_missed: float = 0.05) -> None:
        """Fail if a promise was broken, if the sweep reached next to nothing, or if many of its faults did not come."""
        assert not self.found, f"{self}\n" + "\n".join(self.found[:SHOWN])
        assert self.points >= at_least, f"{self}: fewer than {at_least}"
        assert self.missed <= 1 + (self.points + self.missed) * most_missed, f"{self}: too few came"


def tell(row: str, name: str, points: int, violations: int, seconds: float) -> None:
    """The same for a sweep that counts for itself."""
    print(f"\n{row} {name}: {points} points, {violations} violations, {seconds:.1f} s")
    note(row, name=name, points=points, violations=violations, seconds=seconds)


def note(row: str, **facts: object) -> None:
    """Add a line for the table. `skipped` is the reason of a sweep that could not run here."""
    if path := os.environ.get(VARIABLE):
        with open(path, "a", encoding="utf-8") as file:
            file.write(json.dumps({"row": row, **facts}) + "\n")
