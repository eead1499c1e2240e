"""`python -m tests.faults.table [--quick] [PATH…]`: run every sweep, then tell row by row what it found.

Exits with 1 if a promise was broken or a sweep failed. A row that could not run here says why.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from attrs import define, field

from tests.faults.score import VARIABLE

ROWS = {
    "F1": "SIGKILL before every call, and after half of each write",
    "F2": "SIGKILL, SIGTERM, SIGINT at lines of every verb",
    "F3": "errors of the disk and short writes at every call",
    "F4": "kill and power cut at every call",
    "F5": "power cut between any two writes of a block device",
    "F6": "builds of ours without a safeguard are caught",
    "F7": "a disk that is full",
    "F8": "a flush that fails at the device",
    "F9": "four writers at once, one in three killed",
    "F10": "networks that lie, stall and break off",
    "F11": "answers of a hostile forge",
    "F12": "bundles of strangers",
    "F13": "who may ask for what",
    "F14": "trust in a moving channel",
    "F15": "a supervisor that misbehaves, at every step",
    "F16": "Cockpit upgrades itself, broken builds among them",
    "F17": "every bit of every record flipped",
    "F18": "upgrades in one process: nothing grows",
    "F19": "an allocation of memory fails",
}
ELSEWHERE = {
    "F14": "by `make test`: tests/acceptance/test_trust_all.py",
}
"""Rows that are proved by tests that are no sweeps."""
SWEEPS = ("tests/faults", "tests/unit/serve/test_access.py", "tests/acceptance/test_self_upgrade_killed.py")


@define
class Row:
    """What the sweeps of one row told together. Seconds are those of the processor's workers, added up. `missed` are
    faults that did not come."""

    points: int = 0
    missed: int = 0
    violations: int = 0
    seconds: float = 0.0
    skipped: list[str] = field(factory=list)
    failed: int = 0

    def add(self, line: dict[str, Any]) -> None:
        """One line that a sweep noted, or a test that was skipped or failed."""
        self.points += line.get("points", 0)
        self.missed += line.get("missed", 0)
        self.violations += line.get("violations", 0)
        self.seconds += line.get("seconds", 0.0)
        self.failed += "failed" in line
        if why := line.get("skipped"):
            self.skipped += [why] if why not in self.skipped else []


def read(lines: Iterable[str]) -> dict[str, Row]:
    """The rows that were told of."""
    rows: dict[str, Row] = {}
    for line in lines:
        told = json.loads(line)
        rows.setdefault(told["row"], Row()).add(told)
    return rows


def table(rows: dict[str, Row]) -> list[str]:
    """One line for each row, those of which nobody told included."""
    return [
        f"{'':4} {'what':56} {'points':>7} {'violations':>10} {'worker s':>8}",
        *(_line(r, rows.get(r)) for r in ROWS),
    ]


def _line(name: str, row: Row | None) -> str:
    head = f"{name:4} {ROWS[name]:56}"
    if row is None or (not row.points and not row.failed):
        told = row.skipped if row else [f"not here, {ELSEWHERE[name]}" if name in ELSEWHERE else "nothing ran"]
        return f"{head} skipped: {'; '.join(told)}"
    rest = f"  in part skipped: {'; '.join(row.skipped)}" if row.skipped else ""
    rest += f"  {row.missed} more did not come" if row.missed else ""
    rest += f"  {row.failed} tests FAILED" if row.failed else ""
    return f"{head} {row.points:7} {row.violations:10} {row.seconds:8.0f}{rest}"


def main(words: list[str]) -> int:
    """Run pytest with a file that the sweeps tell into, and print the table."""
    paths = [word for word in words if word != "--quick"] or SWEEPS
    quick = ["-m", "not slow"] if "--quick" in words else []
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "scores"
        file.touch()
        command = [sys.executable, "-m", "pytest", "-n", "auto", "--dist", "worksteal", "-rs", *quick, *paths]
        status = subprocess.run(command, env={**os.environ, VARIABLE: str(file)}, check=False).returncode
        rows = read(file.read_text(encoding="utf-8").splitlines())
    print("\n" + "\n".join(table(rows)))
    points, wrong = sum(r.points for r in rows.values()), sum(r.violations for r in rows.values())
    print(f"{'':4} {points} points, {wrong} violations, in {time.monotonic() - begun:.0f} s")
    return int(status != 0 or wrong > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
