"""Which folder a machine's root is, as its owner wrote it: how a machine that was moved or copied knows that it was.

The first name is the one under which it was first changed here. Whoever changed it by another name, such as a link,
may have defined services by that name: these names come after it, so that nothing of a copy leads back by them.
"""

from __future__ import annotations

from contextlib import suppress

from attrs import evolve, frozen

from cockpitpm import beneath
from cockpitpm.errors import StoreError
from cockpitpm.model.service import followed
from cockpitpm.model.state import Exported
from cockpitpm.record import documents, state
from cockpitpm.record.durable import disk
from cockpitpm.record.layout import Layout


@frozen(kw_only=True)
class _Home:
    names: tuple[str, ...]


def read(layout: Layout) -> tuple[str, ...]:
    """The names of the root that are known; none before the first change. Raises StoreError for a damaged record."""
    with disk("look at"):
        there = beneath.seen(layout.home) is not None
    return documents.read(layout.home, _Home).names if there else ()


def left(layout: Layout) -> tuple[str, ...]:
    """The names of the root that this machine had before it was moved or copied here; none if it was not.

    Two ways to write one folder, one of them by a link, are the same place. Raises StoreError for a damaged record:
    then nobody knows.
    """
    known = read(layout)
    if not known or _here(layout, known[0]):
        return ()
    return tuple(name for name in known if not _here(layout, name))


def settle(layout: Layout) -> None:
    """Remember that the machine is here. Nothing is written if that is known; a damaged record is written anew."""
    known: tuple[str, ...] = ()
    with suppress(StoreError):
        known = () if left(layout) else read(layout)
    if str(layout.root) not in known:
        documents.write(layout.home, _Home(names=(*known, str(layout.root))))


def follow(layout: Layout, old: str) -> None:
    """Let the values that were exported for services follow; a service that is registered again would get them."""
    names = (name.removesuffix(".json") for name in beneath.names(layout.state) if name.endswith(".json"))
    for app in names:
        # A file that is damaged is told by whoever needs it.
        with suppress(StoreError):
            known = state.read(layout, app)
            offered = known.offered and evolve(known.offered, before=_there(known.offered.before, old, layout))
            state.write(layout, evolve(known, exported=_there(known.exported, old, layout), offered=offered))


def _there(exported: Exported, old: str, layout: Layout) -> Exported:
    new = str(layout.root)
    return {name: {var: followed(v, old, new) for var, v in said.items()} for name, said in exported.items()}


def _here(layout: Layout, name: str) -> bool:
    return beneath.resolved(name) == str(layout.real)
