"""What the supervisor is told about a service."""

from __future__ import annotations

from collections.abc import Mapping

from cockpitpm.model.bundle import EnvEntry, Service
from cockpitpm.model.service import Definition, ProbeTarget

HOME = "~/hero"
"""How a bundle spells the machine's root, wherever that really is."""


def definition_of(service: Service, root: str, socket_root: str, exported: Mapping[str, str]) -> Definition:
    """The definition of a service that we register. `exported` are values that win over the bundle's defaults.

    The command names `<root>/bin/...`, never a live folder, so that a restart picks up whatever is current.
    """
    program = service.wrapper or service.binary or service.name
    return Definition(
        name=service.name,
        command=(f"{root}/bin/{program}", *(_rooted(a, root) for a in service.args)),
        env=environment(service.env, root, socket_root, exported),
        directory=root,
    )


def environment(
    entries: tuple[EnvEntry, ...], root: str, socket_root: str, exported: Mapping[str, str]
) -> tuple[tuple[str, str], ...]:
    """The variables of a service, sorted by name: the machine's own, then exported values, then the defaults."""
    values = {e.var: _rooted(e.default, root) for e in entries}
    values |= {var: value for var, value in exported.items() if var in values}
    values |= {"PATH_ROOT": root, "PATH_SOCKET": socket_root}
    return tuple(sorted(values.items()))


def probe_target(service: Service, root: str, socket_root: str) -> ProbeTarget | None:
    """The question for a service; None if its bundle declares no probe."""
    if service.probe is None:
        return None
    env = environment(service.env, root, socket_root, {})
    return ProbeTarget(
        service=service.name, probe=service.probe, sockets=service.sockets, socket_root=socket_root, env=env
    )


def _rooted(value: str, root: str) -> str:
    """`~/hero/var/x` becomes `<root>/var/x`."""
    if value == HOME or value.startswith(HOME + "/"):
        return root + value[len(HOME) :]
    return value
