"""The sandbox's own world: a forge that has builds of every app, published as CI would."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from cockpitpm.declare.catalog import resolve
from cockpitpm.declare.data import bundles_folder
from cockpitpm.model.bundle import Bundle
from cockpitpm.model.catalog import Catalog
from cockpitpm.model.role import Role
from cockpitpm.sandbox import daemons
from cockpitpm.sandbox.daemons import Behaviour
from cockpitpm.sandbox.forge import ForgeServer, ForgeState, Published, Publisher
from cockpitpm.sandbox.packed import APP

OWNER = "lhumina_code"
CHANNEL = "latest-integration"


class World:
    """A forge on the loopback interface. A context manager: it serves while entered."""

    def __init__(self, bundles: Path | None = None) -> None:
        self.catalog: Catalog = resolve(bundles or bundles_folder(), Role.ADMIN)
        self.state = ForgeState()
        self._server = ForgeServer(self.state)

    @property
    def url(self) -> str:
        """The forge's address."""
        return self._server.url

    def __enter__(self) -> Self:
        self._server.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._server.__exit__(kind, error, tb)

    def bundle(self, app: str) -> Bundle:
        """The bundle of an app. Raises KeyError for one that there is not."""
        found = self.catalog.bundle(app)
        if found is None:
            raise KeyError(app)
        return found

    def publish(
        self,
        app: str,
        version: str,
        behaviour: Behaviour = Behaviour.WORKS,
        channel: str = CHANNEL,
        at: datetime | None = None,
    ) -> Published:
        """A commit, a build of it, and the channel's tag and files moved there. The tag is annotated."""
        bundle = self.bundle(app)
        full_name = f"{OWNER}/{bundle.repo.name}"
        commit = self.state.repo(full_name).commit(f"{app} {version}", at=at)
        built = daemons.assets(bundle, version, commit, behaviour)
        files = {b.asset_name(bundle.targets[0]): built[b.name] for b in bundle.binaries}
        return Publisher(self.state).publish(
            full_name, channel, files, commit=commit, message=f"{app} {version}", at=at
        )

    def publish_packed(self, packed: Path, version: str, channel: str = CHANNEL) -> Published:
        """The same with one file for all binaries of hero_cockpit: a packed cockpitpm."""
        bundle = self.bundle(APP)
        full_name = f"{OWNER}/{bundle.repo.name}"
        commit = self.state.repo(full_name).commit(f"{APP} {version}")
        files = {b.asset_name(bundle.targets[0]): packed for b in bundle.binaries}
        return Publisher(self.state).publish(full_name, channel, files, commit=commit, message=f"{APP} {version}")

    def publish_all(self, version: str = "1.0") -> None:
        """A first build of every app."""
        for bundle in self.catalog.bundles:
            self.publish(bundle.name, version)

    def downloads(self) -> list[str]:
        """The names of the files that were asked for, oldest first."""
        return [r.path.rpartition("/")[2] for r in list(self.state.requests) if "/releases/download/" in r.path]
