"""A strict run fails on a skip that nobody announced, and only on that."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.skips import StrictSkips


def report(reason: str, outcome: str = "skipped") -> pytest.TestReport:
    longrepr = ("file.py", 1, f"Skipped: {reason}")
    return pytest.TestReport("a::b", ("file.py", 1, "b"), {}, outcome, longrepr, "call")  # type: ignore[arg-type]


@pytest.fixture
def strict(root: Path) -> StrictSkips:
    file = root / "expected"
    file.write_text("# why\n\nno C compiler\n^needs .* root$\n", encoding="utf-8")
    return StrictSkips(file)


@pytest.mark.parametrize("reason", ["no C compiler on this machine", "needs a second user and root"])
def test_an_announced_skip_stays_a_skip(strict: StrictSkips, reason: str) -> None:
    judged = report(reason)
    strict.judge(judged)
    assert judged.outcome == "skipped"


def test_any_other_skip_fails_by_name(strict: StrictSkips) -> None:
    judged = report("no browser")
    strict.judge(judged)
    assert judged.outcome == "failed"
    assert judged.longrepr == "this skip is not expected here: no browser"


def test_what_is_no_skip_is_left_alone(strict: StrictSkips) -> None:
    expected = report("no browser")
    expected.wasxfail = "known"
    for judged in (report("", "passed"), report("no browser", "failed"), expected):
        before = judged.outcome
        strict.judge(judged)
        assert judged.outcome == before
