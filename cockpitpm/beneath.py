"""Files below a machine's root, reached through real folders only: no name in a path may be a symbolic link.

Every path is walked from `/` name by name, each folder opened in the one before it, and the kernel refuses a name that
is a link. So whoever plants one, before we come or while we work, gets a refusal; never do we read, write or delete
where it leads. Links of the owner on the way to the root are followed once, by `resolved`, when a machine is opened.

Errors are those of the kernel (OSError) and name the whole path. A link is `Linked`.
"""
# ruff: noqa: PTH101, PTH116, PTH208

from __future__ import annotations

import errno
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from shlex import quote

from cockpitpm.errors import StoreError

Name = str | os.PathLike[str]
"""An absolute path without `.` and `..`."""

_STEP = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_MISSING = (errno.ENOENT, errno.ENOTDIR)


class Linked(OSError, StoreError):
    """A name in a path is a link: `filename` is the path up to it. People can read the error as it is."""

    def __init__(self, path: str, text: str) -> None:
        OSError.__init__(self, errno.ELOOP, f"it is a symbolic link to {text}", path)
        self.message = f"Cannot use {path}: {self.strerror}"
        moved = f"Move the link away (`mv {quote(path)} {quote(path + '.link')}`) and run the command again"
        self.hint = f"{moved}; below the root, another disk is mounted, not linked"

    __str__ = StoreError.__str__


@contextmanager
def beside(path: Name) -> Iterator[tuple[int, str]]:
    """A descriptor of the folder that the last name of a path is in, and that name."""
    whole = os.fspath(path)
    folder, _, name = whole.rpartition("/")
    _parts(whole)
    handle = _walked(folder)
    try:
        yield handle, name
    except OSError as error:
        if error.filename in (None, name):
            error.filename = whole
        raise
    finally:
        os.close(handle)


def _walked(path: str) -> int:
    """A descriptor of a folder, good for looking up names in it."""
    sys.audit("cockpitpm.beneath", path)
    handle, at = os.open("/", _STEP), ""
    try:
        for name in _parts(path) if path not in ("", "/") else ():
            at = f"{at}/{name}"
            inner = _stepped(handle, name, at)
            os.close(handle)
            handle = inner
    except BaseException:
        os.close(handle)
        raise
    return handle


def _stepped(handle: int, name: str, at: str, flags: int = _STEP) -> int:
    """The folder of this name. For a link the kernel says only that it is no folder."""
    try:
        return os.open(name, flags, dir_fd=handle)
    except OSError as error:
        if error.errno in (errno.ENOTDIR, errno.ELOOP):
            _refuse_link(handle, name, at)
        error.filename = at
        raise


def _refuse_link(handle: int, name: str, at: str) -> None:
    """Raise Linked if the name is a link now."""
    try:
        text = os.readlink(name, dir_fd=handle)
    except OSError:
        return
    raise Linked(at, text)


def _parts(path: str) -> list[str]:
    """The names of a path. Raises OSError for one that could mean another place than it says."""
    first, *names = path.split("/")
    if first or not names or not {"", ".", ".."}.isdisjoint(names) or "\0" in path:
        raise OSError(errno.EINVAL, "it is no plain absolute path", path)
    return names


def open_file(path: Name, flags: int, mode: int = 0o600) -> int:
    """A descriptor of a file. The file itself is no link either; raises Linked for one."""
    with beside(path) as (folder, name):
        try:
            return os.open(name, flags | os.O_CLOEXEC | os.O_NOFOLLOW, mode, dir_fd=folder)
        except OSError as error:
            if error.errno in (errno.ELOOP, errno.ENOTDIR):
                _refuse_link(folder, name, os.fspath(path))
            raise


@contextmanager
def reading(path: Name) -> Iterator[BufferedReader]:
    """A regular file, open for reading; nothing else can be read."""
    handle = open_file(path, os.O_RDONLY | os.O_NONBLOCK)  # it may be a pipe
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError(errno.EINVAL, "it is no regular file", os.fspath(path))
        with os.fdopen(handle, "rb", closefd=False) as file:
            yield file
    finally:
        os.close(handle)


def read(path: Name) -> bytes:
    """All bytes of a file."""
    with reading(path) as file:
        return file.read()


@contextmanager
def opened_folder(path: Name) -> Iterator[int]:
    """A descriptor of a folder that can be listed, synced and locked."""
    whole = os.fspath(path)
    if whole == "/":
        handle = os.open("/", _FOLDER)
    else:
        with beside(whole) as (parent, name):
            handle = _stepped(parent, name, whole, _FOLDER)
    try:
        yield handle
    finally:
        os.close(handle)


def look(path: Name) -> os.stat_result:
    """What stands there; of a link, the link."""
    if os.fspath(path) == "/":
        return os.stat("/")
    with beside(path) as (folder, name):
        return os.stat(name, dir_fd=folder, follow_symlinks=False)


def seen(path: Name) -> os.stat_result | None:
    """What stands there, None for nothing."""
    try:
        return look(path)
    except OSError as error:
        if error.errno in _MISSING:
            return None
        raise


def is_file(path: Name) -> bool:
    """Whether a regular file stands there; a link is none."""
    return (found := seen(path)) is not None and stat.S_ISREG(found.st_mode)


def is_folder(path: Name) -> bool:
    """Whether a folder is there. Raises Linked for a link, wherever it leads."""
    try:
        os.close(_walked(os.fspath(path)))
    except OSError as error:
        if error.errno in _MISSING:
            return False
        raise
    return True


def is_link(path: Name) -> bool:
    """Whether a symbolic link stands there."""
    return (found := seen(path)) is not None and stat.S_ISLNK(found.st_mode)


def names(folder: Name) -> list[str]:
    """The names in a folder, sorted; none where there is no folder."""
    try:
        with opened_folder(folder) as handle:
            return sorted(os.listdir(handle))
    except OSError as error:
        if error.errno in _MISSING:
            return []
        raise


def is_same(handle: int, path: Name) -> bool:
    """Whether the open file is the very one that stands there."""
    return (found := seen(path)) is not None and os.path.samestat(os.fstat(handle), found)


def link_text(path: Name) -> str:
    """What a link says. Raises OSError (EINVAL) for something else."""
    with beside(path) as (folder, name):
        return os.readlink(name, dir_fd=folder)


def make_folder(path: Name, mode: int) -> None:
    """Make one folder, whose parent is there. Raises FileExistsError for anything that stands there."""
    with beside(path) as (folder, name):
        os.mkdir(name, mode, dir_fd=folder)


def make_link(path: Name, text: str) -> None:
    """Make a link of this text."""
    with beside(path) as (folder, name):
        os.symlink(text, name, dir_fd=folder)


def make_twin(path: Name, of: Name) -> None:
    """Give a file a second name; of a link, the link itself."""
    with beside(of) as (source, old), beside(path) as (folder, name):
        os.link(old, name, src_dir_fd=source, dst_dir_fd=folder, follow_symlinks=False)


def move(path: Name, to: Name) -> None:
    """Give what stands there another name in one step; what had that name is gone."""
    with beside(path) as (source, old), beside(to) as (folder, name):
        os.replace(old, name, src_dir_fd=source, dst_dir_fd=folder)


def unlink(path: Name) -> None:
    """Remove a file or a link."""
    with beside(path) as (folder, name):
        os.unlink(name, dir_fd=folder)


def remove_folder(path: Name) -> None:
    """Remove an empty folder."""
    with beside(path) as (folder, name):
        os.rmdir(name, dir_fd=folder)


def erase(path: Name) -> None:
    """Delete a folder with all that is in it, links as links; nothing happens where nothing is."""
    if seen(path) is not None:
        with beside(path) as (folder, name):
            _erase(folder, name, os.fspath(path))


def _erase(parent: int, name: str, at: str) -> None:
    try:
        handle = _stepped(parent, name, at, _FOLDER)
    except FileNotFoundError:
        return
    try:
        with os.scandir(handle) as entries:
            inside = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]
        for inner, folder in inside:
            if folder:
                _erase(handle, inner, f"{at}/{inner}")
            else:
                os.unlink(inner, dir_fd=handle)
    finally:
        os.close(handle)
    os.rmdir(name, dir_fd=parent)


def sync(folder: Name) -> None:
    """Make the entries of a folder durable."""
    with opened_folder(folder) as handle:
        os.fsync(handle)


def set_mode(path: Name, mode: int) -> None:
    """Say who may do what with a file or a folder, also one that its owner may not open. Raises Linked for a link."""
    handle = open_file(path, os.O_PATH)
    try:
        if stat.S_ISLNK(os.fstat(handle).st_mode):
            raise Linked(os.fspath(path), os.readlink("", dir_fd=handle))
        os.chmod(f"/proc/self/fd/{handle}", mode)  # this very file; a descriptor that only names it takes no fchmod
    except OSError as error:
        error.filename = os.fspath(path)
        raise
    finally:
        os.close(handle)


def touch(folder: Name) -> None:
    """Say that a folder was changed just now."""
    with opened_folder(folder) as handle:
        os.utime(handle)


def resolved(path: Name) -> str:
    """Where a path leads, links followed; of a part that is missing, where it would be."""
    return os.path.realpath(path)
