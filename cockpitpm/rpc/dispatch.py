"""From the bytes of a request to the bytes of its answer. Whatever comes in, exactly one legal answer goes out."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from anyio import to_thread

from cockpitpm.app.openrpc import openrpc
from cockpitpm.errors import CockpitPmError
from cockpitpm.rpc.envelope import Call, Malcall, answered, call_of, calls_of, refused, spelled
from cockpitpm.rpc.faults import INVALID_PARAMS, NO_METHOD, PARSE, Fault, fault_of, internal, standard
from cockpitpm.rpc.method import Asker, Method, Params
from cockpitpm.rpc.reading import NotJson, read
from cockpitpm.rpc.table import DISCOVER, METHODS

LOG = logging.getLogger("cockpitpm.rpc")
UNKNOWN = "unknown"
"""What names nobody knows are counted under."""

Count = Callable[[str, str], None]
"""Takes the method and the result of a call: `ok`, or the name of a fault."""


class Dispatcher:
    """Answers requests. `count` hears of every call."""

    def __init__(self, count: Count, methods: Mapping[str, Method] = METHODS) -> None:
        self._count = count
        self._methods = methods

    async def answer(self, body: bytes, asker: Asker) -> bytes | None:
        """The answer to a request; None where there is nothing to answer. Raises nothing."""
        try:
            tree = read(body)
        except NotJson as error:
            return self._refused(UNKNOWN, None, standard(PARSE, str(error), "Send one JSON value in UTF-8"))
        if not isinstance(tree, list):
            return await self._one(call_of(tree), asker)
        calls = calls_of(tree)
        if isinstance(calls, Malcall):
            return self._refused(UNKNOWN, None, calls.fault)
        answers = [answer for call in calls if (answer := await self._one(call, asker)) is not None]
        return b"[%b]" % b",".join(answers) if answers else None

    async def _one(self, call: Call | Malcall, asker: Asker) -> bytes | None:
        if isinstance(call, Malcall):
            return self._refused(UNKNOWN, call.id, call.fault)
        method = call.method if call.method in self._methods or call.method == DISCOVER else UNKNOWN
        found = await self._result(call, asker)
        if isinstance(found, Fault):
            answer = self._refused(method, call.id, found)
        else:
            self._count(method, "ok")
            answer = answered(call.id, found)
        return None if call.id is None else answer

    def _refused(self, method: str, ident: Any, fault: Fault) -> bytes:
        self._count(method, fault.kind.name)
        return refused(ident, fault)

    async def _result(self, call: Call, asker: Asker) -> bytes | Fault:
        """The bytes of the result, or why there is none."""
        if call.method == DISCOVER:
            return standard(INVALID_PARAMS, f"{DISCOVER} takes no params") if call.params else openrpc()
        method = self._methods.get(call.method)
        if method is None:
            return standard(NO_METHOD, call.method, f"{DISCOVER} lists the methods")
        if problem := method.unfit(call.params):
            return problem
        try:
            return await _asked(method, asker, call.params or {})
        except CockpitPmError as error:
            return fault_of(error)
        except Exception:
            LOG.exception("%s failed", call.method)
            return internal()


async def _asked(method: Method, asker: Asker, params: Params) -> bytes:
    """What the method answers: at once if it can, else from a thread, for it may wait for disk and network."""
    if method.quick and (ready := method.quick(asker)) is not None:
        return ready
    found = await to_thread.run_sync(partial(method.answer, asker, params))
    return found if isinstance(found, bytes) else spelled(found)
