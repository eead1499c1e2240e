"""What is in place: the files of an app's live folders, and what stands at `bin/`."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from stat import S_ISREG

from cockpitpm.model.facts import Entry, FileFact, InPlace
from cockpitpm.model.process import FileId, FileStamp
from cockpitpm.model.receipt import Receipt
from cockpitpm.model.state import Flip
from cockpitpm.record import generations
from cockpitpm.record.layout import Layout
from cockpitpm.record.store import stamp_of

_OURS = "../var/cockpitpm/apps/"
_NOTHING = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)


def in_place(layout: Layout, app: str, live: str, hashes: Mapping[str, str], flips: tuple[Flip, ...]) -> InPlace:
    """What the services of an app should execute while `live` is its current folder.

    A file that stands in several live folders (bytes that did not change keep their inode) counts as current only.
    """
    folder = layout.live(app) / live if live else None
    files = {name: found for name in hashes if folder and (found := _file(folder / name))}
    others = (path for other in generations.lives(layout, app) if other.name != live for path in other.glob("*"))
    older = {found for path in others if (found := _file(path))} - set(files.values())
    scripts = frozenset(n for n in files if folder and _is_script(folder / n, layout.blob(hashes[n])))
    return InPlace(files=files, hashes=dict(hashes), scripts=scripts, older=frozenset(older), flips=flips)


def file_fact(layout: Layout, app: str, receipt: Receipt | None, binary: str, stamp: FileStamp | None) -> FileFact:
    """What stands at `bin/<binary>`. A file whose stamp is the recorded one is not hashed again."""
    path = layout.binary(binary)
    entry, owner = entry_of(layout, app, binary)
    known = receipt.sha256 if receipt else None
    sha256, unread = _hash(path, stamp, known)
    return FileFact(binary=binary, entry=entry, owner=owner, sha256=sha256, unread=unread)


def entry_of(layout: Layout, app: str, binary: str) -> tuple[Entry, str]:
    """Whose entry stands at `bin/<binary>`, and the other app's name if it is another app's link."""
    try:
        text = str(layout.binary(binary).readlink())
    except FileNotFoundError:
        return Entry.ABSENT, ""
    except OSError:
        return Entry.FOREIGN, ""
    if text == layout.link_text(app, binary):
        return Entry.OURS, ""
    other = text.removeprefix(_OURS).partition("/")[0] if text.startswith(_OURS) else ""
    return Entry.FOREIGN, other


def _hash(path: Path, stamp: FileStamp | None, known: str | None) -> tuple[str | None, str]:
    """The sha256, None where there are no bytes; and why they cannot be read. One bad file is no end of the look."""
    try:
        found = path.stat()
        if known and stamp == stamp_of(found):
            return known, ""
        if not S_ISREG(found.st_mode):
            return None, ""
        with path.open("rb") as source:
            return hashlib.file_digest(source, "sha256").hexdigest(), ""
    except OSError as error:
        return None, "" if error.errno in _NOTHING else os.strerror(error.errno or 0)


def _file(path: Path) -> FileId | None:
    try:
        stat = path.stat()
    except OSError:
        return None
    return FileId(dev=stat.st_dev, ino=stat.st_ino)


def _is_script(*paths: Path) -> bool:
    """Told by the first that can be read: a file in place, else the stored bytes that it was copied from."""
    for path in paths:
        try:
            with path.open("rb") as source:
                return source.read(4) != b"\x7fELF"
        except OSError:
            continue
    return False
