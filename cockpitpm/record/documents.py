"""JSON files that machines write: sealed by a checksum, read back by their type, unknown keys kept."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from shlex import quote
from typing import Any, TypeVar

from cockpitpm import beneath
from cockpitpm.errors import StoreError
from cockpitpm.model.codec import Malformed, decode, encode
from cockpitpm.record.durable import disk, replace_file

T = TypeVar("T")
SCHEMA = 1


def write(path: Path, value: object, keep: dict[str, Any] | None = None) -> None:
    """Write a value in one durable step. `keep` are keys of a newer version that must not be lost."""
    tree = {**(keep or {}), **encode(value), "schema": SCHEMA}
    with disk("write", path):
        replace_file(path, _sealed(tree))


def read(path: Path, cls: type[T]) -> T:
    """The value of a file. Raises StoreError if it is missing, changed by hand, or of a newer version."""
    return load(path, cls)[0]


def load(path: Path, cls: type[T]) -> tuple[T, dict[str, Any]]:
    """The value, and the keys of the file that its type does not know."""
    with disk("read", path):
        data = beneath.read(path)
    try:
        tree = json.loads(data)
        if not isinstance(tree, dict):
            raise Malformed("it holds no mapping")
        tree.pop("seal", None)
        if data != _sealed(tree):
            raise Malformed("its checksum does not fit; it was changed or cut short")
        if tree.pop("schema", None) != SCHEMA:
            raise Malformed("it was written by a version that this one does not understand")
        value = decode(cls, tree)
    except ValueError as error:
        raise StoreError(f"Cannot use {path}: {error}", _hint(path)) from error
    known = encode(value)
    return value, {key: item for key, item in tree.items() if key not in known}


def _hint(path: Path) -> str:
    """The way out: a generation is made again by installing; what is only remembered can start anew."""
    if path.stem.isdecimal():
        return f"Bring the app's records back with `cockpitpm install {quote(path.parent.name)}`"
    return f"Restore it from a backup, or start anew with `mv {quote(str(path))} {quote(f'{path}.broken')}`"


def _sealed(tree: dict[str, Any]) -> bytes:
    """The only bytes that say this tree: reading compares them all, so a change that JSON does not see is seen."""
    seal = hashlib.sha256(json.dumps(tree, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
    return json.dumps({**tree, "seal": seal}, sort_keys=True, indent=1).encode() + b"\n"
