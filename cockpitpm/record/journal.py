"""The journal: one file a transaction, records appended in place, each with its own checksum.

The file is allocated when the transaction begins, so that a disk that fills up later cannot stop it from writing
its verdict and going back. A record that was cut short fails its checksum and counts as not written.
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from cockpitpm import beneath
from cockpitpm.errors import StoreError
from cockpitpm.record.durable import disk, make_folder, remove, sync_folder, write_at

ALLOCATED = 64 * 1024
"""Bytes set aside for one transaction; an app with 20 services needs about 12 KiB."""


class Journal:
    """The open journal of one transaction. `records` are in the order they were written."""

    def __init__(self, path: Path, records: list[dict[str, Any]], end: int) -> None:
        self.path = path
        self.records = records
        self._end = end

    @classmethod
    def begin(cls, folder: Path, transaction: str, intent: Mapping[str, Any], room: int = 0) -> Journal:
        """Allocate the file, with `room` bytes beyond usual, and write its first record, durably."""
        path = folder / f"{transaction}.journal"
        fresh = folder / f".{transaction}.new"
        line = _line({"phase": "intent", **intent})
        with disk("begin the journal", folder):
            make_folder(folder)
            handle = beneath.open_file(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            try:
                os.posix_fallocate(handle, 0, len(line) + ALLOCATED + room)
                write_at(handle, line, 0)
                os.fsync(handle)
            except OSError:
                beneath.unlink(fresh)
                raise
            finally:
                os.close(handle)
            beneath.move(fresh, path)
            sync_folder(folder)
        return cls(path, [{"phase": "intent", **intent}], len(line))

    @classmethod
    def read(cls, path: Path) -> Journal:
        """An existing journal up to its first record that is not whole. Raises StoreError if there is no intent."""
        with disk("read the journal"):
            data = beneath.read(path)
        records, end = _records(data)
        if not records or records[0].get("phase") != "intent":
            hint = "Keep the file for a look, move it out of the folder, then run `cockpitpm recover`"
            raise StoreError(f"The journal {path} does not begin with an intent", hint)
        return cls(path, records, end)

    def write(self, phase: str, **facts: Any) -> None:
        """Append a record; it is durable when this returns."""
        record = {"phase": phase, **facts}
        line = _line(record)
        with disk("write the journal", self.path):
            handle = beneath.open_file(self.path, os.O_WRONLY)
            try:
                # A torn record may have left bytes behind its end; a zero after ours ends the reading there.
                write_at(handle, line + b"\0", self._end)
                os.fsync(handle)
            finally:
                os.close(handle)
        self._end += len(line)
        self.records.append(record)

    @property
    def intent(self) -> dict[str, Any]:
        """The first record."""
        return self.records[0]

    def last(self, phase: str) -> dict[str, Any] | None:
        """The newest record of this phase."""
        return next((r for r in reversed(self.records) if r["phase"] == phase), None)

    def all(self, phase: str) -> Iterator[dict[str, Any]]:
        """Every record of this phase, oldest first."""
        return (r for r in self.records if r["phase"] == phase)

    def close(self) -> None:
        """The transaction has ended: the file goes. If a power cut brings it back, it says that it is done."""
        with disk("end the journal"):
            try:
                remove(self.path)
            except OSError:
                if beneath.seen(self.path):
                    raise


def unfinished(folder: Path) -> tuple[Path, ...]:
    """The journals that are left, oldest first. What never got its name is no journal."""
    with disk("look for journals"):
        return tuple(folder / name for name in beneath.names(folder) if name.endswith(".journal"))


def _line(record: Mapping[str, Any]) -> bytes:
    body = json.dumps(record, sort_keys=True, separators=(",", ":")).encode()
    return b"%08x %s\n" % (zlib.crc32(body), body)


def _records(data: bytes) -> tuple[list[dict[str, Any]], int]:
    records: list[dict[str, Any]] = []
    end = 0
    while (stop := data.find(b"\n", end)) > 0:
        sum_, _, body = data[end:stop].partition(b" ")
        if sum_ != b"%08x" % zlib.crc32(body):
            break
        records.append(json.loads(body))
        end = stop + 1
    return records, end
