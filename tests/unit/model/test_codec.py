"""Trees that are not of the type are refused with the path to the place."""

from __future__ import annotations

from typing import Any

import pytest

from cockpitpm.errors import ExitCode
from cockpitpm.model.codec import Malformed, decode, encode
from cockpitpm.model.plan import Record, Refused, Step, Swap, Unplanned
from cockpitpm.model.process import FileId
from cockpitpm.model.service import Definition
from cockpitpm.model.settings import ForgeSettings, Settings
from cockpitpm.model.state import AppState, Flip

UNPLANNED = {"is": "unplanned", "message": "m", "hint": "h"}
DEFINITION = {"name": "s", "command": ["/bin/x"]}


@pytest.mark.parametrize(
    ("kind", "tree", "message"),
    [
        (FileId, [], "FileId: expected a mapping, found list"),
        (FileId, {"dev": 1}, "FileId: ino is missing"),
        (FileId, {"dev": 1, "ino": "2"}, "FileId.ino: expected int, found str"),
        (FileId, {"dev": True, "ino": 2}, "FileId.dev: expected int, found bool"),
        (Definition, {**DEFINITION, "command": "/bin/x"}, "Definition.command: expected a list, found str"),
        (Definition, {**DEFINITION, "env": [["A"]]}, "Definition.env[0]: expected a list, found list"),
        (Definition, {**DEFINITION, "env": [["A", 1]]}, "Definition.env[0][1]: expected str, found int"),
        (Definition, {**DEFINITION, "stop_timeout": "9"}, "Definition.stop_timeout: expected float, found str"),
        (AppState, {"app": "x", "wanted": []}, "AppState.wanted: expected a mapping, found list"),
        (AppState, {"app": "x", "wanted": {"s": "up"}}, "AppState.wanted.s: 'up' is none of running, stopped, unknown"),
        (AppState, {"app": "x", "observation": 1}, "AppState.observation: expected a mapping, found int"),
        (Unplanned, {**UNPLANNED, "exit_code": True}, "Unplanned.exit_code: True is none of 0, 1, 2"),
        (Unplanned, {**UNPLANNED, "exit_code": 6.0}, "Unplanned.exit_code: 6.0 is none of 0, 1, 2"),
        (Unplanned, {**UNPLANNED, "exit_code": [6]}, "Unplanned.exit_code: [6] is none of 0, 1, 2"),
        (Step, {"is": "jump"}, "plan.steps[0]: 'jump' is none of fetch, swap, register"),
        (Step, {"is": ["swap"]}, "plan.steps[0]: ['swap'] is none of fetch, swap, register"),
        (Step, "swap", "plan.steps[0]: None is none of fetch, swap, register"),
        (Step, {"is": "record"}, "plan.steps[0]: generation is missing"),
    ],
)
def test_a_wrong_tree_is_refused_with_its_place(kind: Any, tree: Any, message: str) -> None:
    path = "plan.steps[0]" if kind is Step else ""
    with pytest.raises(Malformed) as caught:
        decode(kind, tree, path)
    assert str(caught.value).startswith(message)


def test_members_of_a_union_are_told_apart_by_their_tag() -> None:
    assert encode(Record(generation=2)) == {"is": "record", "generation": 2}
    swap = {"is": "swap", "origin": 1, "to": 2, "binaries": ["x"]}
    assert decode(Step, swap, "step") == Swap(origin=1, to=2, binaries=("x",))  # type: ignore[arg-type]


def test_a_number_with_a_point_may_be_written_without() -> None:
    assert decode(Definition, {**DEFINITION, "stop_timeout": 9}).stop_timeout == 9.0


def test_what_has_a_default_may_be_missing_and_what_is_unknown_is_ignored() -> None:
    assert decode(AppState, {"app": "x", "of a newer version": 1}) == AppState(app="x")


def test_an_exit_code_is_a_number() -> None:
    value = Unplanned(message="m", hint="h", exit_code=ExitCode.FORGE)
    assert encode(value) == {**UNPLANNED, "exit_code": 6}
    assert decode(Unplanned, encode(value)) == value


def test_mappings_keep_their_keys() -> None:
    settings = Settings(forges={"default": ForgeSettings(kind="forgejo", url="https://x")}, channels={"a": "b"})
    assert decode(Settings, encode(settings)) == settings
    flip = Flip(live="1.t", boot_id="b", begun=1, ended=2, hashes={"x": "h"})
    assert decode(Flip, encode(flip)).hashes == {"x": "h"}


def test_a_refusal_is_a_value_that_can_be_written() -> None:
    tree = {"is": "refused", "reason": "no_asset", "evidence": "e", "way_out": "w"}
    assert encode(decode(Refused, tree)) == tree
