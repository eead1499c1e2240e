"""What a method is: its name, what it takes and gives as JSON schemas, an example call, and the function behind it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

import jsonschema_rs
from attrs import define, field, frozen

from cockpitpm.app.engine import Engine
from cockpitpm.app.host import Host
from cockpitpm.rpc.faults import INVALID_PARAMS, Fault, Kind, standard

Schema = Mapping[str, Any]
Params = Mapping[str, Any]
TOLD = 5
BRIEF = 200


class Kept:
    """Results as bytes, each made once for a look at the machine."""

    def __init__(self) -> None:
        self._made: dict[str, tuple[int, bytes]] = {}

    def get(self, name: str, number: int) -> bytes | None:
        """The bytes of this name from the look of this number; None if they were not made yet."""
        made = self._made.get(name)
        return made[1] if made and made[0] == number else None

    def put(self, name: str, number: int, data: bytes) -> bytes:
        """Keep the bytes and give them back."""
        self._made[name] = number, data
        return data


@frozen(kw_only=True)
class Asker:
    """Who asks which machine. `owner`: over a socket that only the owner of the root can open."""

    engine: Engine
    actor: str
    owner: bool = False
    kept: Kept = field(factory=Kept)

    @property
    def host(self) -> Host:
        """The machine, opened for this question."""
        return self.engine.host(self.actor)


@frozen(kw_only=True)
class Param:
    """One parameter, given by name."""

    name: str
    summary: str
    schema: Schema
    required: bool = False


@frozen(kw_only=True)
class Example:
    """A call that works on a machine with two apps; the published description has its result."""

    name: str
    params: Params = field(factory=dict)


@define(kw_only=True, slots=False)
class Method:
    """One method. `answer` gives the tree of the result, or its bytes where they were made before; it may wait for
    disk and network. `quick` gives the bytes if they are at hand, None if `answer` has to be asked.
    """

    name: str
    summary: str
    result: Schema
    answer: Callable[[Asker, Params], Any]
    params: tuple[Param, ...] = ()
    errors: tuple[Kind, ...] = ()
    examples: tuple[Example, ...] = field(factory=lambda: (Example(name="call"),))
    description: str = ""
    quick: Callable[[Asker], bytes | None] | None = None

    @property
    def schema(self) -> dict[str, Any]:
        """What `params` must be, as one object."""
        return {
            "type": "object",
            "additionalProperties": False,
            "required": [one.name for one in self.params if one.required],
            "properties": {one.name: dict(one.schema) for one in self.params},
        }

    @cached_property
    def _gate(self) -> Any:
        return jsonschema_rs.validator_for(self.schema)

    def unfit(self, params: Any) -> Fault | None:
        """What is wrong with the params of a call, None if nothing is. No params at all are none by name."""
        given = {} if params is None or params == [] else params
        if isinstance(given, list):
            return standard(INVALID_PARAMS, "params are given by name, in an object", self._hint)
        problems = [f"{_place(error)}{error.message}"[:BRIEF] for error in self._gate.iter_errors(given)]
        return standard(INVALID_PARAMS, "; ".join(problems[:TOLD]), self._hint) if problems else None

    @property
    def _hint(self) -> str:
        names = ", ".join(one.name for one in self.params) or "none"
        return f"{self.name} takes: {names}"


def _place(error: Any) -> str:
    where = ".".join(str(step) for step in error.instance_path)
    return f"{where}: " if where else ""
