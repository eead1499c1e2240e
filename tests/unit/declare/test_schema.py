"""The schemas are valid, say of every key what it is for, and mean the same to both validators."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import jsonschema_rs
import pytest

from cockpitpm.declare.conformity import nonconformities
from cockpitpm.declare.data import bundles_folder, schema
from cockpitpm.declare.document import ReadError
from cockpitpm.declare.reader import read_yaml
from cockpitpm.declare.reasons import reasons

ROOT = Path(__file__).parents[3]
SCHEMAS = sorted((ROOT / "schema").glob("*.schema.json"))
MINE = [file for file in SCHEMAS if file.name.split(".")[0] in ("bundle", "machine")]
FILES = sorted([*(ROOT / "tests/examples").rglob("*.y*ml"), *bundles_folder().rglob("*.yaml")])


@pytest.mark.parametrize("file", SCHEMAS, ids=lambda file: file.name)
def test_a_schema_conforms_to_the_metaschema(file: Path) -> None:
    tree = json.loads(file.read_text())
    jsonschema.Draft202012Validator.check_schema(tree)
    jsonschema_rs.meta.validate(tree)
    assert tree["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert tree["$id"] == f"https://cockpitpm.dev/schema/1/{file.name}"


def properties(node: Any, where: str = "") -> Iterator[tuple[str, Any]]:
    """Every property of every object in a schema."""
    if isinstance(node, dict):
        for name, one in node.get("properties", {}).items():
            yield f"{where}/{name}", one
        for key, one in node.items():
            if key not in ("examples", "if"):
                yield from properties(one, f"{where}/{key}")
    if isinstance(node, list):
        for index, one in enumerate(node):
            yield from properties(one, f"{where}/{index}")


@pytest.mark.parametrize("file", SCHEMAS, ids=lambda file: file.name)
def test_every_key_is_described_with_examples_that_conform(file: Path) -> None:
    tree = json.loads(file.read_text())
    for where, one in properties(tree):
        assert one.get("description"), where
        assert one.get("examples"), where
        for example in one["examples"]:
            whole = {"$defs": tree.get("$defs", {}), **one}
            jsonschema.Draft202012Validator(whole).validate(example)


@pytest.mark.parametrize("file", SCHEMAS, ids=lambda file: file.name)
def test_every_object_with_keys_refuses_others_and_every_pattern_is_whole(file: Path) -> None:
    for node in objects(json.loads(file.read_text())):
        pattern = node.get("pattern")
        if isinstance(pattern, str) and file in MINE:
            assert pattern.startswith("^") and (pattern.endswith("$") or pattern in ("^https?://", "^/")), pattern
        if isinstance(node.get("type"), str) and node["type"] == "object" and "properties" in node and file in MINE:
            assert node["additionalProperties"] is False


def objects(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
    for one in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from objects(one)


@pytest.mark.parametrize("name", ["bundle", "machine"])
def test_both_validators_agree_on_every_example(name: str) -> None:
    gate = jsonschema_rs.validator_for(schema(name))
    read = 0
    for file in FILES:
        try:
            tree = read_yaml(file.read_bytes()).tree
        except ReadError:
            continue
        read += 1
        assert gate.is_valid(tree) == (not reasons(schema(name), tree)), file
    assert read > 80


def strings(tree: Any) -> Iterator[tuple[Any, Any]]:
    """Every container and step that leads to a text."""
    for step, value in tree.items() if isinstance(tree, dict) else enumerate(tree):
        if isinstance(value, str):
            yield tree, step
        elif isinstance(value, (dict, list)):
            yield from strings(value)


@pytest.mark.parametrize("tail", ["\n", "\nx", " ", "\n\n"])
def test_no_pattern_lets_a_newline_pass_at_the_end(tail: str) -> None:
    """`$` of Python's `re` would, and both validators must agree that it does not."""
    file = ROOT / "tests/examples/good/every_key/base/hero_full.yaml"
    tree = read_yaml(file.read_bytes()).tree
    gate = jsonschema_rs.validator_for(schema("bundle"))
    for container, step in [*strings(tree)]:
        value = container[step]
        container[step] = value + tail
        valid = gate.is_valid(tree)
        assert valid == (not reasons(schema("bundle"), tree)), (step, tail)
        assert not valid or tail == " ", (step, value)
        container[step] = value
    assert gate.is_valid(tree)


def test_a_gate_that_refuses_without_a_reason_still_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cockpitpm.declare.reasons.reasons", lambda schema, tree: ())
    assert [one.rule for one in nonconformities("bundle", {})] == ["schema"]
    assert nonconformities("machine", {}) == ()


@pytest.mark.parametrize(
    ("schema", "tree", "rule"),
    [
        ({"multipleOf": 2}, 3, "schema"),
        ({"minLength": 3}, "a", "out-of-range"),
        ({"maxItems": 1}, [1, 2], "out-of-range"),
        ({"const": 1}, 2, "wrong-value"),
        ({"type": ["string", "array"]}, 1, "wrong-type"),
        ({"dependentRequired": {"a": ["b"]}}, {"a": 1}, "missing-key"),
        ({"properties": {"a": False}}, {"a": 1}, "schema"),
    ],
)
def test_every_keyword_has_words(schema: dict[str, Any], tree: Any, rule: str) -> None:
    found = reasons(schema, tree)
    assert [one.rule for one in found] == [rule] and found[0].message
