"""Names that come from elsewhere: what may stand in a path or on a screen, and what is refused.

Each check is a fullmatch and returns the word itself, so that nothing unchecked is used by mistake.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

from cockpitpm.errors import ForgeError
from cockpitpm.model.bundle import Repo

_PART: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}", re.ASCII)
_ASSET: Final = re.compile(r"[^/\\]{1,255}")
_COMMIT: Final = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)", re.ASCII)
_UUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_YEARS: Final = range(1970, 3000)
"""A commit or an upload of another year is a fault; and the first and last years break when a zone is added."""
_REF_FORBIDS: Final = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|/\.|\.lock(?:/|$)")


def full_name(repo: Repo, owner: str) -> str:
    """`owner/name` of the repository; `owner` is the forge's own, for a repository that names none.

    Raises ForgeError if no owner is known or a part cannot be a name.
    """
    parts = (repo.owner or owner, repo.name)
    if not parts[0]:
        raise ForgeError(f"repository {repo.name} has no owner", f"Name it in the bundle or for forge {repo.forge}")
    for part in parts:
        if not _PART.fullmatch(part):
            raise ForgeError(f"{part!r} cannot be a part of a repository's name", "Letters, digits, '.', '_', '-'")
    return "/".join(parts)


def tag_name(tag: str) -> str:
    """The tag, if git would accept it. It may contain `/`. Raises ForgeError."""
    odd = not tag or len(tag) > 200 or tag[0] in "-./" or tag[-1] in "./" or not tag.isprintable()
    if odd or _REF_FORBIDS.search(tag):
        raise ForgeError(f"{tag!r} cannot be the name of a tag", "Correct the channel")
    return tag


def asset_name(name: str) -> str | None:
    """The name, if it is one path segment that can be shown: no control, bidi or invisible characters. Else None."""
    good = _ASSET.fullmatch(name) and name.isprintable() and name not in {".", ".."}
    return name if good and len(name.encode()) <= 255 else None


def commit_id(text: str) -> str | None:
    """The text, if it is a full commit id (SHA-1 or SHA-256, lower case). Else None."""
    return text if _COMMIT.fullmatch(text) else None


def uuid(text: str) -> str | None:
    """The text, if it is a UUID in lower case. Else None."""
    return text if _UUID.fullmatch(text) else None


def url(text: str) -> str | None:
    """The text, if it is printable ASCII of at most 4096 characters. Else None."""
    return text if text.isascii() and text.isprintable() and len(text) <= 4096 else None


def moment(text: str) -> str | None:
    """The text, if it is an RFC 3339 time with its offset, of the years 1970 to 2999. Else None."""
    if not _MOMENT.fullmatch(text):
        return None
    try:
        year = datetime.fromisoformat(text).year
    except ValueError:
        return None
    return text if year in _YEARS else None


def address(url: str) -> str:
    """An address as it may be shown: what may be secret in it, a user with a password and a query, is left out."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "an address that cannot be read"
    user, _, host = parts.netloc.rpartition("@")
    if not host:  # where the user ends cannot be told then
        return f"an address without a host ({plain(parts.scheme, 20) or 'no scheme'})"
    netloc = f"…@{host}" if user else host
    return plain(parts._replace(netloc=netloc, query="…" if parts.query else "", fragment="").geturl(), 80)


def plain(text: str, limit: int = 160) -> str:
    """One short line of foreign text that is safe on a terminal."""
    shown = "".join(c if c.isprintable() else " " for c in text[: limit * 4])
    shown = " ".join(shown.split())
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"
