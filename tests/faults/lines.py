"""Signal a process at a chosen line of the engine: a forked child, and a trace function that counts."""

from __future__ import annotations

import gc
import os
import pickle
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any, TypeVar

import cockpitpm
from cockpitpm.cli.entry import _go_back_on_signals

T = TypeVar("T")
ROOMS = tuple(str(Path(cockpitpm.__file__).parent / room) + os.sep for room in ("act", "record"))
Point = tuple[str, int, int]
"""A line of the engine and which time it is reached: file, line, count from 1."""


class Tracer:
    """Counts the lines of the engine as they are reached, by all threads together, and calls `stop` when `at` is the
    next one; `stopped` says whether it was."""

    def __init__(self, at: Point | None = None, stop: Callable[[], None] = lambda: None) -> None:
        self.counts: dict[tuple[str, int], int] = {}
        self.stopped = False
        self._at = at
        self._stop = stop
        self._lock = threading.Lock()

    def __call__(self, frame: FrameType, event: str, arg: Any) -> Any:
        return self._line if frame.f_code.co_filename.startswith(ROOMS) else None

    def _line(self, frame: FrameType, event: str, arg: Any) -> Any:
        if event == "line":
            place = (frame.f_code.co_filename, frame.f_lineno)
            with self._lock:
                count = self.counts[place] = self.counts.get(place, 0) + 1
            if self._at == (*place, count):
                self.stopped = True
                self._stop()
        return self._line

    def run(self, work: Callable[[], T]) -> T:
        threading.settrace(self)
        sys.settrace(self)
        try:
            return work()
        finally:
            sys.settrace(None)
            threading.settrace(None)  # type: ignore[arg-type]


def in_child(work: Callable[[], object]) -> tuple[int, Any]:
    """Do it in a forked child. Gives its exit status (0 done, 1 an exception, negative a signal) and what it gave."""
    sys.stdout.flush()
    # What pytest holds must be neither looked through nor copied by the child.
    gc.freeze()
    here, there = os.pipe()
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            gc.disable()
            answer = pickle.dumps(work())
            os.write(there, answer)
            status = 0
        except Exception:  # noqa: BLE001 - it ends here, and the parent sees that it did
            traceback.print_exc()
        finally:
            os._exit(status)
    os.close(there)
    with os.fdopen(here, "rb") as told:
        answer = told.read()
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return status, pickle.loads(answer) if answer else None


def signalled(number: int, point: Point, work: Callable[[], T]) -> tuple[bool, T | None]:
    """Do it in a child that gets the signal at the point, as a process of the command line takes it.

    Gives whether it got it, for a line may be one that only some runs reach, and what the work gave, None if it died.
    """
    tracer = Tracer(point, lambda: os.kill(os.getpid(), number))

    def traced() -> tuple[T, bool]:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        _go_back_on_signals()
        return tracer.run(work), tracer.stopped

    status, answer = in_child(traced)
    died = status == -signal.SIGKILL == -number
    assert died or status == 0, f"the work ended with {status} at {point}"
    return (True, None) if died else (answer[1], answer[0])


def killed_at(point: Point, work: Callable[[], object]) -> bool:
    """Do it in a child that is killed at the point. Gives whether it reached that."""
    return signalled(signal.SIGKILL, point, lambda: bool(work()))[0]


def reached(work: Callable[[], object]) -> list[Point]:
    """Every line of the engine that the work reaches: the first and the last time of each, in a stable order."""
    tracer = Tracer()
    tracer.run(work)
    points = {(*place, n) for place, count in tracer.counts.items() for n in (1, count)}
    return sorted(points)
