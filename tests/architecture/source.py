"""The package as syntax trees: every module, what it imports, what it reads."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator
from pathlib import Path

from attrs import frozen

CHECKOUT = Path(__file__).resolve().parents[2]
PACKAGE = CHECKOUT / "cockpitpm"


@frozen(kw_only=True)
class Module:
    """One file of the package; `parts` is its path below `cockpitpm`, without the suffix."""

    path: Path
    parts: tuple[str, ...]
    tree: ast.Module

    @property
    def room(self) -> str:
        """The first part: a folder, or a module beside the folders. The package's own `__init__` is a room as well."""
        return self.parts[0]

    @property
    def name(self) -> str:
        """How people speak of it: `decide/planner`."""
        return "/".join(self.parts)

    @property
    def lines(self) -> int:
        """The length of the file."""
        return len(self.path.read_text(encoding="utf-8").splitlines())

    def imports(self) -> Iterator[tuple[int, str]]:
        """Line and dotted name of every import, wherever it stands; relative ones are made absolute."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from ((node.lineno, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                source = self._absolute(node)
                yield from ((node.lineno, f"{source}.{alias.name}") for alias in node.names)

    def _absolute(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        package = ("cockpitpm", *self.parts) if self.path.name == "__init__.py" else ("cockpitpm", *self.parts[:-1])
        kept = package[: len(package) - node.level + 1]
        return ".".join((*kept, node.module) if node.module else kept)

    def attributes(self) -> Iterator[tuple[int, str]]:
        """Line and dotted text of every attribute that hangs on plain names, such as `os.environ.get`."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Attribute):
                words = dotted(node)
                if words:
                    yield node.lineno, words


def dotted(node: ast.expr) -> str:
    """`a.b.c` as text; empty where something else than names is in it."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        left = dotted(node.value)
        return f"{left}.{node.attr}" if left else ""
    return ""


@functools.cache
def modules() -> tuple[Module, ...]:
    """Every module of the package, sorted by path."""
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        inner = path.relative_to(PACKAGE).with_suffix("").parts
        parts = inner[:-1] if inner[-1] == "__init__" and len(inner) > 1 else inner
        tree = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
        found.append(Module(path=path, parts=parts, tree=tree))
    return tuple(found)
