"""The forge's rows: a release, and one uploaded file of it. They change, as rows do."""

from __future__ import annotations

from datetime import datetime
from uuid import uuid4

from attrs import Factory, define

from cockpitpm.sandbox.forge.content import Content


@define(kw_only=True)
class Attachment:
    """One upload. Its content never changes: replacing a file is a new upload with a new uuid."""

    id: int
    name: str
    content: Content
    created: datetime
    external_url: str = ""
    uuid: str = Factory(lambda: str(uuid4()))
    downloads: int = 0

    @property
    def size(self) -> int:
        """Bytes; 0 for a link to another place."""
        return 0 if self.external_url else self.content.size


@define(kw_only=True)
class ReleaseRow:
    """A release, or (`bare`) only a tag. `target` is what its author wrote once, true or not.

    `created` is not when it was published: a pushed tag overwrites it with the date of the tagger or the author.
    """

    id: int
    tag: str
    created: datetime
    target: str = ""
    title: str = ""
    note: str = ""
    draft: bool = False
    prerelease: bool = False
    bare: bool = False
    attachments: list[Attachment] = Factory(list)

    def named(self, name: str) -> list[Attachment]:
        """Every upload of this name."""
        return [a for a in self.attachments if a.name == name]

    @property
    def twins(self) -> bool:
        """Whether two uploads share a name; then every address of the release leads by uuid instead of by name."""
        names = [a.name for a in self.attachments]
        return len(set(names)) != len(names)
