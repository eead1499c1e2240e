"""Which line of which file says each value of a bundle."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from attrs import frozen

from cockpitpm.declare.catalog import declarations
from cockpitpm.declare.document import Path as TreePath
from cockpitpm.declare.document import Tree, shown
from cockpitpm.errors import BundleError
from cockpitpm.model.role import Role

Leaf = str | int | float | bool | None


@frozen(kw_only=True)
class Origin:
    """One value of a bundle and where it is written. `key` is its path as people write it: `binaries[0].name`."""

    key: str
    value: Leaf
    file: str
    line: int
    column: int


def provenance(folder: Path, role: Role, app: str) -> tuple[Origin, ...]:
    """Every value that the file of `app` says, in the order of the file.

    Raises BundleError if this role's catalog cannot be resolved, or does not hold `app`.
    """
    found = next((one for one in declarations(folder, role) if one.bundle.name == app), None)
    if found is None:
        raise BundleError(f"the catalog of this machine has no app {app}", "Run: cockpitpm catalog")
    document = found.document
    origins = (
        Origin(key=shown(path), value=value, file=found.file, line=mark.line, column=mark.column)
        for path, value in _leaves(document.tree, ())
        for mark in (document.place(path).value,)
    )
    return tuple(origins)


def _leaves(tree: Tree, path: TreePath) -> Iterator[tuple[TreePath, Leaf]]:
    steps = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else None
    if not steps:
        yield path, tree
        return
    for step, value in steps:
        yield from _leaves(value, (*path, step))
