"""The published schemas of plan and receipt say exactly what our classes write."""

from __future__ import annotations

import json
import re
import types
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Any, Union, get_args, get_origin

import attrs
import jsonschema_rs
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from cockpitpm.app.records import receipts
from cockpitpm.declare.data import schema
from cockpitpm.errors import ExitCode
from cockpitpm.model.codec import decode, encode
from cockpitpm.model.plan import AppPlan, Plan
from cockpitpm.model.receipt import Receipt, Verb
from tests.laws.values import SHAPES, record, values
from tests.sim.machine import MachineSim

JOINED = {"generation", "current", "installed_at", "transaction", "actor"}
"""Keys that `receipts` adds to a receipt from history; nobody needs them to know which bytes are meant."""


def gate(name: str) -> Any:
    return jsonschema_rs.validator_for(schema(name))


def inner(kind: Any) -> Iterator[Any]:
    """The types inside a union, a tuple or a mapping; itself otherwise."""
    if get_origin(kind) in (Union, types.UnionType, tuple) or get_args(kind):
        for part in get_args(kind):
            yield from inner(part)
    else:
        yield kind


def reached(kind: type, found: dict[str, type] | None = None) -> dict[str, type]:
    """Every class below a class, by its name in the schema: its own in small letters."""
    found = {} if found is None else found
    attrs.resolve_types(kind)
    for part in (p for f in attrs.fields(kind) for p in inner(f.type) if isinstance(p, type) and attrs.has(p)):
        name = re.sub(r"(?<!^)(?=[A-Z])", "_", part.__name__).lower()
        if name not in found:
            found[name] = part
            reached(part, found)
    return found


PARTS = {"": Plan, **reached(Plan)}


@pytest.mark.parametrize("name", PARTS)
def test_the_plan_schema_has_the_keys_of_our_classes(name: str) -> None:
    said = schema("plan")["$defs"][name] if name else schema("plan")
    kind: Any = PARTS[name]
    tag = {"is"} if hasattr(kind, "KIND") else set()
    fields = {f.name: f.type for f in attrs.fields(kind)}
    assert set(said["properties"]) == set(said["required"]) == set(fields) | tag
    assert said["additionalProperties"] is False
    if tag:
        assert said["properties"]["is"]["const"] == kind.KIND
    for key, field in fields.items():
        if isinstance(field, type) and issubclass(field, Enum):
            assert said["properties"][key]["enum"] == [member.value for member in field], key


def test_the_plan_schema_knows_nothing_else() -> None:
    assert set(schema("plan")["$defs"]) == set(PARTS) - {""}


def test_the_receipt_schema_has_the_keys_of_our_class() -> None:
    said = schema("receipt")
    fields = {f.name for f in attrs.fields(Receipt)}
    assert set(said["required"]) == fields
    assert set(said["properties"]) == fields | JOINED
    embedded = schema("plan")["$defs"]["receipt"]
    assert {k: said["properties"][k] for k in fields} == embedded["properties"], "one receipt, one description"


plans = record(
    Plan, catalog_digest=SHAPES["sha256"], apps=st.lists(record(AppPlan, blocked=st.just(())), max_size=2).map(tuple)
)
sampled = settings(
    max_examples=25, phases=[Phase.generate], suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


@sampled
@given(plan=plans)
def test_every_plan_conforms(plan: Plan) -> None:
    tree = json.loads(json.dumps(encode(plan)))
    gate("plan").validate(tree)
    assert decode(Plan, tree) == plan


@sampled
@given(receipt=values(Receipt), data=st.data())
def test_every_receipt_conforms_and_half_of_one_does_not(receipt: Receipt, data: st.DataObject) -> None:
    tree = encode(receipt)
    gate("receipt").validate(tree)
    assert not gate("receipt").is_valid({**tree, "of a newer version": 1})
    key = data.draw(st.sampled_from(sorted(tree)))
    assert not gate("receipt").is_valid({**tree, key: None})
    del tree[key]
    assert not gate("receipt").is_valid(tree)


def checked(machine: MachineSim, verb: Verb, *names: str) -> ExitCode:
    """Do it, with every value that leaves cockpitpm held against its schema."""
    report = machine.run(verb, *names)
    gate("plan").validate(json.loads(json.dumps(encode(report.plan))))
    for every in (False, True):
        for one in receipts(machine.host(), every=every)["receipts"]:
            gate("receipt").validate(one)
    return report.outcomes[0].exit_code


def test_what_a_machine_writes_conforms(root: Path) -> None:
    machine = MachineSim(root)
    machine.publish("1")
    assert checked(machine, Verb.INSTALL, "duo") is ExitCode.DONE
    assert checked(machine, Verb.INSTALL, "duo") is ExitCode.DONE
    machine.publish("2", "sick")
    assert checked(machine, Verb.UPGRADE, "duo") is ExitCode.ROLLED_BACK
    assert checked(machine, Verb.UPGRADE, "duo") is ExitCode.REFUSED
    machine.publish("3")
    assert checked(machine, Verb.UPGRADE, "duo") is ExitCode.DONE
    for verb in (Verb.CONVERGE, Verb.RESTART, Verb.START, Verb.ROLLBACK, Verb.REMOVE):
        assert checked(machine, verb, "duo") is ExitCode.DONE
