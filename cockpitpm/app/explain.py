"""`explain`: where a name leads and which line says so; which level decided the role."""

from __future__ import annotations

from typing import Any

from attrs import frozen

from cockpitpm.app.host import Host
from cockpitpm.app.names import app_of, bundle_of
from cockpitpm.app.secrets import secrets_of
from cockpitpm.app.settings import ChannelReport, channels
from cockpitpm.decide.environment import Chosen, Offer, Source, context_of, values
from cockpitpm.declare.provenance import Origin, provenance
from cockpitpm.declare.shape import bundle_json
from cockpitpm.errors import PlanError
from cockpitpm.model.bundle import Bundle, Service
from cockpitpm.model.codec import encode
from cockpitpm.model.role import RoleChoice
from cockpitpm.record import state


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


@frozen(kw_only=True)
class Level:
    """One offer of a value: who makes it, in words, and the value as people may see it."""

    source: str
    by: str
    value: str


@frozen(kw_only=True)
class Variable:
    """A variable of a service: the offer that wins, and the others in the order in which they would."""

    app: str
    service: str
    var: str
    winner: Level
    losers: tuple[Level, ...]


def explain_variable(host: Host, name: str, var: str) -> Variable:
    """Who gives a service's variable its value. Raises PlanError for what is no service, or not declared for it."""
    app = app_of(host, name)
    service = _service(bundle_of(host, app), app, name)
    context, root = context_of(app), str(host.layout.root)
    exported = state.read(host.layout, app).exported.get(service.name, {})
    found = values(service.env, secrets_of(host.layout).context(context), exported, root, host.socket_root)
    chosen = next((one for one in found if one.var == var), None)
    if chosen is None:
        declared = ", ".join(one.var for one in found)
        raise PlanError(f"{var} is not declared for {name}, so it never gets it", f"Declared: {declared}")
    return _variable(app, service, context, chosen)


def _service(bundle: Bundle | None, app: str, name: str) -> Service:
    services = bundle.services if bundle else ()
    found = next((s for s in services if s.name == name), None)
    if found is None:
        names = ", ".join(s.name for s in services) or "none"
        raise PlanError(f"{name} is no service, and only services have variables", f"The services of {app}: {names}")
    if found.external:
        raise PlanError(f"{name} is registered by somebody else", "Ask the supervisor for its definition")
    return found


def _variable(app: str, service: Service, context: str, chosen: Chosen) -> Variable:
    def level(offer: Offer) -> Level:
        by = {
            Source.MACHINE: "the machine itself",
            Source.SECRET: f"the secret {context}/{chosen.var}",
            Source.EXPORTED: "kept from the registration",
            Source.DEFAULT: "the bundle's default",
        }
        return Level(source=offer.source.value, by=by[offer.source], value=offer.shown)

    losers = tuple(map(level, chosen.losers))
    return Variable(app=app, service=service.name, var=chosen.var, winner=level(chosen.winner), losers=losers)


def variable_json(found: Variable) -> dict[str, Any]:
    """The public shape of `explain SERVICE VAR --json`; of a secret the value is not in it."""
    tree: dict[str, Any] = encode(found)
    return tree


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
