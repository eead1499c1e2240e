"""Every sweep is booked in its row of the table, also where it cannot run or fails before it has counted anything."""

from __future__ import annotations

import ast
from pathlib import Path
from types import ModuleType

import pytest

from tests.faults.conftest import row_of
from tests.faults.table import ROWS

TELLS = {"Score", "tell", "skipped", "scored"}
OF_THE_TABLE = {"test_table.py"}
"""Tests of the telling itself."""
MODULES = sorted(p.name for p in Path(__file__).parent.glob("test_*.py") if p.name not in OF_THE_TABLE)


def module_of(tree: ast.Module) -> ModuleType:
    """A module with the docstring and the constants of this text, nothing of it run."""
    made = ModuleType("made", ast.get_docstring(tree))
    for node in tree.body:
        if (
            isinstance(node, ast.Assign)
            and isinstance(node.value, ast.Constant)
            and isinstance(node.targets[0], ast.Name)
        ):
            setattr(made, node.targets[0].id, node.value.value)
    return made


@pytest.mark.parametrize("name", MODULES)
def test_a_module_that_tells_has_a_row(name: str) -> None:
    tree = ast.parse(Path(__file__).with_name(name).read_text(encoding="utf-8"))
    told = {a.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for a in node.names}
    if told & TELLS:
        assert row_of(module_of(tree)) in ROWS, f"begin the docstring of {name} with its row, such as F2:"


def test_where_a_row_is_found() -> None:
    assert row_of(None) == row_of(ModuleType("m", "Nothing of F3")) == ""
    assert row_of(ModuleType("m", "F12: bundles")) == "F12"
    made = ModuleType("m", "No row")
    made.ROW = "F5"  # type: ignore[attr-defined]
    assert row_of(made) == "F5"
