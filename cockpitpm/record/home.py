"""Which folder a machine's root is, as its owner wrote it: how a machine that was moved or copied knows that it was.

The first line is the name under which it was first changed here. Whoever changed it by another name, such as a link,
may have defined services by that name: these names stand below, so that nothing of a copy leads back by them.
"""

from __future__ import annotations

from contextlib import suppress

from attrs import evolve

from cockpitpm import beneath
from cockpitpm.errors import StoreError
from cockpitpm.model.service import followed
from cockpitpm.model.state import Exported
from cockpitpm.record import state
from cockpitpm.record.durable import disk, replace_file
from cockpitpm.record.layout import Layout


def left(layout: Layout) -> tuple[str, ...]:
    """The names of the root that this machine had before it was moved or copied here; none if it was not.

    Two ways to write one folder, one of them by a link, are the same place.
    """
    known = _known(layout)
    if not known or _here(layout, known[0]):
        return ()
    return tuple(name for name in known if not _here(layout, name))


def settle(layout: Layout) -> None:
    """Remember that the machine is here. Nothing is written if that is known."""
    known = () if left(layout) else _known(layout)
    if str(layout.root) not in known:
        with disk("write down where the machine is"):
            replace_file(layout.home, "".join(f"{name}\n" for name in (*known, layout.root)).encode())


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


def _known(layout: Layout) -> tuple[str, ...]:
    with disk("read where the machine was"):
        text = beneath.read(layout.home).decode() if beneath.seen(layout.home) else ""
    return tuple(text.splitlines())
