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


class Score:
    """Counts the points of one sweep and keeps what was wrong at them. `row` is its row of the table, `F1` to `F19`."""

    def __init__(self, row: str, name: str) -> None:
        self.row, self.name = row, name
        self.points = 0
        self.found: list[str] = []

    def __enter__(self) -> Score:
        self._begun = time.monotonic()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.seconds = time.monotonic() - self._begun
        if error is not None:
            self.found.append(f"the sweep itself ended: {error!r}")
        print(f"\n{self}")
        note(self.row, name=self.name, points=self.points, violations=len(self.found), seconds=self.seconds)

    def __str__(self) -> str:
        return f"{self.row} {self.name}: {self.points} points, {len(self.found)} violations, {self.seconds:.1f} s"

    def point(self, where: object, wrong: list[str]) -> None:
        """One fault, and the promises that did not hold after it."""
        self.points += 1
        if wrong:
            self.found.append(f"{where}: {'; '.join(wrong)}")

    def hold(self, at_least: int = 1) -> None:
        """Fail if a promise was broken, or if the sweep reached next to nothing."""
        assert not self.found, f"{self}\n" + "\n".join(self.found[:SHOWN])
        assert self.points >= at_least, f"{self}: fewer than {at_least}"


def tell(row: str, name: str, points: int, violations: int, seconds: float) -> None:
    """The same for a sweep that counts for itself."""
    print(f"\n{row} {name}: {points} points, {violations} violations, {seconds:.1f} s")
    note(row, name=name, points=points, violations=violations, seconds=seconds)


def note(row: str, **facts: object) -> None:
    """Add a line for the table. `skipped` is the reason of a sweep that could not run here."""
    if path := os.environ.get(VARIABLE):
        with open(path, "a", encoding="utf-8") as file:
            file.write(json.dumps({"row": row, **facts}) + "\n")
