"""Frozen values to and from plain JSON trees, checked against the types the classes declare.

Our own and small because every command pays for it at start-up; a general library costs as much as click again.
Times and digests are strings here, so the types that occur are few: attrs classes, enums, str, int, float, bool,
None, tuples, string-keyed mappings, optionals, and unions of attrs classes told apart by their class variable `KIND`.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping
from enum import Enum
from functools import cache
from typing import Any, TypeVar, Union, cast, get_args, get_origin

import attrs

T = TypeVar("T")
Decoder = Callable[[Any, str], Any]


class Malformed(ValueError):
    """A tree that is not what the type asks for; the message begins with the path to the place."""


def encode(value: object) -> Any:
    """The JSON tree of a value. Classes with a `KIND` get it under the key `is`."""
    if attrs.has(type(value)):
        instance = cast(Any, value)
        tree = {f.name: encode(getattr(instance, f.name)) for f in attrs.fields(type(instance))}
        tag = getattr(type(value), "KIND", None)
        return {"is": tag, **tree} if tag else tree
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, (tuple, list)):
        return [encode(item) for item in value]
    if isinstance(value, Mapping):
        return {key: encode(item) for key, item in value.items()}
    return value


def decode(cls: type[T], tree: object, path: str = "") -> T:
    """The value that `encode` made the tree from. Unknown keys are ignored, so that older readers read newer files.

    Raises Malformed.
    """
    return cast(T, _decoder(cast(Any, cls))(tree, path or cls.__name__))


@cache
def _decoder(kind: Any) -> Decoder:
    origin, args = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return _union(args)
    if origin is tuple:
        return _tuple(args)
    if origin is not None and issubclass(origin, Mapping):
        return _mapping(args[1])
    if attrs.has(kind):
        return _record(kind)
    if issubclass(kind, Enum):
        return _enum(kind)
    return _scalar(kind)


def _scalar(kind: type) -> Decoder:
    accepted = (int, float) if kind is float else (kind,)

    def read(tree: Any, path: str) -> Any:
        if type(tree) not in accepted:
            raise Malformed(f"{path}: expected {kind.__name__}, found {type(tree).__name__}")
        return tree

    return read


def _enum(kind: type[Enum]) -> Decoder:
    members = {(type(m.value), m.value): m for m in kind}

    def read(tree: Any, path: str) -> Any:
        # With its type: True is equal to 1, and no member of an enum of numbers.
        found = members.get((type(tree), tree)) if isinstance(tree, (str, int)) else None
        if found is None:
            raise Malformed(f"{path}: {tree!r} is none of {', '.join(str(m.value) for m in kind)}")
        return found

    return read


def _tuple(args: tuple[Any, ...]) -> Decoder:
    """`tuple[X, ...]`, or the fixed shape `tuple[X, Y]`."""
    endless = len(args) == 2 and args[1] is Ellipsis
    readers = tuple(_decoder(a) for a in args if a is not Ellipsis)

    def read(tree: Any, path: str) -> Any:
        if not isinstance(tree, list) or not (endless or len(tree) == len(readers)):
            raise Malformed(f"{path}: expected a list, found {type(tree).__name__}")
        used = readers * len(tree) if endless else readers
        return tuple(reader(item, f"{path}[{i}]") for i, (reader, item) in enumerate(zip(used, tree, strict=True)))

    return read


def _mapping(item_kind: Any) -> Decoder:
    reader = _decoder(item_kind)

    def read(tree: Any, path: str) -> Any:
        if not isinstance(tree, dict):
            raise Malformed(f"{path}: expected a mapping, found {type(tree).__name__}")
        return {key: reader(item, f"{path}.{key}") for key, item in tree.items()}

    return read


def _record(kind: Any) -> Decoder:
    attrs.resolve_types(kind)
    fields = attrs.fields(kind)
    readers = {f.name: (_decoder(f.type), f.default is attrs.NOTHING) for f in fields}

    def read(tree: Any, path: str) -> Any:
        if not isinstance(tree, dict):
            raise Malformed(f"{path}: expected a mapping, found {type(tree).__name__}")
        missing = [name for name, (_, required) in readers.items() if required and name not in tree]
        if missing:
            raise Malformed(f"{path}: {missing[0]} is missing")
        found = {n: reader(tree[n], f"{path}.{n}") for n, (reader, _) in readers.items() if n in tree}
        return kind(**found)

    return read


def _union(args: tuple[Any, ...]) -> Decoder:
    """`X | None`, or a union of tagged classes."""
    kinds = tuple(a for a in args if a is not type(None))
    optional = len(kinds) < len(args)
    tagged = {k.KIND: _decoder(k) for k in kinds} if len(kinds) > 1 else {}
    only = None if tagged else _decoder(kinds[0])

    def read(tree: Any, path: str) -> Any:
        if tree is None and optional:
            return None
        if only:
            return only(tree, path)
        tag = tree.get("is") if isinstance(tree, dict) else None
        if not isinstance(tag, str) or tag not in tagged:
            raise Malformed(f"{path}: {tag!r} is none of {', '.join(tagged)}")
        return tagged[tag](tree, path)

    return read
