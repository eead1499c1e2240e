"""`machine.yaml` as a file: one key is changed, everything else stays as people wrote it."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cockpitpm import beneath
from cockpitpm.errors import StoreError
from cockpitpm.record.durable import disk, replace_file

Value = str | Mapping[str, str] | None
"""A text, a mapping of texts, or None for what goes."""


def changed(text: str, path: tuple[str, ...], value: Value) -> str:
    """The same YAML with one key set, or removed for None. Comments, order and quotes stay."""
    from ruamel.yaml import YAML  # costs as much as click to import, and only the setting verbs need it

    yaml = YAML()
    yaml.preserve_quotes = True
    said: Any = yaml.load(text)
    tree = {} if said is None else said
    _put(tree, path, value)
    # Where the file says nothing but comments, there is no value that they could hang on.
    out = io.StringIO("" if said and tree else _comments(text))
    out.seek(0, io.SEEK_END)
    if tree:
        yaml.dump(tree, out)
    return out.getvalue()


def _comments(text: str) -> str:
    return "".join(f"{line}\n" for line in text.splitlines() if line.startswith("#"))


def _put(tree: Any, path: tuple[str, ...], value: Value) -> None:
    for key in path[:-1]:
        if key not in tree:
            tree[key] = {}
        tree = tree[key]
    if value is None:
        tree.pop(path[-1], None)
    else:
        tree[path[-1]] = value if isinstance(value, str) else dict(value)


def read(path: Path) -> str:
    """The text as it is now; empty where there is none. Raises StoreError for one that is no UTF-8."""
    with disk("read", path):
        data = beneath.read(path) if beneath.seen(path) else b""
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise StoreError(f"{path} is not text in UTF-8", "Mend it with an editor and run the command again") from error


def write(path: Path, text: str) -> None:
    """Put the text in place durably."""
    with disk("write", path):
        replace_file(path, text.encode(), 0o644)
