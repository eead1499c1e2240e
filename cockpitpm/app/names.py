"""From what a person calls a thing to the app it belongs to."""

from __future__ import annotations

from collections.abc import Iterable

from cockpitpm.app.host import Host
from cockpitpm.decide.order import unknown_name
from cockpitpm.model.bundle import Bundle


def app_of(host: Host, name: str) -> str:
    """The app that an app, binary or service name belongs to: today's catalog first, then what is installed.

    Raises PlanError with close matches; names of bundles that the role does not see are not among them.
    """
    owner = host.catalog.owner_of(name)
    if owner:
        return owner.name
    for app, bundle in host.facts().installed.items():
        if name == app or name in bundle.names:
            return app
    raise unknown_name(name, host.catalog.names)


def apps_of(host: Host, names: Iterable[str]) -> tuple[str, ...]:
    """The apps of several names, each once, in the order they were named."""
    return tuple(dict.fromkeys(app_of(host, name) for name in names))


def bundle_of(host: Host, app: str) -> Bundle | None:
    """The bundle in force: that of the installed generation, else today's."""
    return host.facts().installed.get(app) or host.catalog.bundle(app)
