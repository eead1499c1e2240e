"""A YAML document as plain values, with the line and column of every key and value. Knows nothing of YAML itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from attrs import field, frozen

Path = tuple[str | int, ...]
"""The way from the root to a value: keys of mappings and indexes of lists."""

Tree = Any
"""Plain values as `json.loads` gives them: dict, list, str, int, float, bool, None."""


class Mark(NamedTuple):
    """A place in a text; both count from 1, columns in characters."""

    line: int
    column: int


class Place(NamedTuple):
    """Where a value is, where its key is (for an item of a list: the item), and the places of what it holds."""

    key: Mark
    value: Mark
    inside: Mapping[str | int, Place]


START = Place(Mark(1, 1), Mark(1, 1), {})


@frozen(kw_only=True)
class Document:
    """A tree and its places."""

    tree: Tree = None
    root: Place = START
    text: str = field(default="", repr=False)

    def place(self, path: Path) -> Place:
        """Where the value at `path` is; for a path that leads nowhere, the nearest value on the way to it."""
        found = self.root
        for step in path:
            if step not in found.inside:
                break
            found = found.inside[step]
        return found


class ReadError(Exception):
    """A text that is not read, and where it stops being readable. `rule` is a stable name, as in a Finding."""

    def __init__(self, rule: str, message: str, mark: Mark, hint: str = "") -> None:
        super().__init__(message)
        self.rule = rule
        self.message = message
        self.mark = mark
        self.hint = hint


def shown(path: Path) -> str:
    """A path as people write it: `binaries[0].env[1].default`; the root is `the file`."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.removeprefix(".") or "the file"


def quoted(value: object) -> str:
    """A value as an error shows it: escaped, and cut after 60 characters."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
