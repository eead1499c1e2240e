"""Reads a release and its tag so that they belong together, although a publisher changes them one by one.

Release, tag, release: when the two readings of the release are equal, nothing of it changed in between, and so the tag
led to this commit while exactly these uploads were there. Whether the uploads were made from that commit is not the
forge's to know: a tag moves without them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final
from urllib.parse import quote

from attrs import evolve, frozen

from cockpitpm.errors import ReleaseNotFound, ReleaseNotReady
from cockpitpm.forges import words
from cockpitpm.forges.fields import Fields
from cockpitpm.forges.patience import Deadline
from cockpitpm.model.release import Asset, CommitSource, Release

TRIES: Final = 3
BARE: Final = "stat=false&verification=false&files=false"
"""Spares the server what it would compute for a commit and nobody here reads."""


@frozen
class Reading:
    """One tag of the repository `full` at the forge `name`; `ask` gives the document at a path, None for 404."""

    ask: Callable[[str], Fields | None]
    name: str
    full: str
    tag: str
    deadline: Deadline

    def glance(self) -> Release | None:
        """One reading of the release, its commit left open; None for 404. Raises ReleaseNotReady for a draft."""
        found = self.ask(f"repos/{self.full}/releases/tags/{self._at}")
        if found is None:
            return None
        self._named(found.text("tag_name"))
        assets = tuple(sorted((_asset(item) for item in found.items("assets")), key=_order))
        if found.flag("draft") or not assets:
            state = "is still a draft" if found.flag("draft") else "holds no asset yet"
            raise self._early(state)
        return Release(
            forge=self.name,
            repo=self.full,
            id=str(found.number("id")),
            tag=self.tag,
            created_at=found.moment("created_at"),
            commit="",
            commit_known_by=CommitSource.TAG,
            assets=assets,
        )

    def settled(self, glance: Release) -> Release:
        """The release with its commit. Raises ReleaseNotReady if it does not stay the same long enough to be read."""
        for attempt in range(1, TRIES + 1):
            commit = self._commit()
            again = self._again()
            if again == glance:
                return evolve(glance, commit=commit, committed_at=self._committed(commit))
            if attempt < TRIES:
                self.deadline.rest(attempt + 1, None)
            # Nothing is lost by waiting between the two: they only count if they are equal.
            glance = again or glance
        raise self._early("is being published")

    def _again(self) -> Release | None:
        """A second reading; None for one that cannot be equal to the first."""
        try:
            return self.glance()
        except ReleaseNotReady:
            return None

    def _commit(self) -> str:
        """The commit that the tag leads to, through an annotated tag too."""
        found = self.ask(f"repos/{self.full}/tags/{self._at}")
        if found is None:
            raise ReleaseNotReady(f"{self.deadline.who}: the release has no tag", "It is being moved: try again later")
        self._named(found.text("name"))
        return found.inner("commit").commit("sha")

    def _committed(self, commit: str) -> str:
        """The committer's date; empty if the forge does not tell it."""
        found = self.ask(f"repos/{self.full}/git/commits/{commit}?{BARE}")
        if found is None or not found.optional("created"):
            return ""
        if found.commit("sha") != commit:
            found.wrong("sha", "is not the commit that was asked for")
        return found.moment("created")

    @property
    def _at(self) -> str:
        return quote(self.tag, safe="")

    def _early(self, state: str) -> ReleaseNotReady:
        hint = "Its publisher is at work: try again later"
        return ReleaseNotReady(f"{self.deadline.who}: the release {state}", hint)

    def _named(self, told: str) -> None:
        """A forge finds tags without regard to case; another tag's release must not pass for this one's."""
        if told != self.tag:
            other = words.plain(ascii(told), 80)
            raise ReleaseNotFound(f"{self.deadline.who}: there is none, only one at {other}", "Correct the channel")


def unchanged(glance: Release, seen: Release) -> bool:
    """Whether a reading shows what was seen before: the same release, date and uploads, each at the same address."""
    return (glance.id, glance.created_at, glance.assets) == (
        seen.id,
        seen.created_at,
        tuple(sorted(seen.assets, key=_order)),
    )


def _order(asset: Asset) -> tuple[str, str]:
    return asset.name, asset.uuid


def _asset(item: Fields) -> Asset:
    return Asset(
        name=item.name("name"),
        uuid=item.uuid("uuid"),
        size=item.number("size"),
        created_at=item.moment("created_at"),
        url=item.address("browser_download_url"),
        external=item.optional("type") == "external",
        sha256=item.sha256(),
    )
