"""Calls a JSON-RPC 2.0 method without parameters by POST /rpc."""

from __future__ import annotations

import json

from cockpitpm.model.service import Health, Healthy, ProbeTarget, Unhealthy
from cockpitpm.probes.exchange import Answer, exchange

_ID = 1


def probe(target: ProbeTarget, timeout: float) -> Health:
    """Healthy if the answer to our call holds a result. Raises OSError or Garbled if no answer came."""
    method = target.probe.target
    call = json.dumps({"jsonrpc": "2.0", "id": _ID, "method": method}).encode()
    answer = exchange(target, "POST", "/rpc", call, timeout)
    if answer.status != 200:
        return Unhealthy(answer=f"HTTP {answer.status}")
    try:
        reply = json.loads(answer.body)
    except (ValueError, RecursionError):
        return Unhealthy(answer="the answer is not JSON")
    return _judge(method, reply, answer)


def _judge(method: str, reply: object, answer: Answer) -> Health:
    if not isinstance(reply, dict):
        return Unhealthy(answer="the answer is not a JSON-RPC object")
    error = reply.get("error")
    if error is not None:
        known = isinstance(error, dict)
        code, text = (error.get("code"), error.get("message")) if known else ("", error)
        return Unhealthy(answer=" ".join(f"error {code}: {text}".split())[:200])
    if reply.get("id") != _ID or isinstance(reply.get("id"), bool):
        return Unhealthy(answer="the answer is to another call")
    if "result" not in reply:
        return Unhealthy(answer="the answer has no result")
    return Healthy(answer=f"{method} answered", listener=answer.listener, where=answer.where)
