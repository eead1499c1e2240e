"""Releases and assets as a forge tells them."""

from __future__ import annotations

from enum import Enum

from attrs import frozen


class CommitSource(Enum):
    """How the commit of a build is known, strongest first."""

    BUILD_STAMP = "build_stamp"
    INDEX = "index"
    TAG = "tag"


@frozen(kw_only=True)
class Asset:
    """One file of a release. `uuid` changes with every upload; `size` is bytes; `created_at` is RFC 3339."""

    name: str
    uuid: str
    size: int
    created_at: str
    url: str
    external: bool = False


@frozen(kw_only=True)
class Release:
    """What a tag holds now. `repo` is `owner/name`; `commit` is the peeled commit that the tag leads to, in full."""

    forge: str
    repo: str
    id: str
    tag: str
    created_at: str
    commit: str
    commit_known_by: CommitSource
    assets: tuple[Asset, ...]

    def named(self, name: str) -> tuple[Asset, ...]:
        """Every asset of this name: a forge may hold several, and that is the planner's to refuse."""
        return tuple(a for a in self.assets if a.name == name)
