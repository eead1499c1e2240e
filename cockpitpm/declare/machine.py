"""The text of `machine.yaml` becomes Settings. Where the file is, and what happens when there is none, others know."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cockpitpm.declare.conformity import nonconformities
from cockpitpm.declare.document import Document, ReadError
from cockpitpm.declare.reader import read_yaml
from cockpitpm.errors import MachineError
from cockpitpm.model.settings import ForgeSettings, Settings

DEFAULT_FORGE = ForgeSettings(kind="forgejo", url="https://forge.ourworld.tf", owner="lhumina_code")
"""The forge called `default` on a machine that does not name another."""


def read_machine(text: str | bytes, file: str) -> Settings:
    """The settings that `text` says; an empty one says nothing, which is allowed.

    Raises MachineError with `file`, line and column of the first fault.
    """
    try:
        document = read_yaml(text)
    except ReadError as error:
        raise _fault(file, *error.mark, error.message, error.hint) from None
    if document.tree is None:
        return settings_of({})
    _conforms(document, file)
    return settings_of(document.tree)


def line_of(text: str | bytes, *keys: str) -> int | None:
    """The line that says a setting, such as `line_of(text, "channels", "hero_books")`; None if no line does."""
    try:
        place = read_yaml(text).root
        for key in keys:
            place = place.inside[key]
    except (ReadError, KeyError):
        return None
    return place.value.line


def settings_of(tree: Mapping[str, Any]) -> Settings:
    """The settings of a tree that conforms to the machine schema; `default` is always among the forges."""
    forges = {name: ForgeSettings(**one) for name, one in tree.get("forges", {}).items()}
    return Settings(**{**tree, "forges": {"default": DEFAULT_FORGE, **forges}})


def _conforms(document: Document, file: str) -> None:
    found = sorted(fault.finding(file, document) for fault in nonconformities("machine", document.tree))
    if found:
        first, more = found[0], len(found) - 1
        rest = f" (and {more} more)" if more else ""
        raise _fault(file, first.line, first.column, first.message + rest, first.hint)


def _fault(file: str, line: int, column: int, message: str, hint: str) -> MachineError:
    return MachineError(f"{file}:{line}:{column}: {message}", hint or "Correct the file at that place")
