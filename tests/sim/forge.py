"""A forge in memory: publish, and count what was asked."""

from __future__ import annotations

import hashlib
from itertools import count

from attrs import evolve

from cockpitpm.errors import AssetBroken, ForgeError, ReleaseNotFound, ReleaseNotReady
from cockpitpm.forges.words import full_name, tag_name
from cockpitpm.model.bundle import Repo
from cockpitpm.model.release import Ancestry, Asset, CommitSource, Release
from cockpitpm.ports import Sink

PIECE = 1024 * 1024


class ForgeSim:
    """`requests` has a line for each question. `broken` are the names of assets whose download ends early.

    `drafts` are releases that are not published yet. `lineage` says how one commit stands to another where the order
    of publishing does not: there, a later commit has everything that an earlier one of its repository had.
    """

    def __init__(self, owner: str = "owner") -> None:
        self.owner = owner
        self.releases: dict[tuple[str, str], Release] = {}
        self.bytes: dict[str, bytes] = {}
        self.requests: list[str] = []
        self.down: ForgeError | None = None
        self.broken: set[str] = set()
        self.drafts: set[tuple[str, str]] = set()
        self.commits: dict[str, list[str]] = {}
        self.lineage: dict[tuple[str, str], Ancestry] = {}
        self._numbers = count(1)

    def publish(
        self,
        repo: str,
        tag: str,
        assets: dict[str, bytes],
        created_at: str = "2026-06-12T08:00:00Z",
        committed_at: str = "",
    ) -> Release:
        """Replace the release of a tag; every upload gets a uuid of its own. Equal assets come from one commit."""
        made = tuple(self.upload(name, data, created_at) for name, data in assets.items())
        commit = hashlib.sha1(repr(sorted(assets.items())).encode(), usedforsecurity=False).hexdigest()
        release = Release(
            forge="default",
            repo=f"{self.owner}/{repo}",
            id=str(next(self._numbers)),
            tag=tag,
            created_at=created_at,
            commit=commit,
            commit_known_by=CommitSource.TAG,
            assets=made,
            committed_at=committed_at or created_at,
        )
        if commit not in self.commits.setdefault(repo, []):
            self.commits[repo].append(commit)
        self.releases[repo, tag] = release
        return release

    def upload(self, name: str, data: bytes, created_at: str = "2026-06-12T08:00:00Z") -> Asset:
        """Keep these bytes under a uuid of their own."""
        uuid = f"00000000-0000-4000-8000-{next(self._numbers):012d}"
        self.bytes[uuid] = data
        return Asset(name=name, uuid=uuid, size=len(data), created_at=created_at, url=f"sim://{uuid}")

    def change(self, repo: str, tag: str, *assets: Asset) -> None:
        """Give a release other assets."""
        self.releases[repo, tag] = evolve(self.releases[repo, tag], assets=assets)

    def release(self, repo: Repo, tag: str, seen: Release | None = None) -> Release:
        self.requests.append(f"release {repo.name} {tag}")
        if self.down:
            raise self.down
        full, tag = full_name(repo, self.owner), tag_name(tag)
        found = self.releases.get((repo.name, tag)) if full == f"{self.owner}/{repo.name}" else None
        known = seen is not None and (seen.repo, seen.tag) == (full, tag)
        if found is None and not known:
            raise ReleaseNotFound(f"There is no release {tag} of {full}", "Publish one")
        if found is None or (repo.name, tag) in self.drafts or not found.assets:
            state = "gone" if found is None else "a draft" if found.assets else "there, but holds no asset"
            raise ReleaseNotReady(f"The release {tag} of {repo.name} is {state}", "Wait for its publisher")
        return seen if seen is not None and _shown(seen) == _shown(found) else found

    def ancestry(self, repo: Repo, old: str, new: str) -> Ancestry:
        self.requests.append(f"ancestry {repo.name} {old[:7]} {new[:7]}")
        if self.down:
            raise self.down
        known = self.commits.get(repo.name, [])
        if not (_full(old) and _full(new)):
            return Ancestry.UNKNOWN
        if old == new:
            return Ancestry.SAME
        if (old, new) in self.lineage or old not in known or new not in known:
            return self.lineage.get((old, new), Ancestry.UNKNOWN)
        return Ancestry.UPGRADE if known.index(old) < known.index(new) else Ancestry.DOWNGRADE

    def fetch(self, asset: Asset, sink: Sink) -> None:
        self.requests.append(f"fetch {asset.name}")
        if self.down:
            raise self.down
        if not any((a.uuid, a.name) == (asset.uuid, asset.name) for r in self.releases.values() for a in r.assets):
            raise AssetBroken(f"{asset.name} is not there any more", "Run the command again")
        data = self.bytes[asset.uuid]
        given = data[: len(data) // 2 if asset.name in self.broken else asset.size]
        for at in range(0, len(given), PIECE):
            sink(given[at : at + PIECE])
        if not len(given) == len(data) == asset.size:
            raise AssetBroken(
                f"The download of {asset.name} has another length than announced", "Run the command again"
            )


def _shown(release: Release) -> tuple[object, ...]:
    """What one look at a release shows: everything but its commit."""
    return release.forge, release.repo, release.id, release.tag, release.created_at, frozenset(release.assets)


def _full(commit: str) -> bool:
    return len(commit) in {40, 64} and not set(commit) - set("0123456789abcdef")
