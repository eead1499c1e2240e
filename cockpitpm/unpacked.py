"""A packed program: one file that is unpacked below the machine's root and runs from there.

The file is a zip archive behind a `#!` line. At its top lie a copy of this module, which starts it, and
`packed.json`, which says who it is; all else is `site-packages`. The copy runs before anything else of ours can be
imported, so this module knows the standard library only and imports little of it.

Every process that runs from a folder holds a shared lock on it, so nobody has to guess which folders are in use.
"""
# pathlib would take longer to import than all the rest of a start.
# ruff: noqa: PTH100, PTH102, PTH111, PTH112, PTH116, PTH118, PTH119, PTH120, PTH208

from __future__ import annotations

import fcntl
import json
import os
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from importlib.machinery import EXTENSION_SUFFIXES
from typing import Any, BinaryIO

SAYS = "packed.json"
"""What an archive says of itself: `id` is a hash of all that it holds, `suffixes` those of its extension modules."""
SITE = "site-packages"
PLACE = ("var", "cockpitpm", "unpacked")
"""Below the root of a machine: one folder for each archive, named by its `id`."""
NO_ROOM = 9
"""The exit status of a program that could not be unpacked; that of the command line for its store."""
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
HIGH = 512
"""The lowest descriptor for the lock. A supervisord closes those below 256 when it starts, whoever opened them."""


def start() -> None:
    """Run this program from the folder that its archive was unpacked into, which is made first where it is missing.

    Called at the top of an archive, or of a folder that one was unpacked into. `sys.argv[0]` becomes that folder.
    """
    own, name = os.path.realpath(os.path.dirname(os.path.abspath(__file__))), os.path.basename(sys.argv[0])
    try:
        folder = _home(own)
    except OSError as error:
        where = f" {error.filename}" if error.filename else ""
        _refuse(name, f"cannot be unpacked: {error.strerror}{where}", NO_ROOM)
    sys.path[:] = [os.path.join(folder, SITE), *(path for path in sys.path if os.path.realpath(path) != own)]
    sys.argv[0] = folder
    from cockpitpm.cli.packed import main

    sys.exit(main(name, sys.argv[1:]))


def _home(own: str) -> str:
    """The folder to run from, held."""
    if os.path.isdir(own):
        hold(own)
        return own
    says = json.loads(_own_file(SAYS))
    if says["suffixes"] and EXTENSION_SUFFIXES[0] not in says["suffixes"]:
        known = " or ".join(_python(suffix) for suffix in says["suffixes"])
        _refuse(os.path.basename(own), f"was packed for {known}, and {sys.executable} is {_python()}", 4)
    folder = os.path.join(root_of(own, sys.argv[1:], os.environ), *PLACE, says["id"])
    while not hold(folder):
        unpack(own, folder)
    return folder


def _own_file(name: str) -> bytes:
    """A file at the top of the archive that this module was loaded from."""
    data: bytes = __spec__.loader.get_data(os.path.join(os.path.dirname(__file__), name))  # type: ignore[union-attr]
    return data


def _python(suffix: str = EXTENSION_SUFFIXES[0]) -> str:
    return suffix.strip(".").partition(".")[0]


def _refuse(name: str, why: str, code: int) -> None:
    sys.stderr.write(f"{name}: {why}\n")
    sys.exit(code)


def root_of(program: str, arguments: Sequence[str], environ: Mapping[str, str]) -> str:
    """The root whose `var` the program is unpacked into: the one it is installed in, else the one it is told."""
    parts = program.split("/")
    if parts[-7:-4] == ["var", "cockpitpm", "apps"] and parts[-3] == "live":
        return "/".join(parts[:-7]) or "/"
    told = ""
    for word, after in zip(arguments, (*arguments[1:], ""), strict=False):
        if word == "--root" or word.startswith("--root="):
            told = after if word == "--root" else word.removeprefix("--root=")
    return os.path.abspath(told or environ.get("PATH_ROOT") or os.path.expanduser("~/hero"))


def hold(folder: str) -> bool:
    """Keep the folder from being deleted for as long as this process lives; False if it is not there."""
    try:
        place = _opened(os.path.dirname(folder))
    except FileNotFoundError:
        return False
    try:
        handle = os.open(os.path.basename(folder), _FOLDER, dir_fd=place)
    except FileNotFoundError:
        return False
    finally:
        os.close(place)
    fcntl.flock(handle, fcntl.LOCK_SH)
    if not _is(handle, folder):  # it was deleted while we waited
        os.close(handle)
        return False
    with suppress(OSError):  # so few descriptors are allowed that it stays where it is
        fcntl.fcntl(handle, fcntl.F_DUPFD_CLOEXEC, HIGH)
        os.close(handle)
    return True


def _is(handle: int, folder: str) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), os.stat(folder))
    except FileNotFoundError:
        return False


def _above(place: str) -> str:
    """The root that a place is in."""
    return "/".join(place.split("/")[: -len(PLACE)]) or "/"


def _opened(place: str, make: bool = False) -> int:
    """A descriptor of the place. Above the root its owner may have links; below it none is followed."""
    at = _above(place)
    handle = os.open(at, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    for name in place.split("/")[-len(PLACE) :]:
        at = os.path.join(at, name)
        try:
            if make:
                _make_in(handle, name)
            inner = os.open(name, _FOLDER, dir_fd=handle)
        except NotADirectoryError as error:
            raise NotADirectoryError(error.errno, "this is a link or no folder:", at) from None
        except OSError as error:
            error.filename = at
            raise
        finally:
            os.close(handle)
        handle = inner
    return handle


def _make_in(folder: int, name: str) -> None:
    try:
        os.mkdir(name, 0o755 if name == PLACE[0] else 0o700, dir_fd=folder)
    except FileExistsError:
        return
    os.fsync(folder)


def unpack(archive: str, folder: str) -> None:
    """Make the folder from the archive, in one step and durably; nothing happens if it is there. Raises OSError."""
    import compileall
    import shutil
    import zipfile

    place = os.path.dirname(folder)
    _make(place)
    with _alone(place) as handle:
        name = os.path.basename(folder)
        with suppress(FileNotFoundError):
            os.stat(name, dir_fd=handle, follow_symlinks=False)
            return
        new = f".{name}.new"
        fresh = f"/proc/self/fd/{handle}/{new}"  # below the folder that we hold, whatever its path leads to now
        shutil.rmtree(new, ignore_errors=True, dir_fd=handle)
        try:
            with zipfile.ZipFile(archive) as source:
                source.extractall(fresh)
            compileall.compile_dir(fresh, quiet=2, stripdir=fresh, prependdir=folder)
            os.sync()  # thousands of files, and not one of them may be empty after a power cut
            os.rename(new, name, src_dir_fd=handle, dst_dir_fd=handle)
        except BaseException:
            shutil.rmtree(new, ignore_errors=True, dir_fd=handle)
            raise
        os.fsync(handle)


def _make(place: str) -> None:
    """The place with what is above it; like the rest of our state, nobody else may look into it."""
    missing, at = [], _above(place)
    while not os.path.isdir(at):
        missing.append(at)
        at = os.path.dirname(at)
    for path in reversed(missing):
        with suppress(FileExistsError):
            os.mkdir(path, 0o755)
        _sync(os.path.dirname(path))
    os.close(_opened(place, make=True))


def _sync(folder: str) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _alone(place: str) -> Iterator[int]:
    """Be the only one who makes or deletes folders there. Gives a descriptor of the place."""
    handle = _opened(place)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield handle
    finally:
        os.close(handle)


def says(source: str | BinaryIO) -> dict[str, Any] | None:
    """What a packed program says of itself; None for a file that is none. Raises OSError if it cannot be read."""
    import zipfile

    try:
        with zipfile.ZipFile(source) as archive:
            found = json.loads(archive.read(SAYS))
    except (zipfile.BadZipFile, KeyError, ValueError):
        return None
    return found if isinstance(found, dict) and isinstance(found.get("id"), str) else None


def drop_unused(place: str, keep: Collection[str]) -> None:
    """Delete the folders that no process runs from, but for those of these ids. Raises OSError."""
    import shutil

    if not os.path.isdir(place):
        return
    with _alone(place) as folders:
        for name in os.listdir(folders):
            if name not in keep and (gone := _taken(folders, name)):
                shutil.rmtree(gone, dir_fd=folders)


def _taken(folders: int, name: str) -> str:
    """The folder under a name that nobody looks for; empty if somebody runs from it."""
    import shutil

    if name.startswith("."):  # of somebody who died in the middle of it
        return name
    handle = os.open(name, _FOLDER, dir_fd=folders)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        gone = f".{name}.old"
        shutil.rmtree(gone, ignore_errors=True, dir_fd=folders)
        os.rename(name, gone, src_dir_fd=folders, dst_dir_fd=folders)
    except BlockingIOError:
        return ""
    finally:
        os.close(handle)
    return gone
