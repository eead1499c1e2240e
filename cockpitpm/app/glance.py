"""One look at the whole machine: its processes and its supervisor's list are read once, however many apps there are."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, cast

from attrs import evolve, frozen

from cockpitpm.app.host import Host
from cockpitpm.declare.source import LAYERS, sources
from cockpitpm.model.catalog import Catalog
from cockpitpm.model.role import Role
from cockpitpm.model.service import ServiceStatus
from cockpitpm.ports import Supervisor
from cockpitpm.processes import LinuxProcesses, Stat

Stamp = tuple[int, int, int, int] | None


class Standstill(LinuxProcesses):
    """The processes of the first question; read again only for one that began since."""

    _seen: tuple[Stat, ...] = ()
    _bound: dict[str, tuple[str, ...]] | None = None

    def _stats(self) -> Iterator[Stat]:
        if not self._seen:
            self._seen = tuple(super()._stats())
        return iter(self._seen)

    def _listening(self) -> dict[str, tuple[str, ...]]:
        if self._bound is None:
            self._bound = super()._listening()
        return self._bound

    def tree(self, pid: int) -> Any:
        """As the kernel's own."""
        if pid not in {stat.pid for stat in self._seen}:
            self._seen = ()
        return super().tree(pid)


class ListedOnce:
    """A supervisor that is asked for its list once. Everything else it is asked itself."""

    def __init__(self, real: Supervisor) -> None:
        self._real = real

    @cached_property
    def _listed(self) -> tuple[ServiceStatus, ...]:
        return self._real.list()

    def list(self) -> tuple[ServiceStatus, ...]:
        """Every service that it knows."""
        return self._listed

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


def glance(host: Host) -> Host:
    """The same machine, for one look at all of it."""
    supervisor = cast(Supervisor, ListedOnce(host.supervisor))
    return Host(
        host.invocation, evolve(host.ports, supervisor=supervisor, processes=host.ports.processes or Standstill())
    )


@frozen
class Bundles:
    """The bundles of a role as files: where each is, and what tells that it was written again."""

    folder: Path
    role: Role
    stamps: tuple[tuple[str, Stamp], ...]


def bundles_of(host: Host) -> Bundles:
    """As they are now. For a tester nothing of the admin layer is even listed. Raises what `host.catalog` raises."""
    found = sources(host.bundles_folder, LAYERS[host.role.role])
    return Bundles(host.bundles_folder, host.role.role, tuple((str(one.path), _stamp(one.path)) for one in found))


def _stamp(path: Path) -> Stamp:
    try:
        found = os.lstat(path)
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


class CatalogKept:
    """The last catalog, good until a file of it changes: reading one costs more than the rest of a look."""

    def __init__(self) -> None:
        self._kept: tuple[Bundles, Catalog] | None = None

    def of(self, host: Host) -> Catalog:
        """The catalog of the machine as it is now. Raises what `host.catalog` raises."""
        # Read before the bundles: one that is written in the middle makes it old at once.
        now = bundles_of(host)
        if self._kept is None or self._kept[0] != now:
            self._kept = now, host.catalog
        return self._kept[1]
