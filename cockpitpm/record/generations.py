"""The generations of the apps: their files, their live copies, and which one is current."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from cockpitpm.model.process import FileStamp
from cockpitpm.model.receipt import Generation
from cockpitpm.record import documents, store
from cockpitpm.record.durable import disk, make_folder, remove, replace_link, sync_folder
from cockpitpm.record.layout import Layout


def apps(layout: Layout) -> tuple[str, ...]:
    """Every app that has a current generation, sorted."""
    return tuple(sorted(p.name for p in layout.apps.glob("*") if current_live(layout, p.name)))


def numbers(layout: Layout, app: str) -> tuple[int, ...]:
    """The generations of an app that have a file, ascending."""
    return tuple(sorted(int(p.stem) for p in layout.app(app).glob("*.json") if p.stem.isdecimal()))


def read(layout: Layout, app: str, number: int) -> Generation:
    """One generation. Raises StoreError if its file is missing or was changed."""
    return documents.read(layout.generation(app, number), Generation)


def write(layout: Layout, generation: Generation) -> None:
    """Write the file of a generation, sealed and durable."""
    documents.write(layout.generation(generation.app, generation.number), generation)


def current_live(layout: Layout, app: str) -> str:
    """The name of the live folder that `current` leads to, such as `3.t17f`; empty if the app is not installed."""
    try:
        text = str(layout.current(app).readlink())
    except OSError:
        return ""
    return text.removeprefix("live/")


def number_of(live: str) -> int:
    """The generation that a live folder was made from; 0 for none, or for a name that we never gave."""
    head = live.partition(".")[0]
    return int(head) if head.isdecimal() else 0


def materialise(layout: Layout, generation: Generation, live: str, same: Mapping[str, str]) -> None:
    """Make a live folder from the store; durable when this returns.

    `same` maps a sha256 to a live file that should hold those bytes: after it was hashed again it is linked rather
    than copied, so that a service whose bytes did not change goes on executing the current inode.
    """
    folder = layout.live(generation.app) / live
    with disk("make the live copies"):
        if folder.exists():
            shutil.rmtree(folder)
        make_folder(folder.parent, 0o755)
        folder.mkdir(mode=0o755)
        for receipt in generation.receipts:
            _place(layout, receipt.sha256, folder / receipt.binary, same.get(receipt.sha256))
        sync_folder(folder)
        sync_folder(folder.parent)


def _place(layout: Layout, sha256: str, target: Path, twin: str | None) -> None:
    if twin and Path(twin).is_file() and store.hash_file(Path(twin)) == sha256:
        try:
            target.hardlink_to(twin)
        except OSError:  # another file system, or one without hard links
            store.copy_out(layout.blob(sha256), target)
        else:
            target.chmod(0o755)
    else:
        store.copy_out(layout.blob(sha256), target)


def stamps(layout: Layout, app: str, live: str) -> Mapping[str, FileStamp]:
    """The stamps of the files of a live folder, by binary."""
    folder = layout.live(app) / live
    with disk("read"):
        return {path.name: store.stamp_of(path.stat()) for path in folder.glob("*")}


def flip(layout: Layout, app: str, live: str) -> None:
    """Make this live folder the current one, or none. One rename: whoever looks sees all old or all new."""
    with disk("flip"):
        if live:
            replace_link(layout.current(app), f"live/{live}")
        else:
            remove(layout.current(app))


def discard(layout: Layout, app: str, live: str) -> None:
    """Delete a live folder that is not the current one."""
    folder = layout.live(app) / live
    if live and folder.exists() and live != current_live(layout, app):
        with disk("clean the live copies"):
            shutil.rmtree(folder)


def lives(layout: Layout, app: str) -> tuple[Path, ...]:
    """Every live folder of an app."""
    return tuple(sorted(layout.live(app).glob("*")))


def erase(layout: Layout, app: str) -> None:
    """Delete everything of an app that is not installed any more, but for what is remembered about it."""
    if not current_live(layout, app):
        with disk("remove the app's files"):
            shutil.rmtree(layout.app(app), ignore_errors=True)
