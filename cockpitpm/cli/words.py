"""How sizes, commits, times and numbers of things are written."""

from __future__ import annotations

from collections.abc import Sequence


def size(count: int) -> str:
    """Bytes for people, such as `26.5 MB`; powers of ten."""
    amount = float(count)
    for unit in ("B", "kB", "MB"):
        if amount < 999.5:
            return f"{amount:.0f} {unit}" if unit == "B" or amount >= 99.95 else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} GB"


def short(commit: str) -> str:
    """The first seven digits of a commit."""
    return commit[:7]


def moment(at: str) -> str:
    """`2026-11-23T13:35:06.123Z` as `2026-11-23 13:35`; whoever shows it says that it is UTC."""
    return at[:16].replace("T", " ")


def count(number: int, thing: str) -> str:
    """`1 app`, `3 apps`."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def listed(names: Sequence[str]) -> str:
    """`a, b and c`."""
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1]))) if names else ""


def seconds(duration: float) -> str:
    """`0.4 s`."""
    return f"{duration:.1f} s" if duration < 99.5 else f"{duration:.0f} s"
