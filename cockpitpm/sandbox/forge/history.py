"""Commits, tags and who is whose ancestor: as much of git as the forge's answers show."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime

from attrs import frozen


@frozen(kw_only=True)
class Commit:
    """A commit with two dates: who wrote it when, and when it was put here (a rebase changes only the second)."""

    sha: str
    message: str
    parents: tuple[str, ...]
    authored: datetime
    committed: datetime


@frozen(kw_only=True)
class Tag:
    """A name for a commit. `sha` is the tag object of an annotated tag, and the commit of a lightweight one."""

    name: str
    sha: str
    commit: str
    message: str = ""
    tagged: datetime | None = None

    @property
    def annotated(self) -> bool:
        """Whether there is a tag object."""
        return self.tagged is not None


def new_commit(message: str, parents: tuple[str, ...], authored: datetime, committed: datetime) -> Commit:
    """A commit whose id follows from what is in it."""
    sha = object_id("commit", message, *parents, authored.isoformat(), committed.isoformat())
    return Commit(sha=sha, message=message, parents=parents, authored=authored, committed=committed)


def new_tag(name: str, commit: str, message: str, tagged: datetime | None) -> Tag:
    """An annotated tag if it has a date, else a lightweight one."""
    sha = object_id("tag", name, commit, message, tagged.isoformat()) if tagged else commit
    return Tag(name=name, sha=sha, commit=commit, message=message, tagged=tagged)


def object_id(*parts: str) -> str:
    """40 hex digits that follow from the parts."""
    return hashlib.sha1("\0".join(parts).encode(), usedforsecurity=False).hexdigest()


def reachable(commits: Mapping[str, Commit], start: str) -> set[str]:
    """The commit and all its ancestors."""
    found: set[str] = set()
    waiting = [start]
    while waiting:
        sha = waiting.pop()
        if sha not in found:
            found.add(sha)
            waiting.extend(commits[sha].parents)
    return found
