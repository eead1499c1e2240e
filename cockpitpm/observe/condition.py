"""The condition of the disk under a machine: modes and owners of what is ours, room that is left, half-done writes."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from cockpitpm import beneath
from cockpitpm.model.ailment import Keeping, Space, Spot
from cockpitpm.record import leftovers
from cockpitpm.record.layout import Layout


def space(layout: Layout) -> Space:
    """What is left on the file system of the root. Raises OSError."""
    with beneath.opened_folder(layout.real) as folder:
        found = os.fstatvfs(folder)
    return Space(
        free=found.f_bavail * found.f_frsize,
        size=found.f_blocks * found.f_frsize,
        files_free=found.f_favail,
        files=found.f_files,
    )


def spots(layout: Layout) -> Iterator[Spot]:
    """Every path whose mode or owner matters, a folder before what is in it. Private is what holds secrets, and the
    folder around all of our state.
    """
    for folder in (layout.real, layout.bin, layout.settings.parent.parent, layout.settings.parent, layout.var.parent):
        yield from _one(folder, Keeping.OPEN)
    yield from _one(layout.settings, Keeping.OPEN)
    yield from _tree(layout.settings.with_name("secrets"), Keeping.PRIVATE)
    yield from _one(layout.var, Keeping.PRIVATE)
    yield from _tree(layout.supervisor / "conf.d", Keeping.PRIVATE)
    for folder in (layout.store, layout.state, layout.journal, layout.jobs, layout.plans, layout.aside):
        yield from _tree(folder, Keeping.OPEN)
    for file in (layout.history, layout.lock, layout.home):
        yield from _one(file, Keeping.OPEN)
    yield from _one(layout.apps, Keeping.OPEN)
    for app in _entries(layout.apps):
        yield from _one(app, Keeping.OPEN)
        yield from _one(layout.live(app.name), Keeping.OPEN)
        for live in _entries(layout.live(app.name)):
            yield from _one(live, Keeping.OPEN)
            for program in _entries(live):
                yield from _one(program, Keeping.PROGRAM)


def unnamed(layout: Layout) -> tuple[str, ...]:
    """Files of writes that were cut off. A download that was is no illness: the next one goes on from there."""
    return tuple(str(path) for path in leftovers.unnamed(layout))


def _tree(folder: Path, keeping: Keeping) -> Iterator[Spot]:
    yield from _one(folder, keeping)
    for path in _entries(folder):
        inner = [*_one(path, keeping)]
        yield from _tree(path, keeping) if any(spot.folder for spot in inner) else inner


def _entries(folder: Path) -> list[Path]:
    """What is in a folder; nothing where we may not look, or where a link stands, which other checks tell."""
    try:
        return [folder / name for name in beneath.names(folder)]
    except OSError:
        return []


def _one(path: Path, keeping: Keeping) -> Iterator[Spot]:
    """The path itself, never what a link leads to: the mode of a link means nothing."""
    try:
        found = beneath.seen(path)
    except OSError:
        return
    if found and not stat.S_ISLNK(found.st_mode) and not stat.S_ISSOCK(found.st_mode):
        folder = stat.S_ISDIR(found.st_mode)
        mode = stat.S_IMODE(found.st_mode)
        yield Spot(path=str(path), keeping=keeping, mode=mode, uid=found.st_uid, folder=folder)
