"""The generations of the apps: their files, their live copies, and which one is current."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from shlex import quote

from cockpitpm import beneath
from cockpitpm.errors import StoreError
from cockpitpm.model.process import FileStamp
from cockpitpm.model.receipt import Generation
from cockpitpm.record import documents, store
from cockpitpm.record.durable import disk, half_written, make_folder, remove, remove_left, replace_link, sync_folder
from cockpitpm.record.layout import Layout

_BINARY = re.compile(r"[a-z][a-z0-9_-]*", re.ASCII)
_NO_TWINS = (errno.EXDEV, errno.EPERM, errno.EMLINK, errno.EOPNOTSUPP, errno.ENOSYS)
"""Another file system, or one without hard links."""
_CURRENT = re.compile(r"live/([0-9]+\.[A-Za-z0-9][\w.-]*)", re.ASCII)


def apps(layout: Layout) -> tuple[str, ...]:
    """Every app that has a current generation, sorted; also one whose `current` leads to anything else.

    That one is told by whoever looks at it, and hides no other.
    """
    return tuple(name for name in folders(layout) if _there(layout, name))


def _there(layout: Layout, app: str) -> bool:
    try:
        return bool(current_live(layout, app))
    except StoreError:
        return True


def folders(layout: Layout) -> tuple[str, ...]:
    """Every app that something is kept of, sorted."""
    with disk("list the apps"):
        return tuple(beneath.names(layout.apps))


def numbers(layout: Layout, app: str) -> tuple[int, ...]:
    """The generations of an app that have a file, ascending."""
    with disk("list the generations"):
        stems = (n.removesuffix(".json") for n in beneath.names(layout.app(app)) if n.endswith(".json"))
    return tuple(sorted(int(stem) for stem in stems if stem.isdecimal()))


def read(layout: Layout, app: str, number: int) -> Generation:
    """One generation. Raises StoreError if its file is missing or was changed."""
    return documents.read(layout.generation(app, number), Generation)


def write(layout: Layout, generation: Generation) -> None:
    """Write the file of a generation, sealed and durable."""
    documents.write(layout.generation(generation.app, generation.number), generation)


def current_live(layout: Layout, app: str) -> str:
    """The name of the live folder that `current` leads to, such as `3.t17f`; empty if the app is not installed.

    Raises StoreError for a link that leads to anything else: nobody follows it.
    """
    path = layout.current(app)
    try:
        text = beneath.link_text(path)
    except beneath.Linked as error:
        with disk("look at"):
            raise error
    except OSError:
        return ""
    found = _CURRENT.fullmatch(text)
    if not found:
        told = f"{path} leads to {text!a}, which is no folder of ours"
        remove_it = f"Remove that link (`rm {quote(str(path))}`)"
        raise StoreError(told, f"{remove_it} and bring the app back: `cockpitpm install {quote(app)}`")
    return found[1]


def number_of(live: str) -> int:
    """The generation that a live folder was made from; 0 for none, or for a name that we never gave."""
    head = live.partition(".")[0]
    return int(head) if head.isdecimal() else 0


def materialise(layout: Layout, generation: Generation, live: str, same: Mapping[str, str]) -> None:
    """Make a live folder from the store; durable when this returns. Until then nobody else may look into it.

    `same` maps a sha256 to a live file that should hold those bytes: after it was hashed again it is linked rather
    than copied, so that a service whose bytes did not change goes on executing the current inode.
    """
    folder = layout.copies(generation.app, live)
    with disk("make the live copies"):
        beneath.erase(folder)
        make_folder(folder.parent)
        beneath.make_folder(folder, 0o700)
        for receipt in generation.receipts:
            target = layout.copy(generation.app, live, receipt.binary)
            _place(layout, receipt.sha256, target, same.get(receipt.sha256))
        with beneath.opened_folder(folder) as made:
            os.fchmod(made, 0o755)
            os.fsync(made)
        sync_folder(folder.parent)


def _place(layout: Layout, sha256: str, target: Path, twin: str | None) -> None:
    if not twin or not beneath.is_file(twin) or not _twinned(twin, target, sha256):
        store.copy_out(layout.blob(sha256), target)


def _twinned(twin: str, target: Path, sha256: str) -> bool:
    """Give the very inode that was hashed its second name; False if it has other bytes, or cannot have one."""
    with beneath.reading(twin) as source:
        if store.hash_of(source) != sha256:
            return False
        try:
            beneath.make_twin(target, twin)
        except beneath.Linked:
            raise
        except OSError as error:
            if error.errno in _NO_TWINS:
                return False
            raise  # a copy would be another file than the one that runs, for a moment's trouble of the disk
        if not beneath.is_same(source.fileno(), target):  # somebody put another file there while it was hashed
            beneath.unlink(target)
            return False
        os.fchmod(source.fileno(), 0o755)
        os.fsync(source.fileno())  # what is adopted was written by somebody else, who may not have
    return True


def stamps(layout: Layout, app: str, live: str) -> Mapping[str, FileStamp]:
    """The stamps of the files of a live folder, by binary."""
    folder = layout.copies(app, live)
    with disk("read"):
        return {name: store.stamp_of(beneath.look(folder / name)) for name in beneath.names(folder)}


def flip(layout: Layout, app: str, live: str) -> None:
    """Make this live folder the current one, or none. One rename: whoever looks sees all old or all new."""
    with disk("flip"):
        if live:
            replace_link(layout.current(app), f"live/{layout.copies(app, live).name}")
        else:
            remove(layout.current(app))


def discard(layout: Layout, app: str, live: str) -> None:
    """Delete a live folder that is not the current one."""
    if live and live != current_live(layout, app):
        with disk("clean the live copies"):
            _clear(layout.copies(app, live))


def lives(layout: Layout, app: str) -> tuple[Path, ...]:
    """Every live folder of an app."""
    with disk("list the live copies"):
        return tuple(layout.copies(app, name) for name in beneath.names(layout.live(app)))


def erase(layout: Layout, app: str) -> None:
    """Delete everything of an app that is not installed any more, but for what is remembered about it.

    Only what we make is deleted: where somebody keeps a file of their own in its folder, both stay.
    """
    if current_live(layout, app):
        return
    with disk("remove the app's files"):
        for number in numbers(layout, app):
            remove(layout.generation(app, number))
        remove(layout.current(app))
        for live in lives(layout, app):
            _clear(live)
        _drop(layout.live(app))
        for left in half_written(layout.app(app)):  # of a write that was refused or interrupted
            remove_left(left)
        _drop(layout.app(app))


def _clear(live: Path) -> None:
    """Delete a live folder as we make it: the files that are called like binaries, and it, if nothing else is there."""
    for name in beneath.names(live):
        if _BINARY.fullmatch(name) and beneath.is_file(live / name):
            remove_left(live / name)
    _drop(live)


def _drop(folder: Path) -> None:
    """Remove a folder, if it is one and nobody keeps anything in it."""
    try:
        with suppress(FileNotFoundError):
            beneath.remove_folder(folder)
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.ENOTDIR):
            raise
