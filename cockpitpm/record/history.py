"""History: one line for each transaction that ended, sealed, and holding the hash of the line before it.

A line is written once and never again. A changed, missing or swapped line breaks the chain at its number. What
follows the last newline is a line that a power cut left unfinished; its transaction writes it again.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from attrs import frozen

from cockpitpm import beneath
from cockpitpm.errors import StoreError
from cockpitpm.model.codec import Malformed, decode, encode
from cockpitpm.model.receipt import ActivationRecord
from cockpitpm.record.durable import disk, make_folder, sync_folder, write_all

START = "0" * 64
"""What the first line holds as the hash of the line before it."""
TAIL = 256 * 1024
"""Bytes of the end of the history that `recent` reads; lines are mostly shorter than 2 kB."""


@frozen(kw_only=True)
class HistoryLine:
    """One line: its number from 1, its own hash, and what it says."""

    number: int
    hash: str
    entry: ActivationRecord


def append(path: Path, entry: ActivationRecord) -> None:
    """Add a line, durably. A transaction that has its line already gets no second one."""
    with disk("write the history", path):
        make_folder(path.parent)
        fresh = beneath.seen(path) is None
        data = b"" if fresh else beneath.read(path)
        *lines, rest = data.split(b"\n")
        at, newline = len(data) - len(rest), b""
        if _is_unended(rest):  # no line that was cut short, which would be written over: it gets its newline back
            lines, at, newline = [*lines, rest[:-1]], len(data) - 1, b"\n"
        if any(_is_of(line, entry.transaction) for line in lines[-8:]):
            return
        before = _hash(lines[-1]) if lines else START
        _extend(path, at, newline, _line(before, encode(entry)) + b"\n")
        if fresh:
            sync_folder(path.parent)


def entries(path: Path) -> Iterator[ActivationRecord]:
    """What can be read, oldest first, the chain unchecked: for joins that a broken line must not stop."""
    return _decoded(_bytes(path).split(b"\n"))


def recent(path: Path, longest: int = TAIL) -> Iterator[ActivationRecord]:
    """The same of the last `longest` bytes only, however long the history has grown."""
    return _decoded(_bytes(path, longest).split(b"\n"))


def _decoded(lines: Iterable[bytes]) -> Iterator[ActivationRecord]:
    for line in lines:
        try:
            yield decode(ActivationRecord, json.loads(line)["entry"])
        except (ValueError, KeyError, TypeError):
            continue


def read(path: Path) -> tuple[HistoryLine, ...]:
    """Every line, oldest first. Raises StoreError naming the first line that was changed or does not fit the chain."""
    *lines, rest = _bytes(path).split(b"\n")
    if _is_unended(rest):
        lines.append(rest)
    found: list[HistoryLine] = []
    before = START
    for number, line in enumerate(lines, 1):
        found.append(HistoryLine(number=number, hash=_hash(line), entry=_entry(path, number, line, before)))
        before = _hash(line)
    return tuple(found)


def _bytes(path: Path, longest: int | None = None) -> bytes:
    """The file, or its end: a line that is cut in two by that is none."""
    with disk("read the history"):
        if beneath.seen(path) is None:
            return b""
        with beneath.reading(path) as file:
            if longest is not None:
                file.seek(max(0, os.fstat(file.fileno()).st_size - longest))
            return file.read()


def _entry(path: Path, number: int, line: bytes, before: str) -> ActivationRecord:
    try:
        tree: Any = json.loads(line)
        if tree["before"] != before:
            raise Malformed("it does not hold the hash of the line before it")
        if line != _line(before, tree["entry"]):
            raise Malformed("its seal does not fit")
        return decode(ActivationRecord, tree["entry"])
    except (ValueError, KeyError, TypeError) as error:
        hint = "The lines before it are sound; keep the file and start a new one by moving it away"
        raise StoreError(f"Line {number} of {path} was changed or lost: {error}", hint) from error


def _is_unended(rest: bytes) -> bool:
    """Whether this is a whole line, and something else stands where its newline was."""
    return rest[:-1].endswith(b"}") and _is_sound(rest[:-1])


def _is_sound(line: bytes) -> bool:
    try:
        tree: Any = json.loads(line)
        return line == _line(tree["before"], tree["entry"])
    except (ValueError, KeyError, TypeError):
        return False


def _is_of(line: bytes, transaction: str) -> bool:
    try:
        return bool(json.loads(line)["entry"]["transaction"] == transaction)
    except (ValueError, KeyError, TypeError):
        return False


def _line(before: str, entry: Any) -> bytes:
    """A line without its newline. Only these bytes say the same, so reading compares them all."""
    tree = {"before": before, "entry": entry}
    return _dump({**tree, "seal": _hash(_dump(tree))})


def _dump(tree: Any) -> bytes:
    return json.dumps(tree, sort_keys=True, separators=(",", ":")).encode()


def _hash(line: bytes) -> str:
    return hashlib.sha256(line).hexdigest()


def _extend(path: Path, at: int, newline: bytes, line: bytes) -> None:
    handle = beneath.open_file(path, os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        os.ftruncate(handle, at + len(newline))
        os.lseek(handle, at, os.SEEK_SET)
        write_all(handle, newline + line)
        os.fsync(handle)
    finally:
        os.close(handle)
