"""The end of a log that supervisord rotates: the file and the one before it, whether a supervisord runs or not."""

from __future__ import annotations

from pathlib import Path

_MOST = 256 * 1024  # bytes that are read from each file


def tail(log: Path, lines: int) -> str:
    """The last lines of the log, oldest first; empty if nothing was written yet."""
    found: list[str] = []
    for path in (log, log.with_name(log.name + ".1")):
        if len(found) < lines:
            found = [*_lines(path), *found]
    return "".join(found[-lines:]) if lines > 0 else ""


def _lines(path: Path) -> list[str]:
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - _MOST))
            text = file.read().decode(errors="replace")
    except OSError:
        return []
    return text.splitlines(keepends=True)


def since(log: Path, offset: int) -> str:
    """What was written after the file had `offset` bytes."""
    try:
        with log.open("rb") as file:
            file.seek(offset)
            return file.read(_MOST).decode(errors="replace")
    except OSError:
        return ""


def size(log: Path) -> int:
    """The bytes in the file now, 0 if there is none."""
    try:
        return log.stat().st_size
    except OSError:
        return 0
