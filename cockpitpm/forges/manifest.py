"""`release.json` of a release that is a folder, and the files that it names; the format is told in `directory`.

Works on the descriptor of the open folder, so that everything that is read belongs to the same folder.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, Final
from urllib.parse import quote
from uuid import NAMESPACE_URL, uuid5

from attrs import frozen

from cockpitpm.errors import AssetBroken, ForgeError, ForgeUnreachable, ReleaseNotReady
from cockpitpm.forges import fields, folder
from cockpitpm.model.release import Asset, CommitSource, Release

MANIFEST: Final = "release.json"
_MAX_BODY: Final = 4 * 1024 * 1024


@frozen
class Shelf:
    """The open folder of one release. `held` is its descriptor, `place` its path, `who` names it in errors."""

    held: int
    place: Path
    who: str

    def manifest(self) -> fields.Fields:
        """`release.json`. Raises ReleaseNotReady if it is not there, ForgeError if it cannot be used."""
        with self.file(MANIFEST) as file:
            body = file.read(_MAX_BODY + 1)
        if len(body) > _MAX_BODY:
            raise ForgeError(f"{self.who}: {MANIFEST} is over 4 MiB", "Write a smaller one")
        return fields.read(body, f"{self.who}: {MANIFEST}")

    def release(self, forge: str, full: str, tag: str) -> Release:
        """The release, all of it from one `release.json`. Raises ReleaseNotReady while it is being written."""
        mark = self._mark()
        found = self.manifest()
        if found.text("tag") != tag:
            found.wrong("tag", f"is not {tag}")
        assets = tuple(self.asset(item) for item in found.items("assets"))
        if found.flag("draft") or not assets:
            raise self._early("is still a draft" if found.flag("draft") else "holds no asset yet")
        found.commits("ancestors")
        if self._mark() != mark:
            raise self._early("is being published")
        return Release(
            forge=forge,
            repo=full,
            id=f"{full}/{quote(tag, safe='')}",
            tag=tag,
            created_at=found.moment("created_at"),
            commit=found.commit("commit"),
            commit_known_by=CommitSource.TAG,
            assets=assets,
            committed_at=found.moment("committed_at") if found.optional("committed_at") else "",
        )

    def names(self) -> list[str]:
        """What is in the folder. Raises ForgeUnreachable."""
        try:
            with os.scandir(self.held) as entries:
                return sorted(entry.name for entry in entries)
        except OSError as error:
            raise ForgeUnreachable(f"{self.who}: {error.strerror or error}", "Is the disk healthy?") from None

    def asset(self, item: fields.Fields) -> Asset:
        """The file of one entry. Raises ReleaseNotReady if the file is not there or has another size."""
        name = item.name("name")
        with self.file(name) as file:
            state = os.fstat(file.fileno())
        if item.optional_number("size") not in {None, state.st_size}:
            raise ReleaseNotReady(f"{self.who}: {name} has not the size that {MANIFEST} says", "Still being copied?")
        return Asset(
            name=name,
            uuid=_identity(item, name, state),
            size=state.st_size,
            created_at=item.moment("created_at") if item.optional("created_at") else _written(state),
            url=f"{self.place.as_uri()}/{quote(name)}",
            sha256=item.sha256(),
        )

    def _early(self, state: str) -> ReleaseNotReady:
        return ReleaseNotReady(f"{self.who}: the release {state}", "Try again when it is published")

    def _mark(self) -> tuple[int, int, int]:
        """Changes whenever `release.json` is written anew. Raises ReleaseNotReady if it is not there."""
        with self.file(MANIFEST) as file:
            state = os.fstat(file.fileno())
        return state.st_ino, state.st_mtime_ns, state.st_size

    def same(self, asset: Asset) -> Asset:
        """What the folder says about an asset now. Raises AssetBroken unless it still is the one that was planned."""
        for item in self.manifest().items("assets"):
            if item.name("name") == asset.name and (found := self.asset(item)).uuid == asset.uuid:
                return found
        raise AssetBroken(
            f"{self.who}: it was replaced since the release was read",
            "Run the command again: it reads the release anew",
        )

    @contextmanager
    def file(self, name: str) -> Iterator[BinaryIO]:
        """A file of the folder, open. What happens while it is used is the caller's."""
        with ExitStack() as stack:
            try:
                file = stack.enter_context(folder.opened(self.held, name))
            except FileNotFoundError:
                raise ReleaseNotReady(f"{self.who}: there is no {name}", "Is the release still being copied?") from None
            except OSError as error:
                reason = error.strerror or str(error)
                raise ForgeUnreachable(f"{self.who}: {name}: {reason}", "It must be a regular file") from None
            yield file


def _identity(item: fields.Fields, name: str, state: os.stat_result) -> str:
    """Changes whenever the content does. A told one is only believed where a digest holds the bytes to it."""
    digest = item.sha256()
    told = item.uuid("uuid") if item.optional("uuid") else None
    if told and digest:
        return told
    if told:
        item.wrong("uuid", "needs a sha256 beside it")
    content = digest or f"{state.st_size} {state.st_mtime_ns} {state.st_ino}"
    return str(uuid5(NAMESPACE_URL, f"{name}\n{content}"))


def _written(state: os.stat_result) -> str:
    return datetime.fromtimestamp(int(state.st_mtime), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
