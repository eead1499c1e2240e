"""Releases and assets as a forge tells them."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Final

from attrs import frozen

INDEX: Final = "cockpitpm-index.json"
"""The asset that lists the others."""


class CommitSource(Enum):
    """How the commit of a build is known, strongest first. MANUAL: it is not; the bytes were put there by hand."""

    BUILD_STAMP = "build_stamp"
    INDEX = "index"
    TAG = "tag"
    MANUAL = "manual"


class Ancestry(Enum):
    """How the commit that is installed stands to the one that is published.

    UPGRADE: the published one has everything and more. DOWNGRADE: the other way round. DIVERGED: each has something
    the other lacks, or they share nothing. UNKNOWN: the forge never saw one of them, or cannot tell. UNTOLD: the source
    keeps no history at all, so that nothing can be held against it.
    """

    SAME = "same"
    UPGRADE = "upgrade"
    DOWNGRADE = "downgrade"
    DIVERGED = "diverged"
    UNKNOWN = "unknown"
    UNTOLD = "untold"


@frozen(kw_only=True)
class Asset:
    """One file of a release. `uuid` changes with every upload; `size` is bytes; `created_at` is RFC 3339.

    `sha256` is the digest that the forge itself tells, lower-case hex; empty where it tells none.
    """

    name: str
    uuid: str
    size: int
    created_at: str
    url: str
    external: bool = False
    sha256: str = ""


@frozen(kw_only=True)
class Indexed:
    """What a build index says of one asset: the sha256, lower-case hex, and the size in bytes."""

    sha256: str
    size: int


@frozen(kw_only=True)
class BuildIndex:
    """What the publisher says of a whole build, uploaded last: its `commit` in full and its assets by name.

    `unchanged_since` is the commit that the files were really built from, where `commit` changed nothing that matters
    to them; otherwise empty. `built_at` is RFC 3339.
    """

    commit: str
    built_at: str
    assets: Mapping[str, Indexed]
    unchanged_since: str = ""


@frozen(kw_only=True)
class Release:
    """What a tag holds now. `repo` is `owner/name`; `commit` is the peeled commit that the tag leads to, in full.

    `committed_at` is the committer's date of that commit, RFC 3339; empty where the forge does not tell it. `index` is
    what the build index among the assets says, if there is one.
    """

    forge: str
    repo: str
    id: str
    tag: str
    created_at: str
    commit: str
    commit_known_by: CommitSource
    assets: tuple[Asset, ...]
    committed_at: str = ""
    index: BuildIndex | None = None

    @property
    def built_from(self) -> str:
        """The commit that the files were made from, as far as anybody says: the index, else the tag."""
        return (self.index.unchanged_since or self.index.commit) if self.index else self.commit

    @property
    def known_by(self) -> CommitSource:
        """Who says so."""
        return CommitSource.INDEX if self.index else self.commit_known_by

    def named(self, name: str) -> tuple[Asset, ...]:
        """Every asset of this name: a forge may hold several, and that is the planner's to refuse."""
        return tuple(a for a in self.assets if a.name == name)
