"""What a process that died in the middle of a write left behind: files that never got their name."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

from cockpitpm import beneath
from cockpitpm.record import schedule
from cockpitpm.record.durable import disk, half_written, remove
from cockpitpm.record.layout import Layout

OLD = 3600.0
"""Seconds after which nobody goes on with a file: a write takes milliseconds, and a download that stands still ends."""


def sweep(layout: Layout) -> None:
    """Delete them. Only the holder of the lock may: nobody else is in the middle of a write then."""
    with disk("clean up"):
        for path in unnamed(layout):
            remove(path)


def unnamed(layout: Layout) -> Iterator[Path]:
    """Where they are. Servers write jobs, plans and schedules without the lock: there, what is young may be alive."""
    apps = (layout.app(name) for name in beneath.names(layout.apps))
    secrets = _folders(layout.settings.with_name("secrets"))
    for folder in (layout.settings.parent, layout.var, layout.journal, layout.state, *apps, *secrets):
        yield from half_written(folder)
    for link in half_written(layout.bin):
        if beneath.is_link(link) and _is_ours(layout, link):
            yield link
    yield from (path for path in _of_servers(layout) if _is_old(layout, path))


def _of_servers(layout: Layout) -> Iterator[Path]:
    clock, incoming = layout.var / "schedule", schedule.incoming(layout)
    for folder in (layout.plans, clock, clock / "ahead", *_folders(layout.jobs)):
        if _is_folder(folder):
            yield from half_written(folder)
    if _is_folder(incoming):
        yield from (incoming / name for name in beneath.names(incoming))


def _is_old(layout: Layout, path: Path) -> bool:
    """Held against the lock, which was written to when it was taken: so nobody has to ask for the time."""
    lock, found = beneath.seen(layout.lock), beneath.seen(path)
    return bool(lock and found and stat.S_ISREG(found.st_mode) and lock.st_mtime - found.st_mtime >= OLD)


def _folders(folder: Path) -> tuple[Path, ...]:
    names = beneath.names(folder) if _is_folder(folder) else ()
    return tuple(folder / name for name in names if _is_folder(folder / name))


def _is_folder(path: Path) -> bool:
    """Whether a real folder is there. What leads elsewhere is refused by whoever needs it, not by a cleaning."""
    return (found := beneath.seen(path)) is not None and stat.S_ISDIR(found.st_mode)


def _is_ours(layout: Layout, link: Path) -> bool:
    """Whether it says what our own link for this binary would say, whichever app it is of."""
    binary, text = link.name.removeprefix(".").removesuffix(".new"), beneath.link_text(link)
    app = text.removeprefix("../var/cockpitpm/apps/").partition("/")[0]
    return text == layout.link_text(app, binary)
