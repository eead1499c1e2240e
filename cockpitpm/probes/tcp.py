"""Connects and says nothing."""

from __future__ import annotations

from cockpitpm.model.service import Health, Healthy, ProbeTarget
from cockpitpm.probes.connection import connect


def probe(target: ProbeTarget, timeout: float) -> Health:
    """Healthy if something accepts the connection, on a port or a unix socket. Raises OSError if nothing does."""
    connect(target, timeout).close()
    return Healthy(answer="connected")
