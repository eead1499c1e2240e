"""Connects and says nothing."""

from __future__ import annotations

from cockpitpm.model.service import Health, Healthy, ProbeTarget
from cockpitpm.probes.connection import connect, listener


def probe(target: ProbeTarget, timeout: float) -> Health:
    """Healthy if something accepts the connection, on a port or a unix socket. Raises OSError if nothing does."""
    with connect(target, timeout) as plug:
        pid, where = listener(plug)
    return Healthy(answer="connected", listener=pid, where=where)
