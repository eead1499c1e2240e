"""Interleaved runs, their medians, and the table that is printed."""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping, Sequence

from attrs import frozen


class NotMeasured(Exception):
    """This row cannot be measured here; the text says why."""


@frozen(kw_only=True)
class Row:
    """One goal: what it costs us, what it costs the other, in `unit`, and how many times as much it may be."""

    goal: str
    ours: float
    other: float
    against: str
    limit: float
    unit: str = "ms"

    @property
    def ratio(self) -> float:
        """How many times the other."""
        return self.ours / self.other

    def __str__(self) -> str:
        verdict = "ok" if self.ratio <= self.limit else "MISSED"
        costs = f"{self.ours:9.1f} {self.other:9.1f} {self.unit:3}"
        return f"{self.goal:42} {costs} {self.ratio:6.2f} {self.limit:6.2f}  {verdict:6} {self.against}"


HEAD = f"{'goal':42} {'ours':>9} {'other':>9} {'':3} {'ratio':>6} {'limit':>6}  {'':6} against"


def interleaved(works: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, float]:
    """The median of each work's own figure. The works take turns, so that a slow minute meets all of them.

    One round before the first that counts fills caches, byte code included.
    """
    found: dict[str, list[float]] = {name: [] for name in works}
    for number in range(rounds + 1):
        for name, work in works.items():
            figure = work()
            if number:
                found[name].append(figure)
    return {name: statistics.median(figures) for name, figures in found.items()}


def environment(**more: str) -> dict[str, str]:
    """The environment of what is measured: byte code is cached, nothing else leads it astray."""
    strange = ("PYTHON", "PATH_", "COCKPIT")
    return {name: value for name, value in os.environ.items() if not name.startswith(strange)} | more


def program(command: Sequence[str], **env: str) -> Callable[[], float]:
    """A work: run the program once, in milliseconds. Raises NotMeasured if it fails."""

    def work() -> float:
        begun = time.perf_counter()
        try:
            done = subprocess.run(command, env=environment(**env), capture_output=True, text=True, check=False)
        except OSError as error:
            raise NotMeasured(str(error)) from None
        took = time.perf_counter() - begun
        if done.returncode:
            last = (done.stderr or done.stdout).strip().splitlines()[-1:] or ["it said nothing"]
            raise NotMeasured(f"{' '.join(command[-3:])} exits with {done.returncode}: {last[0]}")
        return took * 1000

    return work


def report(name: str, measure: Callable[[], Iterable[Row]]) -> bool:
    """Print the rows of one benchmark; whether all goals that were measured are met."""
    try:
        rows = list(measure())
    except NotMeasured as reason:
        print(f"{name}: not measured: {reason}", flush=True)
        return True
    for row in rows:
        print(row, flush=True)
    return all(row.ratio <= row.limit for row in rows)
