"""The text of `machine.yaml` becomes Settings. Where the file is, and what happens when there is none, others know."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cockpitpm.declare.conformity import nonconformities
from cockpitpm.declare.document import Document, ReadError
from cockpitpm.declare.moment import utc
from cockpitpm.declare.reader import read_yaml
from cockpitpm.declare.upgrades import faults, upgrades_of
from cockpitpm.errors import MachineError
from cockpitpm.model.settings import Cockpit, ForgeSettings, Frames, Hold, Require, Settings

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
    _ends(document, file)
    _upgrades(document, file)
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
    forges = {name: _forge(one) for name, one in tree.get("forges", {}).items()}
    holds = {name: _hold(one) for name, one in tree.get("holds", {}).items()}
    told = {
        "forges": {"default": DEFAULT_FORGE, **forges},
        "holds": holds,
        "upgrades": upgrades_of(tree.get("upgrades", {})),
        "cockpit": _cockpit(tree.get("cockpit", {})),
    }
    return Settings(**{**tree, **told})


def _hold(tree: Mapping[str, Any]) -> Hold:
    return Hold(reason=tree["reason"], until=utc(tree["until"]) if "until" in tree else "")


def _cockpit(tree: Mapping[str, Any]) -> Cockpit:
    return Cockpit(frames=Frames(tree["frames"])) if "frames" in tree else Cockpit()


def _forge(tree: Mapping[str, Any]) -> ForgeSettings:
    told = {"require": Require(tree.get("require", "none")), "storage": tuple(tree.get("storage", ()))}
    return ForgeSettings(**{**tree, **told})


def _conforms(document: Document, file: str) -> None:
    found = sorted(fault.finding(file, document) for fault in nonconformities("machine", document.tree))
    if found:
        first, more = found[0], len(found) - 1
        rest = f" (and {more} more)" if more else ""
        raise _fault(file, first.line, first.column, first.message + rest, first.hint)


def _ends(document: Document, file: str) -> None:
    """What looks like a moment may be none, such as the 30th of February."""
    for app, hold in document.tree.get("holds", {}).items():
        try:
            _hold(hold)
        except ValueError as error:
            mark = document.place(("holds", app, "until")).value
            raise _fault(file, *mark, str(error), "Write it as 2026-12-24 or 2026-12-24T00:00:00Z") from None


def _upgrades(document: Document, file: str) -> None:
    """What conforms and still cannot be meant, such as a window that never begins."""
    for path, told in faults(document.tree.get("upgrades", {})):
        mark = document.place(("upgrades", *path)).value
        raise _fault(file, *mark, told, "See `cockpitpm schedule set --help`")


def _fault(file: str, line: int, column: int, message: str, hint: str) -> MachineError:
    return MachineError(f"{file}:{line}:{column}: {message}", hint or "Correct the file at that place")
