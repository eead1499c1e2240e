"""Reads a JSON document that nobody vouches for, field by field, with the type each field must have."""

from __future__ import annotations

import json
from typing import Any, Final, NoReturn

from cockpitpm.errors import ForgeError
from cockpitpm.forges import words

MAX_ASSETS: Final = 1000
MAX_SIZE: Final = 2**53


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

    def commit(self, key: str) -> str:
        """A full commit id."""
        return words.commit_id(self.text(key)) or self.wrong(key, "is not a full commit id")

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
    try:
        value = json.loads(body, parse_constant=_refuse, object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        raise ForgeError(f"{what} is not JSON ({words.plain(str(error), 80)})", "Is this a forge?") from None
    return Fields(value, what)


def _refuse(word: str) -> NoReturn:
    raise ValueError(f"{word} is not JSON")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key appears twice")
    return found
