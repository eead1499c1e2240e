"""Kill a process at a chosen line of the engine: a forked child, and a trace function that counts."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import cockpitpm

ROOMS = tuple(str(Path(cockpitpm.__file__).parent / room) + os.sep for room in ("act", "record"))
Point = tuple[str, int, int]
"""A line of the engine and which time it is reached: file, line, count from 1."""


class Tracer:
    """Counts the lines of the engine as they are reached, and calls `stop` when `at` is the next one."""

    def __init__(self, at: Point | None = None, stop: Callable[[], None] = lambda: None) -> None:
        self.counts: dict[tuple[str, int], int] = {}
        self._at = at
        self._stop = stop

    def __call__(self, frame: FrameType, event: str, arg: Any) -> Any:
        return self._line if frame.f_code.co_filename.startswith(ROOMS) else None

    def _line(self, frame: FrameType, event: str, arg: Any) -> Any:
        if event == "line":
            place = (frame.f_code.co_filename, frame.f_lineno)
            self.counts[place] = self.counts.get(place, 0) + 1
            if self._at == (*place, self.counts[place]):
                self._stop()
        return self._line

    def run(self, work: Callable[[], object]) -> None:
        threading.settrace(self)
        sys.settrace(self)
        try:
            work()
        finally:
            sys.settrace(None)
            threading.settrace(None)  # type: ignore[arg-type]


def in_child(work: Callable[[], object]) -> int:
    """Do it in a forked child. Gives its exit status: 0 done, 1 an exception, negative a signal."""
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            work()
            status = 0
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def killed_at(point: Point, work: Callable[[], object]) -> int:
    """Do it in a child that is killed at the point."""
    tracer = Tracer(point, lambda: os.kill(os.getpid(), signal.SIGKILL))
    return in_child(lambda: tracer.run(work))


def reached(work: Callable[[], object]) -> list[Point]:
    """Every line of the engine that the work reaches: the first and the last time of each, in a stable order."""
    tracer = Tracer()
    tracer.run(work)
    points = {(*place, n) for place, count in tracer.counts.items() for n in (1, count)}
    return sorted(points)
