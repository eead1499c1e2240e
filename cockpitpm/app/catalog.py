"""`catalog`: what this machine's role may have."""

from __future__ import annotations

from typing import Any

from cockpitpm.app.host import Host
from cockpitpm.declare.shape import catalog_json
from cockpitpm.model.catalog import Catalog


def catalog(host: Host) -> Catalog:
    """The catalog of the machine's role. Raises BundleError."""
    return host.catalog


def to_json(found: Catalog) -> dict[str, Any]:
    """The public shape of `catalog --json`."""
    return catalog_json(found)
