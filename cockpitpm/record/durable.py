"""Writes that are still there after a power cut, and errors of the disk in words.

A rename is durable only once the folder was synced, so each function here syncs what it must before it returns.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cockpitpm.errors import StoreError

_HINTS = {
    errno.ENOSPC: "Free some space there and run the command again",
    errno.EDQUOT: "Free some of the quota there and run the command again",
    errno.EACCES: "Run the command as the owner of the root",
    errno.EPERM: "Run the command as the owner of the root",
    errno.EROFS: "Mount the file system for writing and run the command again",
}


@contextmanager
def disk(doing: str, path: Path | None = None) -> Iterator[None]:
    """Turn an OSError inside into a StoreError that says what was being done, where, and why it failed.

    `path` is told where the error itself names none, as those of an open descriptor do.
    """
    try:
        yield
    except OSError as error:
        where = f" {error.filename or path}" if error.filename or path else ""
        reason = os.strerror(error.errno) if error.errno else str(error)
        hint = _HINTS.get(error.errno or 0, "Look at that path; `cockpitpm recover` finishes what was interrupted")
        raise StoreError(f"Cannot {doing}{where}: {reason}", hint) from error


def sync_folder(folder: Path) -> None:
    """Make the entries of a folder durable."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def make_folder(folder: Path, mode: int = 0o700) -> None:
    """Create a folder and its parents, durably; nothing happens if it is there."""
    if folder.is_dir():
        return
    make_folder(folder.parent, mode)
    folder.mkdir(mode=mode, exist_ok=True)
    sync_folder(folder.parent)


def write_all(handle: int, data: bytes | memoryview) -> None:
    """Write every byte; the kernel may take fewer at a time."""
    view = memoryview(data)
    while view:
        view = view[os.write(handle, view) :]


def replace_file(path: Path, data: bytes, mode: int = 0o600) -> None:
    """Put the bytes at `path` in one step: whoever reads it sees the old bytes or the new ones."""
    make_folder(path.parent)
    fresh = path.with_name(f".{path.name}.new")
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, mode)
    try:
        os.fchmod(handle, mode)
        write_all(handle, data)
        os.fsync(handle)
    except OSError:
        fresh.unlink()
        raise
    finally:
        os.close(handle)
    fresh.replace(path)
    sync_folder(path.parent)


def replace_link(path: Path, text: str) -> None:
    """Make `path` a symbolic link with this text in one step."""
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(text)
    fresh.replace(path)
    sync_folder(path.parent)


def remove(path: Path) -> None:
    """Remove a file or link durably; nothing happens if it is gone already."""
    try:
        path.unlink()
    except FileNotFoundError:
        return
    sync_folder(path.parent)
