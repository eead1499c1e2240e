"""Asks by GET and compares the status code."""

from __future__ import annotations

from cockpitpm.model.service import Health, Healthy, ProbeTarget, Unhealthy
from cockpitpm.probes.exchange import exchange


def probe(target: ProbeTarget, timeout: float) -> Health:
    """Healthy if the status is the expected one. Raises OSError or Garbled if no answer came."""
    answer = exchange(target, "GET", target.probe.target or "/", None, timeout)
    if answer.status == target.probe.expect:
        said = f"{answer.status} {answer.phrase}".strip()
        return Healthy(answer=said, listener=answer.listener, where=answer.where)
    return Unhealthy(answer=f"HTTP {answer.status}")
