"""Strict YAML: bytes become a Document, or one ReadError with its place, whatever the bytes are.

Only the event layer of PyYAML is used: its own tree builder recurses, keeps the last of two equal keys and follows
aliases. What YAML offers beyond plain data (aliases, tags, merge keys, directives, several documents) is refused, and
so is whatever is larger than any bundle.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

import yaml

from cockpitpm.declare.characters import forbidden, spelled
from cockpitpm.declare.document import START, Document, Mark, Place, ReadError, Tree, quoted
from cockpitpm.declare.scalar import plain

MAX_BYTES = 256 * 1024
MAX_DEPTH = 20
MAX_EVENTS = 10_000

try:
    from yaml import CBaseLoader as _Parser
except ImportError:  # pragma: no cover - PyYAML without libyaml: the same events, slower
    from yaml import BaseLoader as _Parser  # type: ignore[assignment]

_tuple = tuple.__new__
"""Makes the named tuples of every key and value; calling their class costs three times as much."""
_NOTHING: Mapping[str | int, Place] = MappingProxyType({})

_ESCAPED = (yaml.YAMLError, ValueError, OverflowError, RecursionError, AttributeError, TypeError, IndexError)
"""What PyYAML's two parsers let out; MemoryError cannot happen at these sizes."""


def read_yaml(data: bytes | str) -> Document:
    """The one document of `data`; its tree is None when there is nothing but comments. Raises only ReadError."""
    text = _text(data)
    builder = _Builder()
    for event in _events(text):
        builder.take(event)
    return Document(tree=builder.tree, root=builder.root, text=text)


def _text(data: bytes | str) -> str:
    raw = data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data
    if len(raw) > MAX_BYTES:
        raise ReadError("yaml-too-big", f"the file is larger than {MAX_BYTES // 1024} KiB", Mark(1, 1))
    try:
        text = data if isinstance(data, str) else raw.decode("utf-8")
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode("utf-8")
        raise ReadError("yaml-encoding", "the file is not UTF-8 from here on", _mark_at(before)) from None
    text = text.replace("\r\n", "\n")
    if found := forbidden(text):
        raise _bad_character(found[0], _mark_at(text[: found.start()]))
    return text


def _mark_at(before: str) -> Mark:
    return Mark(before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1)


def _bad_character(character: str, mark: Mark) -> ReadError:
    hint = "Remove it; it can be invisible in an editor."
    return ReadError("yaml-character", f"character {spelled(character)} is not allowed", mark, hint)


def _events(text: str) -> Iterator[Any]:
    try:
        parser = _Parser(text)
        for _ in range(MAX_EVENTS):
            event = parser.get_event()
            if event is None or type(event) is yaml.StreamEndEvent:
                return
            yield event
    except _ESCAPED as error:
        raise _syntax(error, text) from None
    raise ReadError("yaml-too-long", f"more than {MAX_EVENTS:,} YAML events", _mark(event))


_HINTS = {
    "mapping values": "Text with a colon and a space in it needs quotes.",
    "expected": "Above it a bracket or quote may be open, or the indentation may differ.",
}


def _syntax(error: Exception, text: str) -> ReadError:
    mark = getattr(error, "problem_mark", None)
    problem = str(getattr(error, "problem", None) or "this cannot be read as YAML")
    place = Mark(mark.line + 1, mark.column + 1) if mark else Mark(1, 1)
    end = _mark_at(text.rstrip("\n"))  # libyaml sees the end of a text on a line that is not there
    hint = next((hint for words, hint in _HINTS.items() if words in problem), "")
    return ReadError("yaml-syntax", problem, min(place, end), hint)


def _mark(event: Any) -> Mark:
    mark = event.start_mark
    return _tuple(Mark, (mark.line + 1, mark.column + 1))


class _Frame:
    """A collection that is still open. `key` is the key whose value comes next, None when a key must come."""

    __slots__ = ("inside", "key", "key_mark", "node")

    def __init__(self, node: Any, inside: dict[Any, Place]) -> None:
        self.node = node
        self.inside = inside
        self.key: str | None = None
        self.key_mark = Mark(1, 1)


class _Builder:
    """Puts events together. A stack instead of recursion, so depth is a number that is checked."""

    def __init__(self) -> None:
        self.tree: Tree = None
        self.root: Place = START
        self._open: list[_Frame] = []
        self._documents = 0

    def take(self, event: Any) -> None:
        kind = type(event)
        if kind is yaml.ScalarEvent:
            self._scalar(event)
        elif kind is yaml.MappingStartEvent:
            self._collection(event, {})
        elif kind is yaml.SequenceStartEvent:
            self._collection(event, [])
        elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
            self._open.pop()
        elif kind is yaml.AliasEvent:
            raise ReadError("yaml-alias", "aliases are not allowed", _mark(event), "Write the value out.")
        elif kind is yaml.DocumentStartEvent:
            self._document(event)

    def _document(self, event: Any) -> None:
        self._documents += 1
        if self._documents > 1:
            raise ReadError("yaml-documents", "a second document begins here", _mark(event), "One file, one document.")
        if event.version or event.tags:
            raise ReadError("yaml-directive", "directives are not allowed", _mark(event), "Remove the line with %.")

    def _collection(self, event: Any, node: Any) -> None:
        _refuse_extras(event)
        if len(self._open) >= MAX_DEPTH:
            raise ReadError("yaml-too-deep", f"nested deeper than {MAX_DEPTH}", _mark(event))
        if self._open and isinstance(self._open[-1].node, dict) and self._open[-1].key is None:
            raise ReadError("yaml-key", "a key must be a string", _mark(event))
        inside: dict[str | int, Place] = {}
        self._put(node, _mark(event), inside)
        self._open.append(_Frame(node, inside))

    def _scalar(self, event: Any) -> None:
        _refuse_extras(event)
        mark = _mark(event)
        value = _value(event, mark)
        frame = self._open[-1] if self._open else None
        if frame is not None and type(frame.node) is dict and frame.key is None:
            self._key(frame, value, event, mark)
        else:
            self._put(value, mark)

    def _key(self, frame: _Frame, value: Any, event: Any, mark: Mark) -> None:
        if value == "<<" and event.implicit[0]:
            raise ReadError("yaml-merge-key", "merge keys are not allowed", mark, "Write the keys out.")
        if not isinstance(value, str):
            raise ReadError(
                "yaml-key", f"a key must be a string, {quoted(event.value)} is not", mark, "Put it in quotes."
            )
        if value in frame.inside:
            first = frame.inside[value].key.line
            message = f"key {quoted(value)} is here twice, on lines {first} and {mark.line}"
            raise ReadError("yaml-duplicate-key", message, mark, "Keep one of them.")
        frame.key, frame.key_mark = value, mark

    def _put(self, value: Any, mark: Mark, inside: Mapping[str | int, Place] = _NOTHING) -> None:
        if not self._open:
            self.tree, self.root = value, Place(mark, mark, inside)
            return
        frame = self._open[-1]
        if type(frame.node) is dict:
            frame.inside[frame.key] = _tuple(Place, (frame.key_mark, mark, inside))
            frame.node[frame.key] = value
            frame.key = None
        else:
            frame.inside[len(frame.node)] = _tuple(Place, (mark, mark, inside))
            frame.node.append(value)


def _value(event: Any, mark: Mark) -> Any:
    if event.implicit[0]:
        return plain(event.value)
    if found := forbidden(event.value):
        raise _bad_character(found[0], mark)
    return event.value


def _refuse_extras(event: Any) -> None:
    if event.anchor is not None:
        raise ReadError("yaml-alias", "anchors are not allowed", _mark(event), "Write the value out where it is used.")
    if event.tag is not None:
        raise ReadError(
            "yaml-tag", f"tags are not allowed: {quoted(event.tag)}", _mark(event), "Quote what shall be text."
        )
