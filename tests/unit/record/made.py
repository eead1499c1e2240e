"""A root with stored bytes and generations, as the engine leaves them."""

from __future__ import annotations

from pathlib import Path

from attrs import evolve

from cockpitpm.model.receipt import Generation
from cockpitpm.record import generations
from cockpitpm.record.layout import Layout
from cockpitpm.record.store import Incoming, Stored
from tests.cases.scene import bundles, generation


def stored(layout: Layout, data: bytes) -> Stored:
    """Put bytes into the store as a download does."""
    with Incoming(layout.incoming / "x", len(data)) as incoming:
        incoming.write(data)
        return incoming.keep(layout.store)


def generation_of(layout: Layout, number: int, **files: bytes) -> Generation:
    """A written generation of duo whose binaries hold these bytes."""
    start = generation(bundles()["duo"], number, "A")
    receipts = tuple(evolve(receipt, sha256=stored(layout, files[receipt.binary]).sha256) for receipt in start.receipts)
    made = evolve(start, receipts=receipts)
    generations.write(layout, made)
    return made


def layout_at(root: Path) -> Layout:
    """The layout of a root."""
    return Layout(root)
