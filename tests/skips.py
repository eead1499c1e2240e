"""Skips that were not announced fail a strict run: a gate that quietly skips itself is no gate."""

from __future__ import annotations

import re
from pathlib import Path

import pytest


class StrictSkips:
    """Turns every skip whose reason matches no line of the file into a failure; the lines are regular expressions."""

    def __init__(self, file: Path) -> None:
        lines = (line.strip() for line in file.read_text(encoding="utf-8").splitlines())
        self.expected = [re.compile(line) for line in lines if line and not line.startswith("#")]

    def judge(self, report: pytest.TestReport | pytest.CollectReport) -> None:
        """Fail the report if it is a skip that nobody expected; an expected failure is not a skip."""
        if not report.skipped or hasattr(report, "wasxfail"):
            return
        longrepr = report.longrepr
        reason = str(longrepr[2] if isinstance(longrepr, tuple) else longrepr).removeprefix("Skipped: ")
        if not any(pattern.search(reason) for pattern in self.expected):
            report.outcome = "failed"
            report.longrepr = f"this skip is not expected here: {reason}"

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self):  # type: ignore[no-untyped-def]
        report = yield
        self.judge(report)
        return report

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(self):  # type: ignore[no-untyped-def]
        report = yield
        self.judge(report)
        return report
