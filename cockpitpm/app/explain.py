"""`explain`: where a name leads and which line says so; which level decided the role."""

from __future__ import annotations

from typing import Any

from attrs import frozen

from cockpitpm.app.host import Host
from cockpitpm.app.names import app_of
from cockpitpm.app.settings import ChannelReport, channels
from cockpitpm.declare.provenance import Origin, provenance
from cockpitpm.declare.shape import bundle_json
from cockpitpm.errors import PlanError
from cockpitpm.model.bundle import Bundle
from cockpitpm.model.codec import encode
from cockpitpm.model.role import RoleChoice


@frozen(kw_only=True)
class Explanation:
    """Where `name` leads: the bundle, what the name is in it, and every value that its file says."""

    name: str
    kinds: tuple[str, ...]
    bundle: Bundle
    channel: ChannelReport
    origins: tuple[Origin, ...]


def explain(host: Host, name: str) -> Explanation:
    """Everything about the app that a name belongs to. Raises PlanError for a name that the role does not know."""
    app = app_of(host, name)
    bundle = host.catalog.bundle(app)
    if bundle is None:
        message = f"{app} is installed, but this role's catalog does not hold it"
        raise PlanError(message, f"See what runs with `cockpitpm status {app}`")
    return Explanation(
        name=name,
        kinds=_kinds(bundle, name),
        bundle=bundle,
        channel=next(c for c in channels(host) if c.app == app),
        origins=provenance(host.bundles_folder, host.role.role, app),
    )


def _kinds(bundle: Bundle, name: str) -> tuple[str, ...]:
    """A name may be several things at once: most binaries are services too."""
    found = {
        "app": name == bundle.name,
        "binary": any(b.name == name for b in bundle.binaries),
        "service": any(s.name == name for s in bundle.services),
    }
    return tuple(kind for kind, holds in found.items() if holds)


def assets(bundle: Bundle) -> dict[str, tuple[str, ...]]:
    """The asset names of each binary, the preferred one first."""
    return {b.name: tuple(b.asset_name(target) for target in bundle.targets) for b in bundle.binaries}


def to_json(found: Explanation) -> dict[str, Any]:
    """The public shape of `explain NAME --json`."""
    return {
        "name": found.name,
        "is": list(found.kinds),
        "app": bundle_json(found.bundle),
        "services": [{"name": s.name, "binary": s.binary, "external": s.external} for s in found.bundle.services],
        "assets": {binary: list(names) for binary, names in assets(found.bundle).items()},
        "channel": encode(found.channel),
        "values": [encode(origin) for origin in found.origins],
    }


def role_json(choice: RoleChoice) -> dict[str, Any]:
    """The public shape of `explain role --json`: every level, most explicit first, and which of them decided."""
    levels = [{"source": v.source, "value": v.value, "decides": v.source == choice.decided_by} for v in choice.levels]
    default = {"source": "default", "value": "tester", "decides": choice.decided_by == "default"}
    return {
        "role": choice.role.value,
        "decided_by": choice.decided_by,
        "warning": choice.warning or None,
        "levels": [*levels, default],
    }
