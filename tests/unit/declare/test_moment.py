"""Moments as people write them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from cockpitpm.declare.moment import end_of, spelled, utc

NOW = datetime(2026, 6, 12, 8, 30, 15, 999, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("2026-12-24", "2026-12-24T00:00:00Z"),
        ("2026-12-24T18:00:00Z", "2026-12-24T18:00:00Z"),
        ("2026-12-24t18:00:00z", "2026-12-24T18:00:00Z"),
        ("2026-12-24 18:00:00.75Z", "2026-12-24T18:00:00Z"),
        ("2026-12-24T18:00:00+02:00", "2026-12-24T16:00:00Z"),
        ("2026-12-31T23:30:00-01:00", "2027-01-01T00:30:00Z"),
        ("0999-12-24", "0999-12-24T00:00:00Z"),
    ],
)
def test_a_moment_is_told_in_utc(text: str, found: str) -> None:
    assert utc(text) == found


BAD = ["", "soon", "2026-12-24T18:00:00", "2026-02-30", "2026-13-01", "2026-12-24T25:00:00Z", "24.12.2026"]
BAD += ["2026-12-24T18:00:00+99:00", "0001-01-01T00:00:00+02:00", "9999-12-31T23:59:59-02:00", "٢٠٢٦-12-24"]


@pytest.mark.parametrize("text", BAD)
def test_what_is_no_moment(text: str) -> None:
    with pytest.raises(ValueError, match=r"neither|calendar"):
        utc(text)


@pytest.mark.parametrize(
    ("word", "found"),
    [
        ("6h", "2026-06-12T14:30:15Z"),
        ("2d", "2026-06-14T08:30:15Z"),
        ("1w3d", "2026-06-22T08:30:15Z"),
        ("1d2h30m", "2026-06-13T11:00:15Z"),
        ("2026-12-24", "2026-12-24T00:00:00Z"),
    ],
)
def test_a_span_begins_now(word: str, found: str) -> None:
    assert end_of(word, NOW) == found


@pytest.mark.parametrize("word", ["", "2", "d", "2s", "-2d", "2d ", "3h1d", "99999999999w", "9" * 5000 + "d"])
def test_what_is_no_span(word: str) -> None:
    with pytest.raises(ValueError):
        end_of(word, NOW)


def test_spelled_keeps_whole_seconds() -> None:
    assert spelled(NOW) == "2026-06-12T08:30:15Z"
