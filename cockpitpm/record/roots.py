"""The root of a machine: where it really is, and whether anybody else could change what we do there.

Whoever may rename a folder on the way to the root decides what the root is. So each of those folders, the links of the
owner followed, has to belong to the owner or to root, and nobody else may write in it.
"""

from __future__ import annotations

import os
import pwd
import stat
from collections.abc import Iterator
from pathlib import Path
from shlex import quote

from cockpitpm import beneath
from cockpitpm.errors import MachineError
from cockpitpm.record.durable import disk
from cockpitpm.record.layout import Layout

_HOPS = 40
"""As many links as the kernel follows."""


def layout_of(root: Path) -> Layout:
    """The layout of a root as its owner writes it; its links are followed once, here."""
    return Layout(root, Path(beneath.resolved(root)))


def check(layout: Layout) -> None:
    """Raise MachineError where somebody else may change the root or the way to it, with the command that mends it.

    What is not there yet is no matter: we make it, as its owner's alone.
    """
    with disk("look at"):
        for folder in dict.fromkeys(_way(str(layout.root))):
            _check(folder, is_root=folder == str(layout.real))


def check_places(layout: Layout) -> None:
    """Raise StoreError where a link stands in a place of ours: told before anything is done, not in the middle of it.

    Who plants one later is refused by whatever comes upon it.
    """
    with disk("use"):
        for path in layout.fixed:
            if beneath.is_link(path):
                raise beneath.Linked(str(path), beneath.link_text(path))


def _check(folder: str, *, is_root: bool) -> None:
    found, me = beneath.look(folder), os.geteuid()
    if found.st_uid not in (0, me):
        owner, mend = name_of(found.st_uid), f"`chown {name_of(me)} {quote(folder)}`"
        told = f"{folder} belongs to {owner}, who could put another machine in the place of this one"
        raise MachineError(told, f"Make it yours ({mend}), or use a root below a folder of yours")
    # In a sticky folder such as /tmp nobody renames what is another's; but anybody makes names that we look for.
    if found.st_mode & 0o022 and (is_root or not found.st_mode & stat.S_ISVTX):
        told = f"Others may write in {folder}, so they could put another machine in the place of this one"
        raise MachineError(told, f"Run `chmod go-w {quote(folder)}`")


def _way(path: str) -> Iterator[str]:
    """Every folder in which a name of the path is looked up, and the one that it leads to, as far as they are there."""
    at, rest, hops = "", path.split("/")[::-1], 0
    yield "/"
    while rest:
        name = rest.pop()
        if name in ("", "."):
            continue
        if name == "..":
            at = at.rpartition("/")[0]
            continue
        found = beneath.seen(f"{at}/{name}")
        if found is None:
            return
        if stat.S_ISLNK(found.st_mode):
            hops += 1
            if hops > _HOPS:
                raise MachineError(f"{path} is a link that leads nowhere", "Name another root")
            text = beneath.link_text(f"{at}/{name}")
            at = "" if text.startswith("/") else at
            rest += text.split("/")[::-1]
            continue
        at = f"{at}/{name}"
        yield at


def name_of(uid: int) -> str:
    """The name of a user, the number of one without."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
