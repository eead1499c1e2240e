"""The published description: legal OpenRPC, true to the methods, and every example in it works."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from jsonschema import Draft7Validator
from jsonschema.validators import Draft7Validator as Metaschema
from referencing import Registry
from referencing.jsonschema import DRAFT7

from cockpitpm.declare.catalog import resolve
from cockpitpm.declare.data import bundles_folder, schema
from cockpitpm.model.role import Role
from cockpitpm.rpc.faults import KINDS
from cockpitpm.rpc.method import Example, Method
from cockpitpm.rpc.table import METHODS
from tests.unit.rpc.publish import FILE, document, replay
from tests.unit.rpc.scene import Scene

PACKAGE = "@open-rpc/meta-schema@1.14.9"
PUBLISHED: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
BY_NAME = {method["name"]: method for method in PUBLISHED["methods"]}
EXAMPLES = [(method, example) for method in METHODS.values() for example in method.examples]


def published(method: Method, example: Example) -> Any:
    """The result that the file has for an example."""
    found = BY_NAME.get(method.name, {}).get("examples", [])
    return next((e["result"]["value"] for e in found if e["name"] == example.name), None)


def gate(method: Method) -> Any:
    """What checks a result of the method."""
    return jsonschema_rs.validator_for({**method.result, "components": PUBLISHED["components"]})


def shape(tree: Any) -> Any:
    """Keys and kinds of a tree without its values; lists are told by the kinds of their items."""
    if isinstance(tree, dict):
        return {key: shape(value) for key, value in tree.items()}
    if isinstance(tree, list):
        return sorted({json.dumps(shape(one), sort_keys=True) for one in tree})
    return type(tree).__name__


def texts(tree: Any) -> Iterator[str]:
    parts = [*tree, *tree.values()] if isinstance(tree, dict) else tree if isinstance(tree, list) else []
    yield from (part for part in parts if isinstance(part, str))
    for part in parts:
        yield from texts(part)


def test_the_file_is_what_the_methods_say() -> None:
    assert document(published) == PUBLISHED, "write it anew: python -m tests.unit.rpc.publish"


@pytest.mark.parametrize(("method", "example"), EXAMPLES, ids=lambda one: one.name)
def test_an_example_works_and_gives_what_its_schema_says(root: Path, method: Method, example: Example) -> None:
    found = replay(root, method, example)
    for result in (found, published(method, example)):
        gate(method).validate(result)
        if isinstance(result, dict) and isinstance(result.get("plan"), dict):
            jsonschema_rs.validator_for(schema("plan")).validate(result["plan"])
    assert shape(found) == shape(published(method, example)), "write it anew: python -m tests.unit.rpc.publish"


@pytest.mark.parametrize("method", METHODS.values(), ids=lambda one: one.name)
def test_every_method_has_an_example_that_its_params_allow(method: Method) -> None:
    assert method.examples
    for example in method.examples:
        assert method.unfit(example.params) is None


@pytest.mark.parametrize("method", METHODS.values(), ids=lambda one: one.name)
def test_a_result_of_another_kind_does_not_pass(method: Method) -> None:
    assert not gate(method).is_valid({"job": {"id": "1"}})
    assert not gate(method).is_valid(None)


def test_names_are_those_of_the_thread_and_none_is_reserved() -> None:
    thread = {"list_catalog", "list_services", "install_service", "upgrade_service"}
    assert {f"cockpit.{name}" for name in thread} <= set(METHODS)
    assert all(name.startswith("cockpit.") for name in METHODS)


def test_codes_lie_outside_the_reserved_range_and_mean_one_thing() -> None:
    ours = {(kind.code, kind.name) for _, kind in KINDS if kind.name != "invalid_params"}
    assert not [code for code, _ in ours if -32768 <= code <= -32000]
    assert len({code for code, _ in ours}) == len({name for _, name in ours}) == len(ours)
    for method in PUBLISHED["methods"]:
        codes = [error["code"] for error in method["errors"]]
        assert len(codes) == len(set(codes))


def test_the_description_names_no_app_that_a_tester_has_not() -> None:
    tester = {name for bundle in resolve(bundles_folder(), Role.TESTER).bundles for name in bundle.names}
    admin = {name for bundle in resolve(bundles_folder(), Role.ADMIN).bundles for name in bundle.names} - tester
    assert admin
    assert not [(text, name) for text in texts(PUBLISHED) for name in admin if name in text]


def test_both_ways_to_it_give_the_file(bare: Scene) -> None:
    assert bare.call("rpc.discover") == bare.get("/openrpc.json").json() == PUBLISHED
    assert bare.get("/openrpc.json").headers["content-type"] == "application/json"


def meta_schema(folder: Path) -> dict[str, Any]:
    """The schema of OpenRPC documents, from the package that its authors publish."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("no npm, so no OpenRPC meta-schema")
    # The home of tests is an empty one; where packages come from stands in the real one.
    env = {**os.environ, "HOME": pwd.getpwuid(os.getuid()).pw_dir}
    words = [npm, "install", "--silent", "--ignore-scripts", "--prefix", str(folder), "--cache", str(folder / "cache")]
    try:
        made = subprocess.run([*words, PACKAGE], env=env, capture_output=True, timeout=90, check=False)
    except subprocess.TimeoutExpired:
        made = None
    if made is None or made.returncode:
        pytest.skip("npm gives no OpenRPC meta-schema")
    script = "process.stdout.write(JSON.stringify(require('@open-rpc/meta-schema').openrpcDocument))"
    told = subprocess.run(["node", "-e", script], cwd=folder, capture_output=True, timeout=30, check=True)
    found: dict[str, Any] = json.loads(told.stdout)
    return found


def test_the_meta_schema_of_openrpc_allows_it(root: Path) -> None:
    draft7 = DRAFT7.create_resource(Metaschema.META_SCHEMA)
    registry: Registry[Any] = Registry().with_resources(
        [("https://meta.json-schema.tools/", draft7), ("https://meta.json-schema.tools", draft7)]
    )
    checker = Draft7Validator(meta_schema(root), registry=registry)
    assert [f"{error.json_path}: {error.message[:200]}" for error in checker.iter_errors(PUBLISHED)] == []
    broken = {**PUBLISHED, "methods": [{"name": "nameless"}]}
    assert list(checker.iter_errors(broken)), "a method without params is none"
    assert list(checker.iter_errors({**PUBLISHED, "openrpc": "9.9.9"}))


def test_every_reference_leads_somewhere() -> None:
    wanted = {text for text in texts(PUBLISHED) if text.startswith("#/")}
    assert wanted == {f"#/components/schemas/{name}" for name in PUBLISHED["components"]["schemas"]}
