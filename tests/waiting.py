"""Waiting for what other threads and processes do."""

from __future__ import annotations

import time
from collections.abc import Callable

STEP = 0.01
"""Seconds between two looks."""


def comes(holds: Callable[[], object], within: float = 15.0) -> bool:
    """Whether it came to be in so many seconds. It is looked at once at least."""
    deadline = time.monotonic() + within
    while not holds():
        if time.monotonic() >= deadline:
            return False
        time.sleep(STEP)
    return True


def until(holds: Callable[[], object], within: float = 15.0) -> None:
    """Wait for it; what never comes to be fails the test."""
    assert comes(holds, within), "it never came to be"
