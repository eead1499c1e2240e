"""Moments as people write them: RFC 3339, a date, a span from now. Inside they are RFC 3339 in UTC, to the second."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

_WRITTEN = re.compile(r"(\d{4}-\d\d-\d\d)(?:[Tt ](\d\d:\d\d:\d\d)(?:\.\d+)?([Zz]|[+-]\d\d:\d\d))?", re.ASCII)
_SPAN = re.compile(r"(?=\d)(?:(\d{1,9})w)?(?:(\d{1,9})d)?(?:(\d{1,9})h)?(?:(\d{1,9})m)?", re.ASCII)


def spelled(moment: datetime) -> str:
    """`2026-12-24T00:00:00Z`."""
    return moment.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat() + "Z"


def utc(text: str) -> str:
    """The moment that is written, in UTC; a date is its first second. Raises ValueError."""
    found = _WRITTEN.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is neither a date nor a moment with its zone")
    day, time, zone = found.groups()
    try:
        written = f"{day}T{time or '00:00:00'}{(zone or 'Z').upper().replace('Z', '+00:00')}"
        return spelled(datetime.fromisoformat(written))
    except (ValueError, OverflowError):
        raise ValueError(f"{text!r} is not in any calendar") from None


def end_of(word: str, now: datetime) -> str:
    """The moment that a word means: as in `utc`, or a span such as `2d`, `6h`, `1w3d`. Raises ValueError."""
    found = _SPAN.fullmatch(word)
    if found is None:
        return utc(word)
    weeks, days, hours, minutes = (int(number or 0) for number in found.groups())
    try:
        return spelled(now + timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes))
    except OverflowError:
        raise ValueError(f"{word!r} is longer than any calendar") from None
