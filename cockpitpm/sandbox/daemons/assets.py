"""An asset for every binary of every bundle: what the bundle declares is all that a daemon must know."""

from __future__ import annotations

from cockpitpm.model.bundle import Binary, BinaryKind, Bundle, Probe, ProbeKind
from cockpitpm.sandbox.daemons.build import Form, build_daemon
from cockpitpm.sandbox.daemons.chains import CHAIN_BINARY
from cockpitpm.sandbox.daemons.stamp import Behaviour, Part, Stamp

DEPLOYER_BINARY = "hero_tfgrid_deployer_server"
PARTS = {
    CHAIN_BINARY: Part.CHAIN,
    DEPLOYER_BINARY: Part.DEPLOYER,
    "hero_tfgrid_deployer_admin": Part.DEPLOYER_ADMIN,
}


def stamp_for(binary: Binary, version: str, commit: str, behaviour: Behaviour = Behaviour.WORKS) -> Stamp:
    """The stamp of a build of this binary: it listens and answers as the binary's sockets and probe ask for."""
    cli = binary.kind is BinaryKind.CLI
    return Stamp(
        binary=binary.name,
        version=version,
        commit=commit,
        kind=binary.kind.value,
        part=Part.CLI if cli else PARTS.get(binary.name, Part.PLAIN),
        behaviour=behaviour,
        sockets=tuple(s.path for s in binary.sockets if s.path is not None),
        ports=tuple(s.port for s in binary.sockets if s.port is not None),
        answers=answers(binary.probe),
        methods=methods(binary.probe),
    )


def answers(probe: Probe | None) -> dict[str, int]:
    """The paths whose status the probe names, where it is not simply well there."""
    asked = probe is not None and probe.kind is ProbeKind.HTTP and (probe.target != "/health" or probe.expect != 200)
    return {probe.target: probe.expect} if asked and probe is not None else {}


def methods(probe: Probe | None) -> tuple[str, ...]:
    """The JSON-RPC methods that the probe calls."""
    return (probe.target,) if probe is not None and probe.kind is ProbeKind.JSONRPC else ()


def asset(
    binary: Binary,
    version: str,
    commit: str,
    behaviour: Behaviour = Behaviour.WORKS,
    form: Form | None = None,
) -> bytes:
    """The bytes to publish for one binary."""
    return build_daemon(stamp_for(binary, version, commit, behaviour), form)


def assets(bundle: Bundle, version: str, commit: str, behaviour: Behaviour = Behaviour.WORKS) -> dict[str, bytes]:
    """Binary name to bytes, for every binary of the bundle."""
    return {binary.name: asset(binary, version, commit, behaviour) for binary in bundle.binaries}
