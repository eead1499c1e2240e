"""`release.json` of a release that is a folder, and the files that it names; the format is told in `directory`.

Works on the descriptor of the open folder, so that everything that is read belongs to the same folder.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, Final
from urllib.parse import quote
from uuid import NAMESPACE_URL, uuid5

from attrs import frozen

from cockpitpm.errors import ForgeError, ForgeUnreachable, ReleaseNotReady
from cockpitpm.forges import fields, folder
from cockpitpm.model.release import Asset

MANIFEST: Final = "release.json"
_MAX_BODY: Final = 4 * 1024 * 1024
_SHA256: Final = re.compile(r"[0-9a-f]{64}")


@frozen
class Shelf:
    """The open folder of one release. `held` is its descriptor, `place` its path, `who` names it in errors."""

    held: int
    place: Path
    who: str

    def manifest(self) -> fields.Fields:
        """`release.json`. Raises ReleaseNotReady if it is not there, ForgeError if it cannot be used."""
        with self.file(MANIFEST) as file:
            body = file.read(_MAX_BODY + 1)
        if len(body) > _MAX_BODY:
            raise ForgeError(f"{self.who}: {MANIFEST} is over 4 MiB", "Write a smaller one")
        return fields.read(body, f"{self.who}: {MANIFEST}")

    def asset(self, item: fields.Fields) -> Asset:
        """The file of one entry. Raises ReleaseNotReady if the file is not there or has another size."""
        name = item.name("name")
        with self.file(name) as file:
            state = os.fstat(file.fileno())
        if item.optional_number("size") not in {None, state.st_size}:
            raise ReleaseNotReady(f"{self.who}: {name} has not the size that {MANIFEST} says", "Still being copied?")
        return Asset(
            name=name,
            uuid=_identity(item, name, state),
            size=state.st_size,
            created_at=item.moment("created_at") if item.optional("created_at") else _written(state),
            url=f"{self.place.as_uri()}/{quote(name)}",
        )

    @contextmanager
    def file(self, name: str) -> Iterator[BinaryIO]:
        """A file of the folder, open. What happens while it is used is the caller's."""
        with ExitStack() as stack:
            try:
                file = stack.enter_context(folder.opened(self.held, name))
            except FileNotFoundError:
                raise ReleaseNotReady(f"{self.who}: there is no {name}", "Is the release still being copied?") from None
            except OSError as error:
                reason = error.strerror or str(error)
                raise ForgeUnreachable(f"{self.who}: {name}: {reason}", "It must be a regular file") from None
            yield file


def digest_of(item: fields.Fields) -> str | None:
    """The SHA-256 that an entry announces, in hex."""
    found = item.optional("sha256")
    if found is not None and not _SHA256.fullmatch(found):
        item.wrong("sha256", "is not 64 hex digits")
    return found


def _identity(item: fields.Fields, name: str, state: os.stat_result) -> str:
    """Changes whenever the content does. A told one is only believed where a digest holds the bytes to it."""
    digest = digest_of(item)
    told = item.optional("uuid")
    if told and digest:
        return told
    if told:
        item.wrong("uuid", "needs a sha256 beside it")
    content = digest or f"{state.st_size} {state.st_mtime_ns} {state.st_ino}"
    return str(uuid5(NAMESPACE_URL, f"{name}\n{content}"))


def _written(state: os.stat_result) -> str:
    return datetime.fromtimestamp(int(state.st_mtime), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
