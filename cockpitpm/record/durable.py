"""Writes that are still there after a power cut, and errors of the disk in words.

A rename is durable only once the folder was synced, so each function here syncs what it must before it returns.
No name on the way to a file may be a symbolic link: see `cockpitpm.beneath`, which all of this room goes through.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from cockpitpm import beneath
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
        reason = error.strerror or str(error)
        hint = _HINTS.get(error.errno or 0, "Look at that path; `cockpitpm recover` finishes what was interrupted")
        if isinstance(error, beneath.Linked):
            hint = error.hint
        raise StoreError(f"Cannot {doing}{where}: {reason}", hint) from error


def sync_folder(folder: Path) -> None:
    """Make the entries of a folder durable."""
    beneath.sync(folder)


def make_folder(folder: Path, mode: int = 0o700) -> None:
    """Create a folder and its parents, durably; nothing happens if it is there."""
    if beneath.is_folder(folder):
        return
    make_folder(folder.parent, mode)
    try:
        beneath.make_folder(folder, mode)
    except FileExistsError:
        if not beneath.is_folder(folder):  # or another process was faster
            raise
    sync_folder(folder.parent)


def write_all(handle: int, data: bytes | memoryview) -> None:
    """Write every byte; the kernel may take fewer at a time."""
    view = memoryview(data)
    while view:
        view = view[os.write(handle, view) :]


def write_at(handle: int, data: bytes, offset: int) -> None:
    """Write every byte at its place in the file. Raises OSError where the kernel takes none."""
    view = memoryview(data)
    while view:
        taken = os.pwrite(handle, view, offset)
        if not taken:
            raise OSError(errno.EIO, "it took only a part of the bytes")
        view, offset = view[taken:], offset + taken


def replace_file(path: Path, data: bytes, mode: int = 0o600) -> None:
    """Put the bytes at `path` in one step: whoever reads it sees the old bytes or the new ones."""
    make_folder(path.parent)
    fresh = path.with_name(f".{path.name}.new")
    remove_left(fresh)
    handle = beneath.open_file(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        os.fchmod(handle, mode)
        write_all(handle, data)
        os.fsync(handle)
        beneath.move(fresh, path)
    except BaseException:
        _withdraw(fresh)
        raise
    finally:
        os.close(handle)
    sync_folder(path.parent)


def replace_link(path: Path, text: str) -> None:
    """Make `path` a symbolic link with this text in one step."""
    fresh = path.with_name(f".{path.name}.new")
    remove_left(fresh)
    beneath.make_link(fresh, text)
    try:
        beneath.move(fresh, path)
    except BaseException:
        _withdraw(fresh)
        raise
    sync_folder(path.parent)


def half_written(folder: Path) -> Iterator[Path]:
    """What writes of ours left in a folder before it got its name. Only who holds the lock knows that nobody writes."""
    return (folder / name for name in beneath.names(folder) if name.startswith(".") and name.endswith(".new"))


def _withdraw(unnamed: Path) -> None:
    """Take back what got no name. A disk that refuses this too has it cleaned away later; the first error is told."""
    with suppress(OSError):
        beneath.unlink(unnamed)


def remove(path: Path) -> None:
    """Remove a file or link durably; nothing happens if it is gone already."""
    if beneath.seen(path) is None:
        return
    remove_left(path)
    sync_folder(path.parent)


def remove_left(path: Path) -> None:
    """Remove what a process left that died in the middle of a write; a link there is removed, never followed."""
    with suppress(FileNotFoundError):
        beneath.unlink(path)
