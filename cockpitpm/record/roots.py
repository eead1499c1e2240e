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
from shlex import join, quote

from cockpitpm import beneath
from cockpitpm.errors import MachineError
from cockpitpm.record.durable import disk
from cockpitpm.record.layout import Layout

_HOPS = 40
"""As many links as the kernel follows."""


def layout_of(root: Path) -> Layout:
    """The layout of a root as its owner writes it; its links are followed once, here."""
    return Layout(root, Path(beneath.resolved(root)))


def check_owner(layout: Layout, command: tuple[str, ...]) -> None:
    """Raise MachineError for anybody but the owner of the root, with the words for running this command as its owner.

    Whoever makes a root owns it.
    """
    with disk("look at"):
        found = beneath.seen(layout.real)
    if found and found.st_uid != os.geteuid():
        owner = name_of(found.st_uid)
        told = f"{layout.root} belongs to {owner}, who alone may change it"
        raise MachineError(told, f"Run: sudo -u {quote(owner)} {join(command)}")


def check(layout: Layout) -> None:
    """Raise MachineError where somebody else may change the root or the way to it, with the command that mends it.

    What is not there yet is no matter: we make it, as its owner's alone.
    """
    with disk("look at"):
        for _, error in weak(layout, os.geteuid()):
            raise error


def weak(layout: Layout, owner: int) -> Iterator[tuple[str, MachineError]]:
    """Each folder on the way to the root, and the root, that others than this user may change; with what is told then.

    Raises OSError, and MachineError for links in a circle.
    """
    for folder in dict.fromkeys(_way(str(layout.root))):
        if error := _weak(folder, owner, is_root=folder == str(layout.real)):
            yield folder, error


def check_places(layout: Layout) -> None:
    """Raise StoreError where a link stands in a place of ours: told before anything is done, not in the middle of it.

    Who plants one later is refused by whatever comes upon it.
    """
    with disk("use"):
        for link in linked(layout):
            raise link


def linked(layout: Layout) -> Iterator[beneath.Linked]:
    """Each place of ours where a link stands. What would lie behind one is not looked at. Raises OSError."""
    behind: set[str] = set()
    for path in map(str, layout.fixed):
        if any(path.startswith(f"{link}/") for link in behind):
            continue
        if beneath.is_link(path):
            behind.add(path)
            yield beneath.Linked(path, beneath.link_text(path))


def _weak(folder: str, owner: int, *, is_root: bool) -> MachineError | None:
    found = beneath.look(folder)
    if found.st_uid not in (0, owner):
        other, mend = name_of(found.st_uid), f"`chown {quote(name_of(owner))} {quote(folder)}`"
        told = f"{folder} belongs to {other}, who could put another machine in the place of this one"
        return MachineError(told, f"Make it yours ({mend}), or use a root below a folder of yours")
    # In a sticky folder such as /tmp nobody renames what is another's; but anybody makes names that we look for.
    if found.st_mode & 0o022 and (is_root or not found.st_mode & stat.S_ISVTX):
        told = f"Others may write in {folder}, so they could put another machine in the place of this one"
        return MachineError(told, f"Run `chmod go-w {quote(folder)}`")
    return None


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
