"""Laws of the codec: what was written is read back, and what is not of the type is refused with its place."""

from __future__ import annotations

import json
from typing import Any

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cockpitpm.model.codec import Malformed, decode, encode
from cockpitpm.model.plan import AppPlan, Plan
from cockpitpm.model.receipt import Generation
from cockpitpm.model.state import AppState
from tests.laws.values import classes, values

CLASSES = classes()
slow = settings(max_examples=12, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
each_class = pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
TREES = (AppPlan, Plan, Generation, AppState)


def through_json(value: Any) -> Any:
    return json.loads(json.dumps(encode(value)))


@each_class
@slow
@given(data=st.data())
def test_what_was_written_is_read_back(kind: type, data: st.DataObject) -> None:
    value = data.draw(values(kind))
    assert decode(kind, through_json(value)) == value


def nodes(tree: Any) -> list[tuple[Any, Any]]:
    """Every place of a tree: container and key."""
    inner = list(tree.items()) if isinstance(tree, dict) else list(enumerate(tree)) if isinstance(tree, list) else []
    return [place for key, item in inner for place in [(tree, key), *nodes(item)]]


@pytest.mark.parametrize("kind", TREES)
@slow
@given(data=st.data())
def test_keys_of_a_newer_version_are_ignored(kind: type, data: st.DataObject) -> None:
    value = data.draw(values(kind))
    tree = through_json(value)
    # A mapping from names to values takes every key, so only records get one more.
    for record in records(tree, kind):
        record["of a newer version"] = [{}]
    assert decode(kind, tree) == value


def records(tree: Any, kind: type) -> list[Any]:
    known = {f.name for f in attrs.fields(kind)}
    return [tree] if set(tree) - {"is"} == known else []


@pytest.mark.parametrize("kind", [c for c in CLASSES if attrs.fields(c)], ids=lambda kind: kind.__name__)
@slow
@given(data=st.data())
def test_a_missing_key_is_named_or_has_a_default(kind: type, data: st.DataObject) -> None:
    fields = attrs.fields(kind)
    tree = through_json(data.draw(values(kind)))
    gone = data.draw(st.sampled_from(fields))
    del tree[gone.name]
    if gone.default is attrs.NOTHING:
        with pytest.raises(Malformed, match=rf"{kind.__name__}.*: {gone.name} is missing"):
            decode(kind, tree)
    else:
        assert decode(kind, tree) is not None


WRONG = st.sampled_from([None, True, 1, -0.5, "", "is", [], [[]], {}, {"is": []}, {"is": "nothing"}])


@pytest.mark.parametrize("kind", TREES)
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(data=st.data())
def test_a_wrong_value_anywhere_is_refused_with_its_place_or_is_none(kind: type, data: st.DataObject) -> None:
    tree = through_json(data.draw(values(kind)))
    container, key = data.draw(st.sampled_from(nodes(tree)))
    container[key] = data.draw(WRONG)
    try:
        value = decode(kind, tree)
    except Malformed as error:
        assert str(error).startswith(f"{kind.__name__}.")
    else:
        read = through_json(value)
        assert decode(kind, read) == value, "what was taken is of the type"


@given(st.recursive(WRONG, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner)))
def test_nothing_but_malformed_comes_out_of_a_foreign_tree(tree: Any) -> None:
    for kind in CLASSES:
        try:
            decode(kind, tree)
        except Malformed as error:
            assert str(error).startswith(kind.__name__)
