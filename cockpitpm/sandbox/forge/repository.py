"""One repository: its commits, tags and releases, and what a push or an edit does to them.

The odd parts are on purpose, and those of the real thing: a moved tag leaves the uploads alone and rewrites the date of
the release; a deleted tag makes the release a draft; a release can go while its tag stays.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime

from attrs import Factory, define

from cockpitpm.sandbox.forge.content import Content
from cockpitpm.sandbox.forge.history import Commit, Tag, new_commit, new_tag, reachable
from cockpitpm.sandbox.forge.release import Attachment, ReleaseRow


class Conflict(Exception):
    """What was asked cannot be: the status that the forge answers, and why."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


@define(kw_only=True)
class Repository:
    """A repository of the sandbox forge. Times come from `now`; ids from `next_id`, which the whole forge shares."""

    owner: str
    name: str
    now: Callable[[], datetime]
    next_id: Callable[[], int]
    private: bool = False
    readers: set[str] = Factory(set)
    pull_requests: bool = True
    drafts_stay: bool = False
    branches: dict[str, str] = Factory(dict)
    commits: dict[str, Commit] = Factory(dict)
    tags: dict[str, Tag] = Factory(dict)
    releases: list[ReleaseRow] = Factory(list)

    @property
    def full_name(self) -> str:
        """`owner/name`."""
        return f"{self.owner}/{self.name}"

    def commit(
        self,
        message: str,
        *,
        at: datetime | None = None,
        authored: datetime | None = None,
        parents: tuple[str, ...] | None = None,
        branch: str = "main",
    ) -> str:
        """Add a commit to a branch and return its id: 40 hex digits that follow from message, dates and parents.

        Without `parents` it follows the branch's head; `parents=()` begins a history of its own.
        """
        committed = at or self.now()
        head = self.branches.get(branch)
        before = parents if parents is not None else tuple([head] if head else [])
        made = new_commit(message, before, authored or committed, committed)
        self.commits[made.sha] = made
        self.branches[branch] = made.sha
        return made.sha

    def push_tag(
        self, name: str, commit: str, *, annotated: bool = False, message: str = "", at: datetime | None = None
    ) -> Tag:
        """Make or move a tag, as `git push --force` does. The uploads stay as they are."""
        made = new_tag(name, commit, message or name, (at or self.now()) if annotated else None)
        self.tags[name] = made
        created = made.tagged or self.commits[commit].authored
        row = self.row(name)
        if row is None:
            self.releases.append(ReleaseRow(id=self.next_id(), tag=name, created=created, bare=True))
        else:
            row.created = created
            row.draft = row.draft and self.drafts_stay
        return made

    def delete_tag(self, name: str) -> None:
        """Delete a tag by push: a release on it becomes a draft."""
        self.tags.pop(name)
        row = self.row(name)
        if row is not None and row.bare:
            self.releases.remove(row)
        elif row is not None:
            row.draft = True

    def row(self, tag: str) -> ReleaseRow | None:
        """The row of a tag, found without regard to case."""
        return next((r for r in self.releases if r.tag.lower() == tag.lower()), None)

    def by_id(self, number: int) -> ReleaseRow | None:
        """The release with this id."""
        return next((r for r in self.releases if r.id == number and not r.bare), None)

    def create_release(
        self, tag: str, *, target: str = "", title: str = "", note: str = "", draft: bool = False, pre: bool = False
    ) -> ReleaseRow:
        """A release for a tag; the tag is made at `target` if there is none. Raises Conflict."""
        row = self.row(tag)
        if row is not None and not row.bare:
            raise Conflict(409, "Release already exists")
        if row is None:
            if not draft:
                self._tag_for_release(tag, target)
            row = self.row(tag) or self._new_row(tag)
            row.created = self.now()
        row.bare, row.target, row.title, row.note = False, target, title or tag, note
        row.draft, row.prerelease = draft, pre
        return row

    def delete_release(self, row: ReleaseRow) -> None:
        """Remove a release and its uploads; the tag stays."""
        tag = self.tags.get(row.tag)
        if tag is None:
            self.releases.remove(row)
            return
        row.attachments.clear()
        row.bare, row.target, row.draft = True, "", False

    def upload(self, row: ReleaseRow, name: str, content: Content, external_url: str = "") -> Attachment:
        """Add a file to a release. Nobody minds if the name is taken."""
        made = Attachment(id=self.next_id(), name=name, content=content, created=self.now(), external_url=external_url)
        row.attachments.append(made)
        return made

    def resolve(self, reference: str) -> str | None:
        """The commit of a branch, a tag or a commit id; the default branch for an empty reference."""
        if not reference:
            return self.branches.get("main")
        tag = self.tags.get(reference)
        return self.branches.get(reference) or (tag.commit if tag else None) or self._known(reference)

    def ahead(self, head: str, base: str | None) -> list[Commit]:
        """The commits of `head` that `base` does not have, newest first."""
        found = reachable(self.commits, head) - (reachable(self.commits, base) if base else set())
        return sorted((self.commits[sha] for sha in found), key=lambda c: c.committed, reverse=True)

    def related(self, one: str, other: str) -> bool:
        """Whether two commits have an ancestor in common."""
        return bool(reachable(self.commits, one) & reachable(self.commits, other))

    def attachments(self) -> Iterator[tuple[ReleaseRow, Attachment]]:
        """Every upload, with its release."""
        return ((row, a) for row in self.releases for a in row.attachments)

    def _tag_for_release(self, tag: str, target: str) -> None:
        commit = self.resolve(target)
        if commit is None:
            status, reason = (404, "The target couldn't be found.") if self.commits else (422, "repo is empty")
            raise Conflict(status, reason)
        if tag not in self.tags:
            self.tags[tag] = new_tag(tag, commit, tag, None)

    def _new_row(self, tag: str) -> ReleaseRow:
        row = ReleaseRow(id=self.next_id(), tag=tag, created=self.now(), bare=True)
        self.releases.append(row)
        return row

    def _known(self, sha: str) -> str | None:
        return sha if sha in self.commits else None
