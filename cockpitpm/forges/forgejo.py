"""Forgejo and Gitea: what a tag holds now, in two requests, and the bytes of an asset.

Trusted for the commit is only what the tag leads to: `target_commitish` is free text stored once, and the times of a
release say nothing about when it was published.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from cockpitpm.errors import ForgeDenied, ForgeError, ReleaseNotFound, ReleaseNotReady
from cockpitpm.forges import words
from cockpitpm.forges.access import Access, base_of
from cockpitpm.forges.fields import Fields
from cockpitpm.forges.patience import Deadline, Patience
from cockpitpm.model.bundle import Repo
from cockpitpm.model.release import Asset, CommitSource, Release
from cockpitpm.model.settings import ForgeSettings
from cockpitpm.ports import Sink

if TYPE_CHECKING:
    from cockpitpm.forges.api import Api
    from cockpitpm.forges.wire import Wire


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
    ) -> None:
        self._name = name
        self._owner = settings.owner
        self._base = base_of(name, settings.url)
        self._access = Access(name, self._base, token, warn)
        self._warn = warn
        self._patience = patience or Patience()
        self._lock = threading.Lock()
        self._lines: tuple[Wire, Api] | None = None

    def release(self, repo: Repo, tag: str) -> Release:
        """What the tag holds now; see `cockpitpm.ports.Forge`. Two requests."""
        full = words.full_name(repo, self._owner)
        at = quote(words.tag_name(tag), safe="")
        deadline = self._deadline(self._patience.answer_within, f"{full} at {tag}")
        found = self._get(f"repos/{full}/releases/tags/{at}", deadline)
        if found is None:
            raise self._missing(full, tag)
        _same(found.text("tag_name"), tag, deadline)
        assets = tuple(_asset(item) for item in found.items("assets"))
        if found.flag("draft") or not assets:
            state = "is still a draft" if found.flag("draft") else "holds no asset yet"
            raise ReleaseNotReady(f"{deadline.who}: the release {state}", "Its publisher is at work: try again later")
        return Release(
            forge=self._name,
            repo=full,
            id=str(found.number("id")),
            tag=tag,
            created_at=found.moment("created_at"),
            commit=self._commit(f"repos/{full}/tags/{at}", tag, deadline),
            commit_known_by=CommitSource.TAG,
            assets=assets,
        )

    def fetch(self, asset: Asset, sink: Sink) -> None:
        """Give the bytes to `sink`; see `cockpitpm.ports.Forge`."""
        from cockpitpm.forges.download import download

        if asset.external:
            raise ForgeError(f"{asset.name} is only a link to another place", "Ask its publisher to upload it")
        wire, _api = self._network()
        deadline = self._deadline(self._patience.fetch_within, asset.name)
        download(wire, self._access, asset, sink, deadline)

    def _commit(self, path: str, tag: str, deadline: Deadline) -> str:
        """The commit that the tag leads to, through an annotated tag too."""
        found = self._get(path, deadline)
        if found is None:
            raise ReleaseNotReady(f"{deadline.who}: the release has no tag", "It is being moved: try again later")
        _same(found.text("name"), tag, deadline)
        return found.inner("commit").commit("sha")

    def _missing(self, full: str, tag: str) -> ForgeError:
        where = f"forge {self._name}: no release {tag} in {full}"
        if self._access.refused:
            return ForgeDenied(f"{where} that can be seen without a token; the stored one was refused", "Store another")
        if self._access.token is None:
            return ReleaseNotFound(where, "A private repository looks the same without a token")
        return ReleaseNotFound(where, "A private repository looks the same to a token that may not read it")

    def _get(self, path: str, deadline: Deadline) -> Fields | None:
        _wire, api = self._network()
        return api.get(path, deadline)

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

        wire = Wire(self._patience)
        return wire, Api(wire, self._access, f"{self._base.geturl()}/api/v1", self._warn)


def _same(told: str, asked: str, deadline: Deadline) -> None:
    """A forge finds tags without regard to case; another tag's release must not pass for this one's."""
    if told != asked:
        other = words.plain(ascii(told), 80)
        raise ReleaseNotFound(f"{deadline.who}: there is none, only one at {other}", "Correct the channel")


def _asset(item: Fields) -> Asset:
    return Asset(
        name=item.name("name"),
        uuid=item.text("uuid"),
        size=item.number("size"),
        created_at=item.moment("created_at"),
        url=item.text("browser_download_url"),
        external=item.optional("type") == "external",
    )
