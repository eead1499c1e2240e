"""Why a tree does not conform to its schema, in words for the author of the file.

A schema may name a rule and a sentence for one of its keywords: `"x-lint": {"pattern": {"rule": …, "says": …}}`,
and a hint; `{value}` in the sentence stands for the value. What it does not name is told by keyword below.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from difflib import get_close_matches
from typing import Any

import jsonschema
from jsonschema.validators import extend

from cockpitpm.declare.document import Path, Tree, quoted, shown
from cockpitpm.declare.remark import Remark

_TYPES = {
    "string": "text", "object": "a mapping", "array": "a list", "integer": "a whole number", "number": "a number",
    "boolean": "true or false",
}  # fmt: skip


def reasons(schema: dict[str, Any], tree: Tree) -> tuple[Remark, ...]:
    """One remark for each fault that Python's jsonschema finds; empty if it finds none."""
    told: dict[Remark, None] = {}
    for error in _Validator(schema).iter_errors(tree):
        told.update(dict.fromkeys(_remarks(error, _purpose(schema, error))))
    return tuple(told)


def _purpose(schema: dict[str, Any], error: Any) -> str:
    """The nearest description on the way from the schema's root to the keyword that failed."""
    node: Any = schema
    found = ""
    for step in error.absolute_schema_path:
        if isinstance(node, dict) and step not in node and "$ref" in node:
            node = schema["$defs"][node["$ref"].removeprefix("#/$defs/")]
        node = node[step]
        found = node.get("description", found) if isinstance(node, dict) else found
    return found


def _pattern(_validator: Any, pattern: str, instance: Any, _schema: Any) -> Iterator[Any]:
    """The keyword `pattern`, with `$` as ECMA 262 means it: never before a newline at the end of the text."""
    if isinstance(instance, str) and not re.search(re.sub(r"\$$", r"\\Z", pattern), instance):
        yield jsonschema.ValidationError(f"{instance!r} does not match {pattern!r}")


_Validator = extend(jsonschema.Draft202012Validator, {"pattern": _pattern})


def _remarks(error: Any, purpose: str) -> Iterator[Remark]:
    path: Path = tuple(error.absolute_path)
    subjects: Callable[[Any], Iterator[str]] = _SUBJECTS.get(error.validator, _no_subject)
    for subject in subjects(error):
        rule, message, hint = _told(error, path, subject)
        hint = hint or purpose
        on_key = error.validator == "additionalProperties" or "propertyNames" in error.absolute_schema_path
        where = (*path, subject or error.instance) if on_key else path
        yield Remark(rule=rule, path=where, message=message, hint=hint, on_key=on_key)


def _told(error: Any, path: Path, subject: str) -> tuple[str, str, str]:
    by_keyword = error.schema.get("x-lint", {}) if isinstance(error.schema, dict) else {}
    named = by_keyword.get(f"{error.validator}:{subject}") or by_keyword.get(error.validator)
    rule, message, hint = _WORDS.get(error.validator, _other)(error, subject)
    if named:
        rule, message = named["rule"], named["says"].replace("{value}", quoted(error.instance))
        hint = named.get("hint", hint)
    return rule, f"{shown(path)}: {message}", hint


def _no_subject(_error: Any) -> Iterator[str]:
    yield ""


def _missing(error: Any) -> Iterator[str]:
    yield from (key for key in error.validator_value if key not in error.instance)


def _unknown(error: Any) -> Iterator[str]:
    yield from (key for key in error.instance if key not in error.schema.get("properties", {}))


_SUBJECTS = {"required": _missing, "additionalProperties": _unknown}

Words = tuple[str, str, str]


def _close(word: object, known: list[str]) -> str:
    near = get_close_matches(str(word), known, n=1)
    return f"Did you mean {near[0]!r}?" if near else f"Known: {', '.join(known)}."


def _unknown_key(error: Any, key: str) -> Words:
    return "unknown-key", f"unknown key {quoted(key)}", _close(key, list(error.schema.get("properties", {})))


def _missing_key(error: Any, key: str) -> Words:
    return "missing-key", f"{key!r} is missing", error.schema.get("properties", {}).get(key, {}).get("description", "")


def _wrong_type(error: Any, _: str) -> Words:
    wanted = error.validator_value
    names = [_TYPES[one] for one in ([wanted] if isinstance(wanted, str) else wanted)]
    if error.instance is None:
        return "wrong-type", f"there is no value; {' or '.join(names)} is wanted", ""
    scalar = "string" in wanted and isinstance(error.instance, (bool, int, float))
    hint = "Put it in quotes." if scalar else ""
    return "wrong-type", f"{quoted(error.instance)} is not {' or '.join(names)}", hint


def _wrong_value(error: Any, _: str) -> Words:
    known = error.validator_value
    hint = _close(error.instance, known) if isinstance(known, list) else ""
    return "wrong-value", f"{quoted(error.instance)} is not allowed here", hint


def _wrong_form(error: Any, _: str) -> Words:
    return "wrong-form", f"{quoted(error.instance)} is not of the form {error.validator_value}", ""


def _twice(error: Any, _: str) -> Words:
    return "listed-twice", "an item is listed twice", ""


def _needs(error: Any, _: str) -> Words:
    return "missing-key", error.message, ""


def _out_of_range(error: Any, _: str) -> Words:
    what = "it" if isinstance(error.instance, (list, dict)) else quoted(error.instance)
    return "out-of-range", f"{what} is {_LIMITS[error.validator]} {error.validator_value}", ""


def _other(error: Any, _: str) -> Words:
    return "schema", f"{error.validator}: {quoted(error.message)}", ""


_LIMITS = {
    "minimum": "less than", "exclusiveMinimum": "not more than", "maximum": "more than",
    "minLength": "shorter in characters than", "maxLength": "longer in characters than",
    "minItems": "shorter in items than", "maxItems": "longer in items than", "maxProperties": "longer in keys than",
}  # fmt: skip
_WORDS: dict[str, Callable[[Any, str], Words]] = {
    "additionalProperties": _unknown_key, "required": _missing_key, "type": _wrong_type, "enum": _wrong_value,
    "const": _wrong_value, "pattern": _wrong_form, "uniqueItems": _twice, "dependentRequired": _needs,
    **dict.fromkeys(_LIMITS, _out_of_range),
}  # fmt: skip
