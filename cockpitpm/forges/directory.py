"""A folder as a forge: a mirror, an offline medium, a publisher without a server.

    <url>/<owner>/<repo>/<tag>/<asset>          the files; the `/` of a tag is written `%2F`
    <url>/<owner>/<repo>/<tag>/release.json     written last, and removed first when a release is replaced

`release.json` is one object:

    {"tag": "latest", "commit": "<full id>", "created_at": "<RFC 3339>", "draft": false,
     "committed_at": "<RFC 3339>", "ancestors": ["<full id>", ...],
     "assets": [{"name": "...", "size": 123, "sha256": "<64 hex>", "uuid": "...", "created_at": "<RFC 3339>"}]}

`tag`, `commit`, `created_at` and the assets' `name` are required. A `size` that is not the file's, or a missing file,
means that a copy is going on. With a `sha256` the bytes are checked against it while they are read. A `uuid`, in lower
case, needs a `sha256` beside it; without one the identity of an asset is made from the digest, or from the file's size
and time.
`committed_at` is the committer's date of the commit. `ancestors` are commits that `commit` contains, as many as the
publisher likes: only to come from one of them, or from the commit itself, is known to be no step back.
Below `url` no symbolic link is followed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Final
from urllib.parse import quote, unquote, urlsplit

from cockpitpm.errors import AssetBroken, ForgeError, ForgeUnreachable, MachineError, ReleaseNotFound, ReleaseNotReady
from cockpitpm.forges import folder, words
from cockpitpm.forges.access import Warn
from cockpitpm.forges.manifest import Shelf
from cockpitpm.model.bundle import Repo
from cockpitpm.model.release import Ancestry, Asset, Release
from cockpitpm.model.settings import ForgeSettings
from cockpitpm.ports import Sink

_PIECE: Final = 1024 * 1024


class DirectoryForge:
    """One folder of releases. It needs no token. Safe for several threads."""

    def __init__(self, name: str, settings: ForgeSettings, token: str | None = None, *, warn: Warn) -> None:
        self._name = name
        self._owner = settings.owner
        self._root = _root(name, settings.url)

    def release(self, repo: Repo, tag: str, seen: Release | None = None) -> Release:
        """What the tag's folder holds now; see `cockpitpm.ports.Forge`."""
        full = words.full_name(repo, self._owner)
        parts = (*full.split("/"), quote(words.tag_name(tag), safe=""))
        try:
            with self._open(parts, f"{full} at {tag}") as shelf:
                found = shelf.release(self._name, full, tag)
        except ReleaseNotFound as error:
            if seen is None or (seen.forge, seen.repo, seen.tag) != (self._name, full, tag):
                raise
            raise ReleaseNotReady(
                f"{error.message}; there was one", "It is being replaced or was withdrawn: try again later"
            ) from None
        return seen if found == seen else found

    def ancestry(self, repo: Repo, old: str, new: str) -> Ancestry:
        """Whether a release of `new` lists `old` among its ancestors; see `cockpitpm.ports.Forge`."""
        full = words.full_name(repo, self._owner)
        if not (words.commit_id(old) and words.commit_id(new)):
            return Ancestry.UNKNOWN
        if old == new:
            return Ancestry.SAME
        parts = tuple(full.split("/"))
        try:
            with self._open(parts, full) as shelf:
                tags = shelf.names()
        except ReleaseNotFound:
            return Ancestry.UNKNOWN
        lists = [found for tag in tags if (found := self._ancestors((*parts, tag), new)) is not None]
        if any(old in found for found in lists):
            return Ancestry.UPGRADE
        return Ancestry.UNTOLD if lists and not any(lists) else Ancestry.UNKNOWN

    def fetch(self, asset: Asset, sink: Sink) -> None:
        """Give the bytes to `sink`; see `cockpitpm.ports.Forge`."""
        with self._open(self._placed(asset), asset.name) as shelf:
            wanted = shelf.same(asset).sha256
            digest = hashlib.sha256()
            with shelf.file(asset.name) as file:
                for piece in _pieces(file, asset.size, shelf.who):
                    if wanted:
                        digest.update(piece)
                    sink(piece)
        if wanted and digest.hexdigest() != wanted:
            raise AssetBroken(f"{shelf.who}: its bytes have not the announced SHA-256", "Copy the release again")

    def _ancestors(self, parts: tuple[str, ...], commit: str) -> tuple[str, ...] | None:
        """What the folder's release lists; None if it is not one of this commit, or unusable."""
        with suppress(ForgeError), self._open(parts, parts[-1]) as shelf:
            found = shelf.manifest()
            if found.commit("commit") == commit:
                return tuple(found.commits("ancestors"))
        return None

    def _placed(self, asset: Asset) -> tuple[str, ...]:
        """The parts of the folder that the address leads to, if that is a release's folder of this forge."""
        prefix = f"{self._root.as_uri()}/"
        parts = asset.url.removeprefix(prefix).split("/")
        if not asset.url.startswith(prefix) or len(parts) != 4 or unquote(parts[-1]) != asset.name:
            shown = words.plain(asset.url)
            raise ForgeError(f"forge {self._name} ({self._root}): {shown} is not in this folder", "Plan anew")
        # Decoded once, as every part of a file URL: the tag's folder keeps the % of its own name.
        return tuple(unquote(part) for part in parts[:-1])

    @contextmanager
    def _open(self, parts: tuple[str, ...], what: str) -> Iterator[Shelf]:
        who = f"forge {self._name} ({self._root}): {what}"
        with ExitStack() as stack:
            try:
                held = stack.enter_context(folder.descend(self._root, parts))
            except FileNotFoundError:
                if self._root.is_dir():
                    raise ReleaseNotFound(f"{who}: no folder {'/'.join(parts)}", "Copy the release there") from None
                raise ForgeUnreachable(f"{who}: there is no such folder", "Is it mounted?") from None
            except OSError as error:
                reason = error.strerror or str(error)
                raise ForgeUnreachable(f"{who}: {reason}", "Every part must be a folder, not a link") from None
            yield Shelf(held, self._root.joinpath(*parts), who)


def _root(name: str, url: str) -> Path:
    """The folder of a plain path or a `file://` URL. Raises MachineError."""
    parts = urlsplit(url)
    path = Path(unquote(parts.path) if parts.scheme == "file" else url)
    if parts.netloc not in {"", "localhost"} or not path.is_absolute() or "\0" in str(path):
        raise MachineError(f"forge {name}: {words.plain(url)} is not the full path of a folder", "Correct its url")
    return path


def _pieces(file: BinaryIO, size: int, who: str) -> Iterator[bytes]:
    """The bytes of the file, `size` of them. Raises AssetBroken if it is shorter or longer."""
    left = size
    while True:
        try:
            piece = file.read(min(_PIECE, left + 1))
        except OSError as error:
            raise ForgeUnreachable(f"{who}: {error.strerror or error}", "Is the disk healthy?") from error
        left -= len(piece)
        if left < 0 or (not piece and left):
            raise AssetBroken(f"{who}: not the announced {size} bytes", "It is being written: try again later")
        if not piece:
            return
        yield piece
