"""The store: pristine bytes by their sha256, never executed, so that a hand patch of a running app cannot reach them.

Bytes come in through a file of their own, hashed while they are written, and get their name only once they are
durable. They go out as fresh copies that are hashed again.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection
from io import BufferedReader
from pathlib import Path
from types import TracebackType

from attrs import frozen

from cockpitpm import beneath
from cockpitpm.errors import AssetBroken, StoreError
from cockpitpm.model.process import FileStamp
from cockpitpm.record.durable import disk, make_folder, remove, remove_left, sync_folder, write_all

PIECE = 1024 * 1024


@frozen(kw_only=True)
class Stored:
    """Bytes in the store: lower-case hex digests and the size in bytes."""

    sha256: str
    md5: str
    size: int


class Incoming:
    """A download on its way into the store. A context manager: what is not kept at its end is deleted.

    `size` bytes are to come. Without `exact` it is a limit, since nobody announced how many there will be.
    """

    def __init__(self, path: Path, size: int, exact: bool = True) -> None:
        self.path = path
        self.size = size
        self.exact = exact
        self.done = 0
        self._sha256 = hashlib.sha256()
        self._md5 = hashlib.md5(usedforsecurity=False)
        with disk("set aside space for", path):
            make_folder(path.parent)
            remove_left(path)
            self._handle = beneath.open_file(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            if size and exact:
                self._allocate(size)

    def _allocate(self, size: int) -> None:
        try:
            os.posix_fallocate(self._handle, 0, size)
        except OSError:
            os.close(self._handle)
            beneath.unlink(self.path)
            raise

    def __enter__(self) -> Incoming:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        os.close(self._handle)
        with disk("remove the download"):
            remove_left(self.path)

    def write(self, piece: bytes | memoryview) -> None:
        """Take the next bytes. Raises AssetBroken as soon as there are more than were announced."""
        self.done += len(piece)
        if self.done > self.size:
            raise AssetBroken(f"More than the announced {self.size} bytes arrived", "Run the command again later")
        self._sha256.update(piece)
        self._md5.update(piece)
        with disk("write the download", self.path):
            write_all(self._handle, piece)

    def arrived(self) -> Stored:
        """What all the bytes are. Raises AssetBroken if some are missing."""
        if self.exact and self.done != self.size:
            message = f"The download ended after {self.done} of {self.size} bytes"
            raise AssetBroken(message, "Run the command again; nothing was changed")
        return Stored(sha256=self._sha256.hexdigest(), md5=self._md5.hexdigest(), size=self.done)

    def keep(self, store: Path) -> Stored:
        """Make the bytes durable and give them their name. Raises AssetBroken if some are missing."""
        found = self.arrived()
        with disk("keep the download", store):
            make_folder(store)
            os.fchmod(self._handle, 0o444)
            os.fsync(self._handle)
            beneath.move(self.path, store / found.sha256)
            sync_folder(store)
            kept = store / found.sha256
            # Another download of the same bytes may have put its own file there meanwhile.
            if not beneath.is_same(self._handle, kept) and hash_file(kept) != found.sha256:
                remove(kept)
                raise StoreError(f"{self.path} was replaced while it was proved", "See who else writes there")
        return found


def begins_with(blob: Path, length: int = 4096) -> bytes:
    """The first bytes of a stored file."""
    with disk("read", blob), beneath.reading(blob) as source:
        return source.read(length)


def copy_out(blob: Path, target: Path) -> None:
    """An executable copy that shares nothing with the store, hashed after it was written.

    Raises StoreError if the store no longer holds the bytes of that name.
    """
    with disk("copy to", target):
        handle = beneath.open_file(target, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o700)
        try:
            _copy(blob, handle)
            os.fchmod(handle, 0o755)
            os.fsync(handle)
            if _hash(handle) != blob.name:
                hint = "The disk may be failing; remove that file and run `cockpitpm upgrade` to fetch the bytes again"
                raise StoreError(f"{blob} does not hold the bytes of its name", hint)
        finally:
            os.close(handle)


def _copy(blob: Path, handle: int) -> None:
    with beneath.reading(blob) as file:
        source = file.fileno()
        left = os.fstat(source).st_size
        while left and (moved := _move(source, handle, left)):
            left -= moved


def _move(source: int, target: int, left: int) -> int:
    """Let the kernel copy (a reflink where the file system has them); some file systems refuse, so copy by hand."""
    try:
        return os.copy_file_range(source, target, left)
    except OSError:
        piece = os.read(source, PIECE)
        write_all(target, piece)
        return len(piece)


def _hash(handle: int) -> str:
    digest = hashlib.sha256()
    os.lseek(handle, 0, os.SEEK_SET)
    while piece := os.read(handle, PIECE):
        digest.update(piece)
    return digest.hexdigest()


def hash_file(path: Path) -> str:
    """The sha256 of a file's bytes, lower-case hex."""
    with disk("read", path), beneath.reading(path) as source:
        return hash_of(source)


def hash_of(source: BufferedReader) -> str:
    """The sha256 of the bytes of an open file, lower-case hex."""
    return hashlib.file_digest(source, "sha256").hexdigest()


def stamp_of(stat: os.stat_result) -> FileStamp:
    """What is compared to know that nobody touched a file."""
    return FileStamp(dev=stat.st_dev, ino=stat.st_ino, size=stat.st_size, mtime_ns=stat.st_mtime_ns)


def prune(store: Path, wanted: Collection[str]) -> None:
    """Delete what no generation names."""
    with disk("clean the store"):
        for name in beneath.names(store):
            if name not in wanted:
                remove(store / name)
