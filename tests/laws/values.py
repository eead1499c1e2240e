"""Hypothesis strategies for our frozen values, made from the types that their classes declare."""

from __future__ import annotations

import importlib
import pkgutil
import types
from collections.abc import Mapping
from enum import Enum
from functools import cache
from typing import Any, Union, get_args, get_origin

import attrs
from hypothesis import strategies as st

import cockpitpm.model

TEXT = st.text(max_size=6)
SCALARS: dict[Any, st.SearchStrategy[Any]] = {
    str: TEXT,
    int: st.integers(0, 2**53),
    bool: st.booleans(),
    float: st.floats(0, 1e6),
}
SHAPES = {
    "sha256": st.from_regex(r"[0-9a-f]{64}", fullmatch=True),
    "md5": st.from_regex(r"[0-9a-f]{32}", fullmatch=True),
}
"""Digests look like digests wherever they are."""


def classes() -> list[type]:
    """Every value class of the model that can be written. One that holds a set lives within one command."""
    modules = [
        importlib.import_module(m.name) for m in pkgutil.iter_modules(cockpitpm.model.__path__, "cockpitpm.model.")
    ]
    found = {c for m in modules for c in vars(m).values() if isinstance(c, type) and attrs.has(c)}
    return sorted((c for c in found if not _holds_a_set(c)), key=lambda c: (c.__module__, c.__name__))


def _holds_a_set(kind: Any) -> bool:
    if attrs.has(kind):
        attrs.resolve_types(kind)
        return any(_holds_a_set(f.type) for f in attrs.fields(kind))
    return get_origin(kind) is frozenset or any(_holds_a_set(part) for part in get_args(kind))


@cache
def values(kind: Any) -> st.SearchStrategy[Any]:
    """Values of this type."""
    origin, args = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return st.one_of(*(values(a) for a in args))
    if origin is tuple:
        return _tuples(args)
    if origin is not None and issubclass(origin, Mapping):
        return st.dictionaries(TEXT, values(args[1]), max_size=2)
    if kind is type(None):
        return st.none()
    if attrs.has(kind):
        return record(kind)
    return st.sampled_from(list(kind)) if issubclass(kind, Enum) else SCALARS[kind]


def record(kind: Any, **fixed: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Values of an attrs class; some fields as given."""
    attrs.resolve_types(kind)
    known = {**SHAPES, **fixed}
    return st.builds(kind, **{f.name: known[f.name] if f.name in known else values(f.type) for f in attrs.fields(kind)})


def _tuples(args: tuple[Any, ...]) -> st.SearchStrategy[Any]:
    if len(args) == 2 and args[1] is Ellipsis:
        return st.lists(values(args[0]), max_size=2).map(tuple)
    return st.tuples(*(values(a) for a in args))
