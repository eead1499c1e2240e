"""What is in place: the files of an app's live folders, and what stands at `bin/`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from stat import S_ISLNK, S_ISREG

from cockpitpm import beneath
from cockpitpm.model.facts import Entry, FileFact, InPlace
from cockpitpm.model.process import FileId, FileStamp
from cockpitpm.model.receipt import Receipt
from cockpitpm.model.state import Flip
from cockpitpm.record import generations
from cockpitpm.record.durable import disk
from cockpitpm.record.layout import Layout
from cockpitpm.record.store import hash_of, stamp_of

_OURS = "../var/cockpitpm/apps/"


def in_place(layout: Layout, app: str, live: str, hashes: Mapping[str, str], flips: tuple[Flip, ...]) -> InPlace:
    """What the services of an app should execute while `live` is its current folder.

    A file that stands in several live folders (bytes that did not change keep their inode) counts as current only.
    """
    copies = {name: layout.copy(app, live, name) for name in hashes} if live else {}
    with disk("look at"):
        files = {name: found for name, path in copies.items() if (found := _file(path))}
        others = (folder for folder in generations.lives(layout, app) if folder.name != live)
        paths = (folder / name for folder in others for name in beneath.names(folder))
        older = {found for path in paths if (found := _file(path))} - set(files.values())
    scripts = frozenset(n for n in files if _is_script(copies[n], layout.blob(hashes[n])))
    return InPlace(files=files, hashes=dict(hashes), scripts=scripts, older=frozenset(older), flips=flips)


def file_fact(layout: Layout, app: str, receipt: Receipt | None, binary: str, stamp: FileStamp | None) -> FileFact:
    """What stands at `bin/<binary>`. A file whose stamp is the recorded one is not hashed again."""
    entry, owner = entry_of(layout, app, binary)
    known = receipt.sha256 if receipt else None
    path = bytes_of(layout, app, binary)
    sha256, unread = _hash(path, stamp, known) if path else (None, "")
    return FileFact(binary=binary, entry=entry, owner=owner, sha256=sha256, unread=unread)


def bytes_of(layout: Layout, app: str, binary: str) -> Path | None:
    """Where the bytes are that stand at `bin/<binary>`: our own link leads to a live folder, and no other link is read.

    None where there are none: an absent entry, or our link of an app that is not installed.
    """
    entry, _ = entry_of(layout, app, binary)
    if entry is Entry.FOREIGN:
        return layout.binary(binary)
    live = generations.current_live(layout, app) if entry is Entry.OURS else ""
    return layout.copy(app, live, binary) if live else None


def entry_of(layout: Layout, app: str, binary: str) -> tuple[Entry, str]:
    """Whose entry stands at `bin/<binary>`, and the other app's name if it is another app's link."""
    path = layout.binary(binary)
    with disk("look at", path):
        found = beneath.seen(path)
        text = beneath.link_text(path) if found and S_ISLNK(found.st_mode) else ""
    if found is None:
        return Entry.ABSENT, ""
    if text == layout.link_text(app, binary):
        return Entry.OURS, ""
    other = text.removeprefix(_OURS).partition("/")[0] if text.startswith(_OURS) else ""
    return Entry.FOREIGN, other


def _hash(path: Path, stamp: FileStamp | None, known: str | None) -> tuple[str | None, str]:
    """The sha256, None where there are no bytes; and why they cannot be read. One bad file is no end of the look."""
    try:
        found = beneath.seen(path)
        if found is None:
            return None, ""
        if S_ISLNK(found.st_mode):
            return None, f"it is a symbolic link to {beneath.link_text(path)}"
        if known and stamp == stamp_of(found):
            return known, ""
        if not S_ISREG(found.st_mode):
            return None, ""
        with beneath.reading(path) as source:
            return hash_of(source), ""
    except OSError as error:
        return None, error.strerror or str(error)


def _file(path: Path) -> FileId | None:
    found = beneath.seen(path)
    return FileId(dev=found.st_dev, ino=found.st_ino) if found and S_ISREG(found.st_mode) else None


def _is_script(*paths: Path) -> bool:
    """Told by the first that can be read: a file in place, else the stored bytes that it was copied from."""
    for path in paths:
        try:
            with beneath.reading(path) as source:
                return source.read(4) != b"\x7fELF"
        except OSError:
            continue
    return False
