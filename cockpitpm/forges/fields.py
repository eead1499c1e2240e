"""Reads a JSON document that nobody vouches for, field by field, with the type each field must have."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable
from typing import Any, Final, NoReturn

from cockpitpm.errors import ForgeError
from cockpitpm.forges import words

MAX_ASSETS: Final = 1000
MAX_SIZE: Final = 2**53
MAX_DEPTH: Final = 32
MAX_OPEN: Final = 50_000
"""Braces and brackets in a whole document; a release of 1,000 assets has a few thousand."""
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_DIGEST: Final = re.compile(r"([a-z0-9]{1,20}):([0-9a-f]{16,256})")


class _Odd(ValueError):
    """What the json module would let pass."""


class Fields:
    """One JSON object. `what` names it in errors, such as `the release of alpha/beta at latest`.

    Every method raises ForgeError naming the field that is missing or wrong.
    """

    def __init__(self, value: object, what: str) -> None:
        if not isinstance(value, dict):
            raise ForgeError(f"{what} is not a JSON object", "Is this the address of a forge?")
        self._value: dict[str, object] = value
        self._what = what

    def wrong(self, key: str, should: str) -> NoReturn:
        """Refuse the document for this field."""
        raise ForgeError(f"{self._what}: {key} {should}", "The forge's answer cannot be used")

    def text(self, key: str) -> str:
        """A string that is not empty."""
        value = self._value.get(key)
        if not isinstance(value, str) or not value:
            self.wrong(key, "is not a text")
        return value

    def optional(self, key: str) -> str | None:
        """A string, or None where the field is absent, null or empty."""
        return self.text(key) if self._value.get(key) not in (None, "") else None

    def number(self, key: str) -> int:
        """A whole number from 0 to 2^53. `true` is not a number, and neither is 1.0."""
        value = self._value.get(key)
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MAX_SIZE:
            self.wrong(key, "is not a whole number from 0 to 2^53")
        return value

    def optional_number(self, key: str) -> int | None:
        """A whole number, or None where the field is absent or null."""
        return self.number(key) if self._value.get(key) is not None else None

    def flag(self, key: str) -> bool:
        """True or false; absent is false."""
        value = self._value.get(key, False)
        if not isinstance(value, bool):
            self.wrong(key, "is neither true nor false")
        return value

    def moment(self, key: str) -> str:
        """An RFC 3339 time, as it was written."""
        return words.moment(self.text(key)) or self.wrong(key, "is not a time")

    def uuid(self, key: str) -> str:
        """A UUID in lower case, as every upload has one."""
        return words.uuid(self.text(key)) or self.wrong(key, "is not a UUID")

    def address(self, key: str) -> str:
        """An address in printable ASCII, of at most 4096 characters; whether it may be asked is judged by who asks."""
        return words.url(self.text(key)) or self.wrong(key, "is not an address")

    def commit(self, key: str) -> str:
        """A full commit id."""
        return words.commit_id(self.text(key)) or self.wrong(key, "is not a full commit id")

    def commits(self, key: str) -> frozenset[str]:
        """Full commit ids of a list; absent or null is an empty one."""
        value = self._value.get(key)
        listed: list[object] = value if isinstance(value, list) else []
        if not (value is None or isinstance(value, list)) or not all(
            isinstance(one, str) and words.commit_id(one) for one in listed
        ):
            self.wrong(key, "is not a list of full commit ids")
        return frozenset(str(one) for one in listed)

    def sha256(self) -> str:
        """The SHA-256 that the object tells, as `sha256` or as a `digest` of that kind; empty where it tells none."""
        plain, tagged = self.optional("sha256"), self.optional("digest")
        if plain is not None and not _SHA256.fullmatch(plain):
            self.wrong("sha256", "is not 64 hex digits")
        if tagged is None:
            return plain or ""
        found = _DIGEST.fullmatch(tagged) or self.wrong("digest", "is not an algorithm and hex digits")
        if found[1] != "sha256":
            return plain or ""
        if not _SHA256.fullmatch(found[2]) or plain not in {None, found[2]}:
            self.wrong("digest", "is not 64 hex digits, or another than sha256 says")
        return found[2]

    def name(self, key: str) -> str:
        """The name of an asset."""
        value = self.text(key)
        return words.asset_name(value) or self.wrong(key, f"{words.plain(ascii(value))} cannot be a file name")

    def inner(self, key: str) -> Fields:
        """An object inside this one."""
        return Fields(self._value.get(key), f"{self._what}: {key}")

    def items(self, key: str) -> tuple[Fields, ...]:
        """The objects of a list; null is an empty one. At most 1000."""
        value = self._value.get(key)
        if value is None:
            return ()
        if not isinstance(value, list) or len(value) > MAX_ASSETS:
            self.wrong(key, f"is not a list of at most {MAX_ASSETS}")
        return tuple(Fields(v, f"{self._what}: {key}[{i}]") for i, v in enumerate(value))


def read(body: bytes, what: str) -> Fields:
    """The JSON object in `body`. Raises ForgeError for anything else: bad UTF-8, NaN, a doubled key, a deep nest."""
    return Fields(_parsed(body, what), what)


def length(body: bytes, what: str) -> int:
    """How many entries the JSON list in `body` has; null is an empty one. Raises ForgeError for anything else."""
    value = _parsed(body, what)
    if value is not None and not isinstance(value, list):
        raise ForgeError(f"{what} is not a JSON list", "Is this the address of a forge?")
    return len(value or ())


def _parsed(body: bytes, what: str) -> object:
    try:
        # Counted before anything is made of them: 4 MiB of brackets would take fifty times that in memory.
        if body.count(b"{") + body.count(b"[") > MAX_OPEN:
            raise _Odd(f"more than {MAX_OPEN} objects and lists")
        text = body.decode("utf-8")
        value: object = json.loads(text, parse_constant=_refuse, parse_float=_finite, object_pairs_hook=_unique)
        _shallow(value)
    except _Odd as error:
        reason = f" ({error})"
    except (ValueError, RecursionError):
        reason = ""
    else:
        return value
    raise ForgeError(f"{what} is not JSON{reason}", "Is this the address of a forge?")


def _refuse(word: str) -> NoReturn:
    raise _Odd(f"{word} is no number")


def _finite(word: str) -> float:
    number = float(word)
    return number if math.isfinite(number) else _refuse(words.plain(word, 20))


def _shallow(value: object) -> None:
    """Refuse what lies deeper than 32 levels."""
    level = [value]
    for _depth in range(MAX_DEPTH):
        level = [inner for one in level if isinstance(one, dict | list) for inner in _inside(one)]
        if not level:
            return
    raise _Odd(f"more than {MAX_DEPTH} levels deep")


def _inside(value: dict[str, object] | list[object]) -> Iterable[object]:
    return value.values() if isinstance(value, dict) else value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _Odd("a key appears twice")
    return found
