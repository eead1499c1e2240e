"""What a process that died in the middle of a write left behind: files that never got their name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from cockpitpm.record.durable import disk, remove
from cockpitpm.record.layout import Layout


def sweep(layout: Layout) -> None:
    """Delete them. Only the holder of the lock may: nobody else is in the middle of a write then."""
    with disk("clean up"):
        for path in _unnamed(layout):
            remove(path)


def _unnamed(layout: Layout) -> Iterator[Path]:
    for folder in (layout.settings.parent, layout.var, layout.journal, layout.state, *layout.apps.glob("*")):
        yield from folder.glob(".*.new")
    for link in layout.bin.glob(".*.new"):
        if link.is_symlink() and str(link.readlink()) == _ours(layout, link):
            yield link


def _ours(layout: Layout, link: Path) -> str:
    """What our own link for this binary would say, whichever app it is of."""
    binary = link.name.removeprefix(".").removesuffix(".new")
    app = str(link.readlink()).removeprefix("../var/cockpitpm/apps/").partition("/")[0]
    return layout.link_text(app, binary)
