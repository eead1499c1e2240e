"""A sandbox forge that serves, and the adapter that talks to it, that does not pause for long."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest
from attrs import Factory, define

from cockpitpm.forges.forgejo import ForgejoForge
from cockpitpm.forges.patience import Patience
from cockpitpm.model.bundle import Repo
from cockpitpm.model.release import Asset, Release
from cockpitpm.model.settings import ForgeSettings
from cockpitpm.sandbox.forge import ForgeServer, ForgeState, Publisher, Repository
from cockpitpm.sandbox.forge.release import ReleaseRow

REPO = Repo(name="beta", owner="alpha")
# Short pauses, but long limits: a loaded machine must not look like a slow forge. A test of a limit sets its own.
QUICK = Patience(connect=5, silence=10, answer_within=20, fetch_within=20, pause=0.001)


@define
class World:
    """One forge with one release `latest` of `alpha/beta`, and ways to ask it."""

    state: ForgeState
    server: ForgeServer
    warnings: list[str] = Factory(list)

    def forge(
        self, token: str | None = None, patience: Patience = QUICK, url: str = "", storage: tuple[str, ...] = ()
    ) -> ForgejoForge:
        settings = ForgeSettings(kind="forgejo", url=url or self.server.url, storage=storage)
        return ForgejoForge("default", settings, token, warn=self.warnings.append, patience=patience)

    @property
    def place(self) -> str:
        """Host and port, as the settings of another forge would name them."""
        return urlsplit(self.server.url).netloc

    def publish(self, **assets: bytes) -> str:
        return Publisher(self.state).publish("alpha/beta", "latest", assets or {"one": b"1"}).commit

    def release(self, forge: ForgejoForge | None = None, seen: Release | None = None) -> Release:
        return (forge or self.forge()).release(REPO, "latest", seen)

    @property
    def repo(self) -> Repository:
        return self.state.repo("alpha/beta")

    @property
    def row(self) -> ReleaseRow:
        row = self.repo.row("latest")
        assert row is not None
        return row

    def asset(self) -> Asset:
        found = self.release().assets[0]
        self.state.requests.clear()
        return found

    def fetch(self, asset: Asset, forge: ForgejoForge | None = None) -> bytes:
        pieces: list[bytes] = []
        (forge or self.forge()).fetch(asset, lambda piece: pieces.append(bytes(piece)))
        return b"".join(pieces)


@pytest.fixture
def world() -> Iterator[World]:
    state = ForgeState()
    with ForgeServer(state) as server:
        yield World(state, server)
    assert not state.mishaps


@pytest.fixture
def another() -> Iterator[Callable[[], World]]:
    """A second forge on another port, which is another origin."""
    state = ForgeState()
    with ForgeServer(state) as server:
        yield lambda: World(state, server)
