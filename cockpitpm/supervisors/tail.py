"""The end of a log that supervisord rotates: the file and the one before it, whether a supervisord runs or not."""

from __future__ import annotations

from pathlib import Path

from cockpitpm import beneath

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
        with beneath.reading(path) as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - _MOST))
            text = file.read().decode(errors="replace")
    except OSError:
        return []
    return text.splitlines(keepends=True)


def since(log: Path, offset: int) -> str:
    """What was written after the file had `offset` bytes."""
    try:
        with beneath.reading(log) as file:
            file.seek(offset)
            return file.read(_MOST).decode(errors="replace")
    except OSError:
        return ""


def size(log: Path) -> int:
    """The bytes in the file now, 0 if there is none."""
    try:
        found = beneath.seen(log)
    except OSError:
        return 0
    return found.st_size if found else 0


def exists(log: Path) -> bool:
    """Whether there is such a file."""
    try:
        return beneath.is_file(log)
    except OSError:
        return False
