"""Bytes to a JSON tree, refusing everything that two programs could read in two ways."""

from __future__ import annotations

import json
import math
from typing import Any

DEEPEST = 32
"""Levels of arrays and objects within each other; what a request needs is three."""


class NotJson(ValueError):
    """Bytes that are no JSON, or JSON that means nothing certain; the message says why, in one line."""


def read(body: bytes) -> Any:
    """The tree that the bytes spell in UTF-8. Raises NotJson, also for an object that has a key twice, for numbers
    that are none or too large, for what is nested too deep and for text that is not Unicode.
    """
    try:
        text = body.decode("utf-8")
        tree = json.loads(text, object_pairs_hook=_once, parse_constant=_constant, parse_float=_finite)
    except NotJson:
        raise
    except RecursionError as error:
        raise NotJson(f"it is nested deeper than {DEEPEST} levels") from error
    except UnicodeDecodeError as error:
        raise NotJson(f"it is not UTF-8 at byte {error.start}") from error
    except json.JSONDecodeError as error:
        raise NotJson(f"{error.msg} at character {error.pos}") from error
    except ValueError as error:  # an integer of more digits than Python reads
        raise NotJson("a number in it is too long") from error
    _sound(tree)
    return tree


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise NotJson("an object in it has a key twice")
    return found


def _constant(word: str) -> Any:
    raise NotJson(f"{word} is no JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise NotJson("a number in it is too large")
    return number


def _sound(tree: Any) -> None:
    """Level by level: how deep it is, and whether every text can be written again."""
    level, depth = [tree], 0
    while level:
        depth += any(isinstance(one, (dict, list)) for one in level)
        if depth > DEEPEST:
            raise NotJson(f"it is nested deeper than {DEEPEST} levels")
        for text in (one for one in level if isinstance(one, str)):
            _unicode(text)
        level = [part for one in level for part in _parts(one)]


def _parts(one: Any) -> list[Any]:
    if isinstance(one, dict):
        return [*one, *one.values()]
    return one if isinstance(one, list) else []


def _unicode(text: str) -> None:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise NotJson("a text in it is half a character") from error
