"""The web routes: downloads by name and by uuid, and the sign-in page that one meets instead."""

from __future__ import annotations

import re
from datetime import UTC
from email.utils import format_datetime

from cockpitpm.sandbox.forge.call import Call
from cockpitpm.sandbox.forge.fault import SIGN_IN_PAGE
from cockpitpm.sandbox.forge.release import Attachment, ReleaseRow
from cockpitpm.sandbox.forge.reply import Reply, page, redirect
from cockpitpm.sandbox.forge.repository import Repository

_RANGE = re.compile(r"bytes=(\d*)-(\d*)", re.ASCII)


def by_name(call: Call) -> Reply:
    """Download by tag and name. Here the tag's case counts; `latest` is the newest if no tag is called so."""
    repo = call.repo
    row = _row(call, repo)
    found = row.named(call.args["name"]) if row else []
    return _sent(call, repo, row, found[0]) if row and found else absent()


def by_uuid(call: Call) -> Reply:
    """Download by uuid."""
    for repo in call.state.repositories.values():
        for row, found in repo.attachments():
            if found.uuid == call.args["uuid"]:
                seen = call.may_read(repo) and (call.method == "GET" or not repo.private)
                return _sent(call, repo, row, found) if seen else absent()
    return absent()


def sign_in(_call: Call) -> Reply:
    """The page that a browser would be shown."""
    return page(200, SIGN_IN_PAGE.decode(), "text/html; charset=utf-8")


def absent() -> Reply:
    """What the web routes say about what is not there."""
    return page(404, "Not found.\n")


def _row(call: Call, repo: Repository) -> ReleaseRow | None:
    asked = call.args["tag"]
    row = next((r for r in repo.releases if r.tag == asked), None)
    if row is None and asked == "latest":
        public = [r for r in repo.releases if not (r.bare or r.draft or r.prerelease)]
        row = max(public, key=lambda r: (r.created, r.id), default=None)
    return row


def _sent(call: Call, repo: Repository, row: ReleaseRow, found: Attachment) -> Reply:
    if row.draft and not call.may_write(repo):
        return absent()
    found.downloads += 1
    if found.external_url:
        return redirect(303, found.external_url)
    headers = {
        "ETag": f'"{found.uuid}"',
        "Last-Modified": format_datetime(found.created.astimezone(UTC), usegmt=True),
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, max-age=300",
        "Content-Type": "application/octet-stream",
        "Content-Disposition": f'inline; filename="{found.name}"',
    }
    if headers["ETag"] in call.headers.get("if-none-match", ""):
        return Reply(status=304, headers={"ETag": headers["ETag"], "Cache-Control": headers["Cache-Control"]})
    return _ranged(call, found, headers)


def _ranged(call: Call, found: Attachment, headers: dict[str, str]) -> Reply:
    whole = Reply(status=200, headers=headers, content=found.content)
    asked = _RANGE.fullmatch(call.headers.get("range", ""))
    condition = call.headers.get("if-range")
    if not asked or asked[0] == "bytes=-" or condition not in {None, headers["ETag"], headers["Last-Modified"]}:
        return whole
    first, last = _bounds(asked[1], asked[2], found.size)
    if first > last:
        return Reply(status=416, headers={"Content-Range": f"bytes */{found.size}"})
    partial = {**headers, "Content-Range": f"bytes {first}-{last}/{found.size}"}
    return Reply(status=206, headers=partial, content=found.content, start=first, length=last - first + 1)


def _bounds(first: str, last: str, size: int) -> tuple[int, int]:
    """First and last byte; first > last if no byte is meant."""
    if not first:
        return max(size - int(last), 0), size - 1
    return int(first), min(int(last), size - 1) if last else size - 1
