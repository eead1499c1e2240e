"""Which folder a machine's root is, as its owner wrote it: how a machine that was moved or copied knows that it was."""

from __future__ import annotations

from cockpitpm import beneath
from cockpitpm.record.durable import disk, replace_file
from cockpitpm.record.layout import Layout


def left(layout: Layout) -> str:
    """The root that this machine had before it was moved or copied here; empty if it was not, or if nobody knows.

    Two ways to write one folder, one of them by a link, are the same place.
    """
    known = _known(layout)
    return "" if not known or beneath.resolved(known) == str(layout.real) else known


def settle(layout: Layout) -> None:
    """Remember that the machine is here. Nothing is written if that is known."""
    if left(layout) or not _known(layout):
        with disk("write down where the machine is"):
            replace_file(layout.home, f"{layout.root}\n".encode())


def _known(layout: Layout) -> str:
    with disk("read where the machine was"):
        return beneath.read(layout.home).decode().rstrip("\n") if beneath.seen(layout.home) else ""
