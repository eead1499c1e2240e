"""What the supervisor is told about a service."""

from __future__ import annotations

from collections.abc import Mapping

from cockpitpm.decide.environment import NOTHING, rooted, values
from cockpitpm.model.bundle import EnvEntry, Service
from cockpitpm.model.service import Definition, ProbeTarget


def definition_of(
    service: Service,
    root: str,
    socket_root: str,
    exported: Mapping[str, str] = NOTHING,
    secrets: Mapping[str, str] = NOTHING,
) -> Definition:
    """The definition of a service that we register; `cockpitpm.decide.environment` says which values win.

    The command names `<root>/bin/...`, never a live folder, so that a restart picks up whatever is current.
    """
    program = service.wrapper or service.binary or service.name
    return Definition(
        name=service.name,
        command=(f"{root}/bin/{program}", *(rooted(a, root) for a in service.args)),
        env=environment(service.env, root, socket_root, exported, secrets),
        directory=root,
    )


def environment(
    entries: tuple[EnvEntry, ...],
    root: str,
    socket_root: str,
    exported: Mapping[str, str] = NOTHING,
    secrets: Mapping[str, str] = NOTHING,
) -> tuple[tuple[str, str], ...]:
    """The variables of a service, sorted by name."""
    return tuple((one.var, one.value) for one in values(entries, secrets, exported, root, socket_root))


def probe_target(
    service: Service,
    root: str,
    socket_root: str,
    exported: Mapping[str, str] = NOTHING,
    secrets: Mapping[str, str] = NOTHING,
) -> ProbeTarget | None:
    """The question for a service, asked in the environment it runs in; None if its bundle declares no probe."""
    if service.probe is None:
        return None
    env = environment(service.env, root, socket_root, exported, secrets)
    return ProbeTarget(
        service=service.name, probe=service.probe, sockets=service.sockets, socket_root=socket_root, env=env
    )
