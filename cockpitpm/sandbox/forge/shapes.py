"""The JSON of the API: the fields, names and oddities of the real forge."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any
from urllib.parse import quote

from cockpitpm.sandbox.forge.history import Commit, Tag
from cockpitpm.sandbox.forge.release import Attachment, ReleaseRow
from cockpitpm.sandbox.forge.repository import Repository
from cockpitpm.sandbox.forge.state import ForgeState

Json = dict[str, Any]


def when(moment: datetime) -> str:
    """RFC 3339 in the zone that the time has."""
    return moment.isoformat().replace("+00:00", "Z")


def release(repo: Repository, row: ReleaseRow, base: str, state: ForgeState) -> Json:
    """A release. `created_at` and `published_at` are the same, and neither is when it was published."""
    api = f"{base}/api/v1/repos/{repo.full_name}/releases/{row.id}"
    return {
        "id": row.id,
        "tag_name": row.tag,
        "target_commitish": row.target,
        "name": row.title,
        "body": row.note,
        "url": api,
        "html_url": f"{base}/{repo.full_name}/releases/tag/{quote(row.tag)}",
        "tarball_url": f"{base}/{repo.full_name}/archive/{quote(row.tag)}.tar.gz",
        "zipball_url": f"{base}/{repo.full_name}/archive/{quote(row.tag)}.zip",
        "upload_url": f"{api}/assets",
        "draft": row.draft,
        "prerelease": row.prerelease,
        "created_at": when(row.created),
        "published_at": when(row.created),
        "author": {"id": 1, "login": "ci", "username": "ci"},
        "assets": [attachment(repo, row, a, base, state) for a in sorted(row.attachments, key=lambda a: a.name)],
    }


def attachment(repo: Repository, row: ReleaseRow, one: Attachment, base: str, state: ForgeState) -> Json:
    """An upload. No time of a change; no digest, unless the state wants one."""
    by_name = f"{base}/{repo.full_name}/releases/download/{quote(row.tag, safe='')}/{quote(one.name)}"
    shape: Json = {
        "id": one.id,
        "name": one.name,
        "size": one.size,
        "download_count": one.downloads,
        "created_at": when(one.created),
        "uuid": one.uuid,
        "browser_download_url": one.external_url or (f"{base}/attachments/{one.uuid}" if row.twins else by_name),
    }
    if state.digests:
        with one.content.open() as file:
            shape["sha256"] = None if one.external_url else hashlib.sha256(file.read()).hexdigest()
    return shape if state.gitea else {**shape, "type": "external" if one.external_url else "attachment"}


def tag(repo: Repository, one: Tag, base: str) -> Json:
    """A tag, peeled: `commit.sha` is the commit. `commit.url` holds the id of the tag object, as the real one does."""
    return {
        "name": one.name,
        "message": one.message,
        "id": one.sha,
        "commit": {
            "url": f"{base}/api/v1/repos/{repo.full_name}/git/commits/{one.sha}",
            "sha": one.commit,
            "created": when(one.tagged or repo.commits[one.commit].committed),
        },
        "zipball_url": f"{base}/{repo.full_name}/archive/{quote(one.name)}.zip",
        "tarball_url": f"{base}/{repo.full_name}/archive/{quote(one.name)}.tar.gz",
    }


def reference(repo: Repository, one: Tag, base: str) -> Json:
    """A ref, not peeled."""
    kind = "tag" if one.annotated else "commit"
    git = f"{base}/api/v1/repos/{repo.full_name}/git"
    return {
        "ref": f"refs/tags/{one.name}",
        "url": f"{git}/refs/tags/{quote(one.name)}",
        "object": {"type": kind, "sha": one.sha, "url": f"{git}/{kind}s/{one.sha}"},
    }


def annotated(repo: Repository, one: Tag, base: str) -> Json:
    """A tag object."""
    git = f"{base}/api/v1/repos/{repo.full_name}/git"
    return {
        "tag": one.name,
        "sha": one.sha,
        "url": f"{git}/tags/{one.sha}",
        "message": one.message,
        "tagger": {"name": "ci", "email": "ci@example.org", "date": when(one.tagged) if one.tagged else ""},
        "object": {"type": "commit", "url": f"{git}/commits/{one.commit}", "sha": one.commit},
        "verification": None,
    }


def commit(repo: Repository, one: Commit, base: str) -> Json:
    """A commit. `created` is the committer's date."""
    git = f"{base}/api/v1/repos/{repo.full_name}/git/commits"
    author = {"name": "dev", "email": "dev@example.org"}
    return {
        "url": f"{git}/{one.sha}",
        "sha": one.sha,
        "created": when(one.committed),
        "commit": {
            "message": one.message,
            "author": {**author, "date": when(one.authored)},
            "committer": {**author, "date": when(one.committed)},
        },
        "parents": [{"url": f"{git}/{sha}", "sha": sha} for sha in one.parents],
    }
