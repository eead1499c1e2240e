"""History: one line for each transaction that ended, each holding the hash of the line before it.

A line is written once and never again. A changed, missing or swapped line breaks the chain at its number.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from attrs import frozen

from cockpitpm.errors import StoreError
from cockpitpm.model.codec import Malformed, decode, encode
from cockpitpm.model.receipt import ActivationRecord
from cockpitpm.record.durable import disk, make_folder, sync_folder, write_all

START = "0" * 64
"""What the first line holds as the hash of the line before it."""


@frozen(kw_only=True)
class HistoryLine:
    """One line: its number from 1, its own hash, and what it says."""

    number: int
    hash: str
    entry: ActivationRecord


def append(path: Path, entry: ActivationRecord) -> None:
    """Add a line, durably. A transaction that has its line already gets no second one.

    A line that was cut short by a power cut is replaced: its transaction has not ended, so it is writing it again.
    """
    with disk("write the history"):
        make_folder(path.parent)
        fresh = not path.exists()
        data = b"" if fresh else path.read_bytes()
        whole = data.rfind(b"\n") + 1
        lines = data[:whole].splitlines()
        if any(_is_of(line, entry.transaction) for line in lines[-8:]):
            return
        before = _hash(lines[-1]) if lines else START
        _extend(path, whole, _line(before, entry))
        if fresh:
            sync_folder(path.parent)


def entries(path: Path) -> Iterator[ActivationRecord]:
    """What can be read, oldest first, the chain unchecked: for joins that a broken line must not stop."""
    if path.exists():
        with disk("read the history"):
            data = path.read_bytes()
        for line in data.splitlines():
            try:
                yield decode(ActivationRecord, json.loads(line)["entry"])
            except (ValueError, KeyError, TypeError):
                continue


def read(path: Path) -> tuple[HistoryLine, ...]:
    """Every line, oldest first. Raises StoreError naming the first line that does not fit the chain."""
    if not path.exists():
        return ()
    with disk("read the history"):
        data = path.read_bytes()
    found: list[HistoryLine] = []
    before = START
    for number, line in enumerate(data[: data.rfind(b"\n") + 1].splitlines(), 1):
        found.append(HistoryLine(number=number, hash=_hash(line), entry=_entry(path, number, line, before)))
        before = _hash(line)
    return tuple(found)


def _entry(path: Path, number: int, line: bytes, before: str) -> ActivationRecord:
    try:
        tree: Any = json.loads(line)
        if tree["before"] != before:
            raise Malformed("it does not hold the hash of the line before it")
        return decode(ActivationRecord, tree["entry"])
    except (ValueError, KeyError, TypeError) as error:
        hint = "The lines before it are sound; keep the file and start a new one by moving it away"
        raise StoreError(f"Line {number} of {path} was changed or lost: {error}", hint) from error


def _is_of(line: bytes, transaction: str) -> bool:
    try:
        return bool(json.loads(line)["entry"]["transaction"] == transaction)
    except (ValueError, KeyError, TypeError):
        return False


def _line(before: str, entry: ActivationRecord) -> bytes:
    return (
        json.dumps({"before": before, "entry": encode(entry)}, sort_keys=True, separators=(",", ":")).encode() + b"\n"
    )


def _hash(line: bytes) -> str:
    return hashlib.sha256(line).hexdigest()


def _extend(path: Path, at: int, line: bytes) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        os.ftruncate(handle, at)
        os.lseek(handle, at, os.SEEK_SET)
        write_all(handle, line)
        os.fsync(handle)
    finally:
        os.close(handle)
