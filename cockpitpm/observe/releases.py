"""What the channels hold, several forges' answers at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

from cockpitpm.errors import ForgeError, ReleaseNotReady
from cockpitpm.model.bundle import Bundle, Repo
from cockpitpm.model.facts import Unavailable
from cockpitpm.model.release import Release
from cockpitpm.ports import Forge

AT_ONCE = 8


def releases(forge: Callable[[Repo], Forge], wanted: Iterable[tuple[Bundle, str]]) -> dict[str, Release | Unavailable]:
    """The release of each app's channel, by app; an app whose forge gave none has the reason instead."""
    asked = list(wanted)
    if not asked:
        return {}
    with ThreadPoolExecutor(max_workers=min(AT_ONCE, len(asked)), thread_name_prefix="forge") as pool:
        found = pool.map(lambda pair: _release(forge, *pair), asked)
        return {bundle.name: answer for (bundle, _), answer in zip(asked, found, strict=True)}


def _release(forge: Callable[[Repo], Forge], bundle: Bundle, channel: str) -> Release | Unavailable:
    try:
        return forge(bundle.repo).release(bundle.repo, channel)
    except ForgeError as error:
        waiting = isinstance(error, ReleaseNotReady)
        return Unavailable(message=error.message, hint=error.hint, exit_code=error.exit_code, waiting=waiting)
