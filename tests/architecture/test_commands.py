"""A command that we show can be pasted into a shell, whatever the folders are called: its paths are quoted."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from tests.architecture.source import modules

COMMAND = re.compile(
    r"(?:^|[`:( ])(?:(?:sudo )?(?:rm|mv|cp|ln|chmod|chown|chgrp|mkdir|touch|rmdir)|cockpitpm(?: [a-z]+)*)(?: [^`]*)? $"
    r"|--(?:root|out|bundles|stop) $"
)
"""What stands before a value that is a word of a command."""
PATHS = re.compile(r"(?i)path|folder|file|root|place|home|\bout\b|target|url")
"""What a value is called that a person may have named with a space in it."""
RELATIVE = {"decide/drift", "decide/settle", "decide/obstacles"}
"""These speak of names below the root that bundles give, which have none."""
QUOTES = {"quote", "join"}


def bare(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and text of every value in a command that is put there as it is."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.JoinedStr):
            continue
        before = ""
        for part in node.values:
            if isinstance(part, ast.Constant):
                before += str(part.value)
            elif isinstance(part, ast.FormattedValue):
                text = ast.unparse(part.value)
                if COMMAND.search(before.rpartition("\n")[2]) and PATHS.search(text) and not quoted(part.value):
                    yield node.lineno, text
                before += "x"


def quoted(value: ast.expr) -> bool:
    if not isinstance(value, ast.Call):
        return False
    called = value.func
    return (called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")) in QUOTES


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ('f"Run `rm {path}`"', ["path"]),
        ('f"Run `mv {quote(path)} {path}.mine`"', ["path"]),
        ('f"Move it (`mv {quote(str(path))} {quote(here)}`)"', []),
        ('f"Make it yours: chmod 700 {self.folder}"', ["self.folder"]),
        ('f"`chmod {mode:04o} {shlex.quote(spot.path)}`"', []),
        ('f"cockpitpm apply {out}"', ["out"]),
        ('f"`cockpitpm --root {line.root} status`"', ["line.root"]),
        ('f"Say `--root {saved.root}`"', ["saved.root"]),
        ('f"`cockpitpm install {app}`"', []),
        ('f"Cannot move {path}"', []),
    ],
)
def test_a_bare_path_is_found(code: str, found: list[str]) -> None:
    assert [text for _, text in bare(ast.parse(code))] == found


def test_paths_in_commands_are_quoted() -> None:
    found = [f"{m.name}:{line} {text}" for m in modules() if m.name not in RELATIVE for line, text in bare(m.tree)]
    assert not found, "\n".join(found)
