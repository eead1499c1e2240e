"""A forge in memory: publish, and count what was asked."""

from __future__ import annotations

import hashlib
from itertools import count

from attrs import evolve

from cockpitpm.errors import AssetBroken, ForgeError, ReleaseNotFound
from cockpitpm.model.bundle import Repo
from cockpitpm.model.release import Asset, CommitSource, Release
from cockpitpm.ports import Sink


class ForgeSim:
    """`requests` has a line for each question. `broken` maps an asset name to an error, or `cut`."""

    def __init__(self) -> None:
        self.releases: dict[tuple[str, str], Release] = {}
        self.bytes: dict[str, bytes] = {}
        self.requests: list[str] = []
        self.down: ForgeError | None = None
        self.broken: set[str] = set()
        self._numbers = count(1)

    def publish(
        self, repo: str, tag: str, assets: dict[str, bytes], created_at: str = "2026-06-12T08:00:00Z"
    ) -> Release:
        """Replace the release of a tag; every upload gets a uuid of its own."""
        made = tuple(self._asset(name, data, created_at) for name, data in assets.items())
        commit = hashlib.sha1(repr(sorted(assets.items())).encode(), usedforsecurity=False).hexdigest()
        release = Release(
            forge="default",
            repo=f"owner/{repo}",
            id=str(next(self._numbers)),
            tag=tag,
            created_at=created_at,
            commit=commit,
            commit_known_by=CommitSource.TAG,
            assets=made,
        )
        self.releases[repo, tag] = release
        return release

    def _asset(self, name: str, data: bytes, created_at: str) -> Asset:
        uuid = f"00000000-0000-4000-8000-{next(self._numbers):012d}"
        self.bytes[uuid] = data
        return Asset(name=name, uuid=uuid, size=len(data), created_at=created_at, url=f"sim://{uuid}")

    def change(self, repo: str, tag: str, *assets: Asset) -> None:
        """Give a release other assets."""
        self.releases[repo, tag] = evolve(self.releases[repo, tag], assets=assets)

    def release(self, repo: Repo, tag: str) -> Release:
        self.requests.append(f"release {repo.name} {tag}")
        if self.down:
            raise self.down
        found = self.releases.get((repo.name, tag))
        if found is None:
            raise ReleaseNotFound(f"There is no release {tag} of {repo.name}", "Publish one")
        return found

    def fetch(self, asset: Asset, sink: Sink) -> None:
        self.requests.append(f"fetch {asset.name}")
        if self.down:
            raise self.down
        data = self.bytes[asset.uuid]
        if asset.name in self.broken:
            sink(data[: len(data) // 2])
            raise AssetBroken(f"The download of {asset.name} ended early", "Run the command again")
        sink(data)
