"""Where a sweep works, and in which row of the table it is booked."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.faults.look import PLACES
from tests.faults.score import BEGUN, note

MEMORY = Path("/dev/shm")


@contextmanager
def workplace() -> Iterator[Path]:
    """A folder in memory where there is one: a sweep writes and syncs thousands of files.

    The home and the temporary folder of whoever works there are in it, so that what is written there is seen.
    """
    place = MEMORY if os.access(MEMORY, os.W_OK) else None
    made = Path(tempfile.mkdtemp(prefix="cp", dir=place))
    home, temporary = (made / name for name in PLACES)
    for path in (home, temporary):
        path.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(home))
        patch.setenv("TMPDIR", str(temporary))
        patch.setattr(tempfile, "tempdir", str(temporary))
        yield made
    shutil.rmtree(made)


@pytest.fixture
def folder() -> Iterator[Path]:
    """Where a sweep works."""
    with workplace() as made:
        yield made


@pytest.fixture(scope="module")
def shared() -> Iterator[Path]:
    """The same for all tests of a module."""
    with workplace() as made:
        yield made


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """A sweep that cannot run here, or fails, is in the table too."""
    outcome = yield
    report = outcome.get_result()
    if report.when == "setup":
        BEGUN.clear()
    row = BEGUN[-1] if BEGUN else row_of(getattr(item, "module", None))
    if row and report.skipped:
        note(row, name=item.name, skipped=str(call_reason(report)))
    elif row and report.failed:
        note(row, name=item.name, failed=report.when)


def row_of(module: object) -> str:
    """The row of a module whose docstring begins with it, or that has a constant ROW; empty for one of no row."""
    found = re.match(r"F\d+", getattr(module, "__doc__", None) or "")
    return found.group() if found else str(getattr(module, "ROW", ""))


def call_reason(report: pytest.TestReport) -> str:
    """Why a test was skipped."""
    told = report.longrepr
    return told[2].removeprefix("Skipped: ") if isinstance(told, tuple) else str(told)
