"""Where a sweep works."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.score import note

MEMORY = Path("/dev/shm")


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder in memory where there is one: a sweep writes and syncs thousands of files."""
    place = MEMORY if os.access(MEMORY, os.W_OK) else None
    made = Path(tempfile.mkdtemp(prefix="cp", dir=place))
    yield made
    shutil.rmtree(made)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """A sweep that cannot run here is a row of the table too: its row stands first in its module's docstring."""
    outcome = yield
    report = outcome.get_result()
    row = re.match(r"F\d+", (getattr(item, "module", None) and item.module.__doc__) or "")
    if row and report.skipped:
        note(row.group(), name=item.name, skipped=str(call_reason(report)))
    elif row and report.failed:
        note(row.group(), name=item.name, failed=report.when)


def call_reason(report: pytest.TestReport) -> str:
    """Why a test was skipped."""
    told = report.longrepr
    return told[2].removeprefix("Skipped: ") if isinstance(told, tuple) else str(told)
