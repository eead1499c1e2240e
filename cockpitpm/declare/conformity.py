"""Whether a tree is what its JSON schema allows. The fast answer is jsonschema-rs; the reasons, only when there are
faults, come from `cockpitpm.declare.reasons`, which is slower to import than a catalog is to read.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from cockpitpm.declare.data import schema
from cockpitpm.declare.document import Tree
from cockpitpm.declare.remark import Remark


def nonconformities(name: str, tree: Tree) -> tuple[Remark, ...]:
    """Everything in `tree` that the schema `name` does not allow, in no order; empty if it conforms."""
    if _gate(name).is_valid(tree):
        return ()
    from cockpitpm.declare.reasons import reasons

    return reasons(schema(name), tree) or (
        Remark(rule="schema", path=(), message=f"this is not a {name} as its schema wants it"),
    )


@cache
def _gate(name: str) -> Any:
    import jsonschema_rs

    return jsonschema_rs.validator_for(schema(name))
