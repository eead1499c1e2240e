"""The envelope of JSON-RPC 2.0: what a call looks like, and the bytes of an answer."""

from __future__ import annotations

import json
from typing import Any

from attrs import frozen

from cockpitpm.rpc.faults import Fault, invalid_request

Id = str | int | float
MOST = 50
"""Calls in one batch."""


@frozen(kw_only=True)
class Call:
    """One call. `id` is None for a notification, which gets no answer. `params` are as they came, None if none did."""

    method: str
    id: Id | None
    params: Any


@frozen(kw_only=True)
class Malcall:
    """Something that is no call, and what to say about it. `id` is None where none could be read."""

    id: Id | None
    fault: Fault


def calls_of(tree: Any) -> Malcall | list[Call | Malcall]:
    """The calls of a batch, or the one fault of a batch that is none."""
    if not tree:
        return Malcall(id=None, fault=invalid_request("a batch has at least one call"))
    if len(tree) > MOST:
        return Malcall(id=None, fault=invalid_request(f"a batch has at most {MOST} calls, this one has {len(tree)}"))
    return [call_of(item) for item in tree]


def call_of(tree: Any) -> Call | Malcall:
    """One call. An id of null is refused: its answer could not be told from that to something unreadable."""
    if not isinstance(tree, dict):
        return Malcall(id=None, fault=invalid_request("a call is an object"))
    said = tree.get("id")
    ident = said if is_id(said) else None
    if problem := _problem(tree):
        return Malcall(id=ident, fault=invalid_request(problem))
    return Call(method=tree["method"], id=ident, params=tree.get("params"))


def is_id(said: Any) -> bool:
    """Whether it may be the id of a call: a text or a number, which true and false are not."""
    return isinstance(said, (str, int, float)) and not isinstance(said, bool)


def _problem(tree: dict[str, Any]) -> str:
    if tree.get("jsonrpc") != "2.0":
        return 'jsonrpc is not exactly "2.0"'
    if "id" in tree and not is_id(tree["id"]):
        return "id is neither a text nor a number"
    if not isinstance(tree.get("method"), str):
        return "method is not a text"
    if "params" in tree and not isinstance(tree["params"], (dict, list)):
        return "params is neither an object nor an array"
    return ""


def spelled(tree: Any) -> bytes:
    """A tree as it goes over the wire: ASCII, so that nothing on the way obeys a character in it."""
    return json.dumps(tree, separators=(",", ":"), allow_nan=False).replace("\x7f", "\\u007f").encode()


def answered(ident: Id | None, result: bytes) -> bytes:
    """The answer to a call, from the bytes of its result."""
    return b'{"jsonrpc":"2.0","id":%b,"result":%b}' % (spelled(ident), result)


def refused(ident: Id | None, fault: Fault) -> bytes:
    """The answer to a call that failed; without an id where none could be read."""
    return b'{"jsonrpc":"2.0","id":%b,"error":%b}' % (spelled(ident), spelled(fault.tree))
