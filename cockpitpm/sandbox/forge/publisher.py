"""Publishes as a CI job does: commit, move the tag, edit the release, replace the files one by one.

Nothing of it is atomic, and that is the point: `steps` stops wherever a test wants to look.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from enum import Enum
from pathlib import Path

from attrs import frozen

from cockpitpm.sandbox.forge.content import content_of
from cockpitpm.sandbox.forge.release import ReleaseRow
from cockpitpm.sandbox.forge.repository import Repository
from cockpitpm.sandbox.forge.state import ForgeState

Assets = Mapping[str, bytes | Path]


class Order(Enum):
    """How a file is replaced: delete it and upload the new one, or the other way round (then names are double)."""

    DELETE_FIRST = "delete_first"
    UPLOAD_FIRST = "upload_first"


@frozen(kw_only=True)
class Published:
    """What was published: the commit, and the uuid of each upload by name."""

    commit: str
    release_id: int
    uuids: Mapping[str, str]


@frozen
class Publisher:
    """Publishes into a forge's state. Assets are bytes, or paths of files that stay where they are."""

    state: ForgeState

    def publish(
        self,
        repo: str,
        tag: str,
        assets: Assets,
        *,
        commit: str | None = None,
        annotated: bool = True,
        message: str = "",
        at: datetime | None = None,
        order: Order = Order.DELETE_FIRST,
        retire: bool = False,
    ) -> Published:
        """Publish it all and return what came of it. `retire` deletes files of other names, which CI seldom does."""
        steps = self.steps(
            repo, tag, assets, commit=commit, annotated=annotated, message=message, at=at, order=order, retire=retire
        )
        for _step in steps:
            pass
        with self.state.lock:
            found = self.state.repo(repo)
            row = _row(found, tag)
            uuids = {a.name: a.uuid for a in row.attachments}
            return Published(commit=found.tags[tag].commit, release_id=row.id, uuids=uuids)

    def steps(
        self,
        repo: str,
        tag: str,
        assets: Assets,
        *,
        commit: str | None = None,
        annotated: bool = True,
        message: str = "",
        at: datetime | None = None,
        order: Order = Order.DELETE_FIRST,
        retire: bool = False,
    ) -> Iterator[str]:
        """The same, one step at a time; each is named after it was done: `tag`, `release`, `delete x`, `upload x`."""
        found = self.state.repo(repo)
        with self.state.lock:
            target = commit or found.commit(message or f"{tag} of {repo}", at=at)
            found.push_tag(tag, target, annotated=annotated, message=message, at=at)
        yield "tag"
        with self.state.lock:
            row = self._release(found, tag)
        yield "release"
        for name, source in assets.items():
            yield from self._replace(found, row, name, source, order)
        for stale in [a for a in row.attachments if retire and a.name not in assets]:
            yield from self._delete(row, [stale.uuid], stale.name)

    def _release(self, repo: Repository, tag: str) -> ReleaseRow:
        """The release of the tag. What its author wrote as target stays `main`, whatever the tag leads to."""
        row = repo.row(tag)
        if row is None or row.bare:
            return repo.create_release(tag, target="main", title=tag)
        row.title, row.draft = tag, False
        return row

    def _replace(
        self, repo: Repository, row: ReleaseRow, name: str, source: bytes | Path, order: Order
    ) -> Iterator[str]:
        old = [a.uuid for a in row.named(name)]
        if order is Order.DELETE_FIRST:
            yield from self._delete(row, old, name)
        with self.state.lock:
            repo.upload(row, name, content_of(source))
        yield f"upload {name}"
        if order is Order.UPLOAD_FIRST:
            yield from self._delete(row, old, name)

    def _delete(self, row: ReleaseRow, uuids: list[str], name: str) -> Iterator[str]:
        if uuids:
            with self.state.lock:
                row.attachments[:] = [a for a in row.attachments if a.uuid not in uuids]
            yield f"delete {name}"


def _row(repo: Repository, tag: str) -> ReleaseRow:
    row = repo.row(tag)
    if row is None:
        raise KeyError(tag)
    return row
