"""What was claimed, line by line, and what is seen here instead of believed."""

from __future__ import annotations

import http.client
from collections.abc import Callable
from enum import Enum

from attrs import frozen

from cockpitpm.errors import CockpitPmError
from cockpitpm.sandbox.demo.guest import Declined
from cockpitpm.sandbox.demo.stage import Untrue

CANNOT_LOOK = (Untrue, Declined, CockpitPmError, OSError, http.client.HTTPException, LookupError, ValueError, TypeError)
"""What may come of looking at a machine that is not as it should be: each of them is an answer, and a no."""


class Mark(Enum):
    """SEEN: it is so. MISSED: it is not. OPEN: a sandbox cannot show it, and nothing is claimed here."""

    SEEN = "seen"
    MISSED = "missed"
    OPEN = "open"


@frozen(kw_only=True)
class Row:
    """One claim and what is seen."""

    claimed: str
    seen: str
    mark: Mark


class Ledger:
    """Rows below headings, in the order in which they were looked at. `hear` is told of each at once."""

    def __init__(self, hear: Callable[[Row], None]) -> None:
        self.parts: dict[str, list[Row]] = {}
        self._hear = hear
        self._rows: list[Row] = []

    def holds(self) -> bool:
        """Whether something was looked at, and nothing missed."""
        marks = [row.mark for rows in self.parts.values() for row in rows]
        return Mark.SEEN in marks and Mark.MISSED not in marks

    def part(self, heading: str) -> None:
        """Begin a part, or go on with it."""
        self._rows = self.parts.setdefault(heading, [])

    def check(self, claimed: str, look: Callable[[], str]) -> None:
        """Look. `look` gives the evidence in few words, or raises Untrue with what it found instead."""
        try:
            self._add(claimed, look(), Mark.SEEN)
        except CANNOT_LOOK as error:
            told = str(error) if isinstance(error, Untrue | Declined) else f"{type(error).__name__}: {error}"
            self._add(claimed, told or "nothing", Mark.MISSED)

    def open(self, claimed: str, why: str) -> None:
        """A claim that cannot be looked at here."""
        self._add(claimed, why, Mark.OPEN)

    def _add(self, claimed: str, seen: str, mark: Mark) -> None:
        row = Row(claimed=claimed, seen=seen, mark=mark)
        self._rows.append(row)
        self._hear(row)


def seen(holds: bool, evidence: str, found: object = "") -> str:
    """The evidence if it holds. Raises Untrue with what was found, else with the evidence."""
    if not holds:
        raise Untrue(str(found) or evidence)
    return evidence
