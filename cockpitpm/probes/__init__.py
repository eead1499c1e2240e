"""Adapters that ask a service whether it works. One per file."""

from __future__ import annotations

from collections.abc import Callable

from cockpitpm.model.bundle import ProbeKind
from cockpitpm.model.service import Health, ProbeTarget, Unhealthy
from cockpitpm.probes import exec, http, jsonrpc, tcp
from cockpitpm.probes.connection import Garbled, Undeclared, reason

ADAPTERS: dict[ProbeKind, Callable[[ProbeTarget, float], Health]] = {
    ProbeKind.HTTP: http.probe,
    ProbeKind.JSONRPC: jsonrpc.probe,
    ProbeKind.TCP: tcp.probe,
    ProbeKind.EXEC: exec.probe,
}
"""How each kind of probe is asked."""


class SystemProber:
    """The Prober port on this machine. `timeout` is seconds for one whole question."""

    def __init__(self, timeout: float = 2.0) -> None:
        self._timeout = timeout

    def probe(self, target: ProbeTarget) -> Health:
        """Ask once; a service that does not answer, or not sensibly, is Unhealthy."""
        try:
            return ADAPTERS[target.probe.kind](target, self._timeout)
        except (OSError, Garbled, Undeclared) as error:
            return Unhealthy(answer=reason(error))
