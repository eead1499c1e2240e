"""Adapters that read releases. One per file; foreign errors are wrapped once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Protocol

from cockpitpm.errors import MachineError
from cockpitpm.forges.access import Warn
from cockpitpm.forges.directory import DirectoryForge
from cockpitpm.forges.forgejo import ForgejoForge
from cockpitpm.model.settings import ForgeSettings
from cockpitpm.ports import Forge


class Opener(Protocol):
    """What the dict holds: the class of an adapter, called with the settings of one forge."""

    def __call__(self, name: str, settings: ForgeSettings, token: str | None, *, warn: Warn) -> Forge:
        """Open the forge; no request is made and no folder is read yet."""
        ...


ADAPTERS: Final[Mapping[str, Opener]] = {
    "forgejo": ForgejoForge,
    "gitea": ForgejoForge,
    "directory": DirectoryForge,
}


def silent(_line: str) -> None:
    """A `warn` for callers that have nobody to tell."""


def open_forge(name: str, settings: ForgeSettings, token: str | None = None, *, warn: Warn = silent) -> Forge:
    """The forge that `machine.yaml` calls `name`. Raises MachineError for an unknown kind or an unusable url."""
    adapter = ADAPTERS.get(settings.kind)
    if adapter is None:
        known = ", ".join(ADAPTERS)
        raise MachineError(f"forge {name}: there is no kind {settings.kind!r}", f"Known kinds: {known}")
    return adapter(name, settings, token, warn=warn)
