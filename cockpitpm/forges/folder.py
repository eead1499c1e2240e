"""Opens files below one folder without leaving it: no symbolic link is followed, whoever swaps one in meanwhile."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

_DIRECTORY: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
# Without O_NONBLOCK, opening a named pipe would wait for a writer.
_FILE: Final = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK


@contextmanager
def descend(root: Path, parts: Sequence[str]) -> Iterator[int]:
    """The descriptor of the folder `root`/parts, each part a real folder. Raises OSError; the root may be a link."""
    held = os.open(root, _DIRECTORY)
    try:
        for part in parts:
            _single(part)
            deeper = os.open(part, _DIRECTORY | os.O_NOFOLLOW, dir_fd=held)
            os.close(held)
            held = deeper
        yield held
    finally:
        os.close(held)


@contextmanager
def opened(folder: int, name: str) -> Iterator[BinaryIO]:
    """The regular file `name` of the folder, unbuffered. Raises OSError, also for a link, a pipe or a device."""
    _single(name)
    with os.fdopen(os.open(name, _FILE, dir_fd=folder), "rb", buffering=0) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(f"{name} is not a regular file")
        yield file


def _single(part: str) -> None:
    if not part or "/" in part or "\0" in part or part in {".", ".."}:
        raise OSError(f"{part!r} is not a name inside a folder")
