"""Forgejo and Gitea: what a tag holds now, how two commits stand to each other, and the bytes of an asset.

Trusted for the commit is only what the tag leads to: `target_commitish` is free text stored once, and the times of a
release say nothing about when it was published.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

from cockpitpm.errors import ForgeDenied, ForgeError, ReleaseNotFound, ReleaseNotReady
from cockpitpm.forges import words
from cockpitpm.forges.access import STORE, Access, base_of
from cockpitpm.forges.lineage import Lineage
from cockpitpm.forges.outage import NoConnection, Outage
from cockpitpm.forges.patience import Deadline, Patience
from cockpitpm.forges.reading import BARE, Reading, unchanged
from cockpitpm.model.bundle import Repo
from cockpitpm.model.release import Ancestry, Asset, Release
from cockpitpm.model.settings import ForgeSettings
from cockpitpm.ports import Sink

if TYPE_CHECKING:
    from cockpitpm.forges.api import Api
    from cockpitpm.forges.reach import Resolve
    from cockpitpm.forges.wire import Wire

_T = TypeVar("_T")


class ForgejoForge:
    """One forge. Safe for several threads; the network library is loaded by the first request, not before."""

    def __init__(
        self,
        name: str,
        settings: ForgeSettings,
        token: str | None = None,
        *,
        warn: Callable[[str], None],
        patience: Patience | None = None,
        resolve: Resolve | None = None,
    ) -> None:
        self._name = name
        self._owner = settings.owner
        self._base = base_of(name, settings.url)
        self._access = Access(name, self._base, token, warn, settings.storage, resolve)
        self._warn = warn
        self._patience = patience or Patience()
        self._outage = Outage(self._patience)
        self._lineage = Lineage()
        self._lock = threading.Lock()
        self._lines: tuple[Wire, Api] | None = None

    def release(self, repo: Repo, tag: str, seen: Release | None = None) -> Release:
        """What the tag holds now; see `cockpitpm.ports.Forge`.

        One request if it still is what was seen, else four: release, tag, release, commit; two more for each time that
        it changed meanwhile.
        """
        full = words.full_name(repo, self._owner)
        deadline = self._deadline(self._patience.answer_within, f"{full} at {words.tag_name(tag)}")
        reading = Reading(
            lambda path: self._ask(deadline, lambda api: api.get(path, deadline)), self._name, full, tag, deadline
        )
        known = seen is not None and (seen.forge, seen.repo, seen.tag) == (self._name, full, tag)
        glance = reading.glance()
        if glance is None:
            raise self._missing(full, tag, known)
        return seen if seen is not None and known and unchanged(glance, seen) else reading.settled(glance)

    def ancestry(self, repo: Repo, old: str, new: str) -> Ancestry:
        """How two commits stand to each other; see `cockpitpm.ports.Forge` and, for the requests, `Lineage`."""
        full = words.full_name(repo, self._owner)
        deadline = self._deadline(self._patience.answer_within, f"the commits of {full}")

        def count(has: str, lacks: str) -> int | None:
            path = f"repos/{full}/commits?sha={has}&not={lacks}&limit=1&{BARE}"
            return self._ask(deadline, lambda api: api.count(path, deadline))

        return self._lineage.between(old, new, count)

    def fetch(self, asset: Asset, sink: Sink) -> None:
        """Give the bytes to `sink`; see `cockpitpm.ports.Forge`."""
        from cockpitpm.forges.download import download

        if asset.external:
            raise ForgeError(f"{asset.name} is only a link to another place", "Ask its publisher to upload it")
        wire, _api = self._network()
        deadline = self._deadline(self._patience.fetch_within, asset.name)
        download(wire, self._access, asset, sink, deadline)

    def _missing(self, full: str, tag: str, known: bool) -> ForgeError:
        """What a 404 means: a release that was there is being replaced, or its tag deleted and pushed again."""
        where = f"forge {self._name}: no release {tag} in {full}"
        if self._access.refused:
            return ForgeDenied(f"{where} that can be seen without a token; the stored one was refused", STORE)
        if known:
            return ReleaseNotReady(
                f"{where} at this moment; there was one",
                "Try again later: it is being replaced, was withdrawn, or is private now and needs a token",
            )
        if self._access.token is None:
            return ReleaseNotFound(where, f"A private repository looks the same without a token. {STORE}")
        hint = "Check its name and the channel; a private repository looks the same to a token that may not read it"
        return ReleaseNotFound(where, hint)

    def _ask(self, deadline: Deadline, question: Callable[[Api], _T]) -> _T:
        """Ask the API, unless nobody was there a moment ago."""
        self._outage.check(deadline)
        _wire, api = self._network()
        try:
            answer = question(api)
        except NoConnection:
            self._outage.began()
            raise
        self._outage.ended()
        return answer

    def _deadline(self, seconds: float, what: str) -> Deadline:
        return self._patience.until(seconds, f"forge {self._name} ({urlsplit(self._base.geturl()).netloc}): {what}")

    def _network(self) -> tuple[Wire, Api]:
        with self._lock:
            if self._lines is None:
                self._lines = self._opened()
            return self._lines

    def _opened(self) -> tuple[Wire, Api]:
        # Loaded here because a verb that only looks at this machine must not pay for a network library.
        from cockpitpm.forges.api import Api
        from cockpitpm.forges.wire import Wire

        wire = Wire(self._patience, reach=self._access.reach)
        return wire, Api(wire, self._access, f"{self._base.geturl()}/api/v1", self._warn)
