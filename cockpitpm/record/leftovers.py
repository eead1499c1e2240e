"""What a process that died in the middle of a write left behind: files that never got their name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from cockpitpm import beneath
from cockpitpm.record.durable import disk, half_written, remove
from cockpitpm.record.layout import Layout


def sweep(layout: Layout) -> None:
    """Delete them. Only the holder of the lock may: nobody else is in the middle of a write then."""
    with disk("clean up"):
        for path in unnamed(layout):
            remove(path)


def unnamed(layout: Layout) -> Iterator[Path]:
    """Where they are."""
    apps = (layout.app(name) for name in beneath.names(layout.apps))
    for folder in (layout.settings.parent, layout.var, layout.journal, layout.state, *apps):
        yield from half_written(folder)
    for link in half_written(layout.bin):
        if beneath.is_link(link) and _is_ours(layout, link):
            yield link


def _is_ours(layout: Layout, link: Path) -> bool:
    """Whether it says what our own link for this binary would say, whichever app it is of."""
    binary, text = link.name.removeprefix(".").removesuffix(".new"), beneath.link_text(link)
    app = text.removeprefix("../var/cockpitpm/apps/").partition("/")[0]
    return text == layout.link_text(app, binary)
