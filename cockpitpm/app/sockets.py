"""The sockets that this machine's apps declare."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from cockpitpm.app.host import Host
from cockpitpm.errors import StoreError
from cockpitpm.model.bundle import Bundle
from cockpitpm.record import generations


def declared_sockets(host: Host) -> tuple[str, ...]:
    """Paths below the socket root, sorted: of every app that the role sees, and of whatever else is installed."""
    bundles = (*host.catalog.bundles, *_installed(host))
    found = (socket.path for bundle in bundles for service in bundle.services for socket in service.sockets)
    return tuple(sorted({path for path in found if path is not None}))


def _installed(host: Host) -> Iterator[Bundle]:
    """The bundles as they were installed; they may have moved on since, or left the catalog."""
    layout = host.layout
    for app in generations.apps(layout):
        with suppress(StoreError):  # a damaged file is told by `status`
            number = generations.number_of(generations.current_live(layout, app))
            yield generations.read(layout, app, number).bundle
