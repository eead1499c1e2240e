"""What the clock of upgrades remembers on disk: what it tried when, and which bytes of the store were fetched ahead.

Whoever ticks writes here, without the machine's lock; so it is a folder of its own, and nothing in it is needed: what
cannot be read is as if it had never been written.
"""

from __future__ import annotations

import fcntl
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from cockpitpm import beneath
from cockpitpm.errors import StoreError
from cockpitpm.model.upgrades import Ahead, AheadFile, Attempts
from cockpitpm.record import documents
from cockpitpm.record.durable import disk, make_folder, remove
from cockpitpm.record.layout import Layout, plain
from cockpitpm.record.store import hash_file

_AHEAD = re.compile(r"[a-z].*\.json")
T = TypeVar("T", Ahead, Attempts)


def incoming(layout: Layout) -> Path:
    """Where bytes arrive that are fetched ahead: who cleans up after a transaction does not look here."""
    return _folder(layout) / "incoming"


@contextmanager
def alone(layout: Layout) -> Iterator[bool]:
    """Whether nobody else ticks now: of several servers of one machine, one does at a time."""
    with disk("open the schedule"):
        make_folder(_folder(layout))
        handle = beneath.open_file(_folder(layout) / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True
    finally:
        os.close(handle)


def attempts(layout: Layout) -> Attempts:
    """What was tried."""
    return _read(_folder(layout) / "attempts.json", Attempts())


def write_attempts(layout: Layout, found: Attempts) -> None:
    """Remember what was tried. Nothing is written if nothing changed."""
    if found != attempts(layout):
        documents.write(_folder(layout) / "attempts.json", found)


def ahead(layout: Layout, app: str) -> Ahead:
    """What was fetched ahead for an app."""
    return _read(_ahead(layout, app), Ahead(app=app))


def apps_ahead(layout: Layout) -> tuple[str, ...]:
    """The apps for which something was fetched ahead, sorted."""
    with disk("list what was fetched ahead"):
        names = beneath.names(_ahead(layout, "x").parent)
    return tuple(name.removesuffix(".json") for name in names if _AHEAD.fullmatch(name))


def write_ahead(layout: Layout, found: Ahead) -> None:
    """Remember what was fetched ahead; nothing at all is no file."""
    path = _ahead(layout, found.app)
    if not found.files:
        with disk("forget"):
            remove(path)
    elif found != ahead(layout, found.app):
        documents.write(path, found)


def named_ahead(layout: Layout, apps: tuple[str, ...]) -> set[str]:
    """Every sha256 that was fetched ahead for one of these apps."""
    return {file.sha256 for app in apps for file in ahead(layout, app).files}


def known(layout: Layout, app: str, uuid: str, size: int, member: str) -> AheadFile | None:
    """The upload, if it was fetched ahead and the store holds something of its size."""
    for file in ahead(layout, app).files:
        if (file.uuid, file.size, file.member) == (uuid, size, member) and _stored(layout, file):
            return file
    return None


def here(layout: Layout, app: str, uuid: str, size: int, member: str) -> AheadFile | None:
    """The upload, if it was fetched ahead and every byte of it is still in the store."""
    file = known(layout, app, uuid, size, member)
    return file if file and hash_file(layout.blob(file.sha256)) == file.sha256 else None


def _stored(layout: Layout, file: AheadFile) -> bool:
    with disk("look at"):
        found = beneath.seen(layout.blob(file.sha256))
    return found is not None and stat.S_ISREG(found.st_mode) and found.st_size == file.stored


def _folder(layout: Layout) -> Path:
    return layout.var / "schedule"


def _ahead(layout: Layout, app: str) -> Path:
    return _folder(layout) / "ahead" / f"{plain(app)}.json"


def _read(path: Path, nothing: T) -> T:
    with disk("look at"):
        there = beneath.seen(path) is not None
    try:
        return documents.read(path, type(nothing)) if there else nothing
    except StoreError:
        return nothing
