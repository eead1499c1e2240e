"""Answers about releases and their uploads, and the changes that a publisher makes to them."""

from __future__ import annotations

from cockpitpm.sandbox.forge import shapes
from cockpitpm.sandbox.forge.answers_git import listing
from cockpitpm.sandbox.forge.call import Call
from cockpitpm.sandbox.forge.content import InMemory
from cockpitpm.sandbox.forge.form import uploaded
from cockpitpm.sandbox.forge.release import Attachment, ReleaseRow
from cockpitpm.sandbox.forge.reply import Reply, document, nothing
from cockpitpm.sandbox.forge.repository import Conflict, Repository


def by_tag(call: Call) -> Reply:
    """The release of a tag, which is found without regard to case. A draft is shown too, except by Gitea."""
    return _shown(call, _tagged(call))


def by_id(call: Call) -> Reply:
    """A release by its number."""
    return _shown(call, _numbered(call))


def latest(call: Call) -> Reply:
    """The newest by date, which is not the one that was published last."""
    found = [r for r in _visible(call) if not r.draft and not r.prerelease]
    if not found:
        raise _absent()
    return _shown(call, found[0])


def releases(call: Call) -> Reply:
    """All releases, newest date first; drafts only for who may write."""
    return listing(call, [_shape(call, row) for row in _visible(call)])


def create(call: Call) -> Reply:
    """A new release; its tag is made if there is none."""
    form = call.fields()
    if not isinstance(form.get("tag_name"), str) or not form["tag_name"]:
        raise Conflict(422, "[TagName]: Required")
    row = _writable(call).create_release(
        form["tag_name"],
        target=form.get("target_commitish", ""),
        title=form.get("name", ""),
        note=form.get("body", ""),
        draft=form.get("draft", False),
        pre=form.get("prerelease", False),
    )
    return document(_shape(call, row), 201)


def edit(call: Call) -> Reply:
    """Change the words of a release; the tag does not move."""
    _writable(call)
    row, form = _numbered(call), call.fields()
    row.target = form.get("target_commitish") or row.target
    row.title, row.note = form.get("name", row.title), form.get("body", row.note)
    row.draft, row.prerelease = form.get("draft", row.draft), form.get("prerelease", row.prerelease)
    return document(_shape(call, row))


def delete(call: Call) -> Reply:
    """Remove a release and its uploads. The tag stays."""
    _writable(call).delete_release(_tagged(call) if "tag" in call.args else _numbered(call))
    return nothing()


def assets(call: Call) -> Reply:
    """The uploads of a release, by name, all of them."""
    return document(_shape(call, _numbered(call))["assets"])


def asset(call: Call) -> Reply:
    """One upload."""
    row = _numbered(call)
    return document(_attachment(call, row, _upload(call, row)))


def upload(call: Call) -> Reply:
    """Add a file: a form with `attachment`, or the bare bytes with `?name=`; or a link with `external_url`."""
    repo, row = _writable(call), _numbered(call)
    link = call.query.get("external_url", "")
    name, data = ("", b"") if link else uploaded(call.headers.get("content-type", ""), call.body)
    name = call.query.get("name") or name
    if not name:
        raise Conflict(400, "a name is needed")
    made = repo.upload(row, name, InMemory(data), link)
    return document(_attachment(call, row, made), 201)


def rename(call: Call) -> Reply:
    """Give an upload another name; its uuid, its date and its bytes stay."""
    _writable(call)
    row = _numbered(call)
    found = _upload(call, row)
    found.name = call.fields().get("name") or found.name
    return document(_attachment(call, row, found), 201)


def drop(call: Call) -> Reply:
    """Delete an upload."""
    _writable(call)
    row = _numbered(call)
    row.attachments.remove(_upload(call, row))
    return nothing()


def _writable(call: Call) -> Repository:
    repo = call.repo
    if not call.may_write(repo):
        raise Conflict(403, "user should have a permission to write to the repository")
    return repo


def _tagged(call: Call) -> ReleaseRow:
    row = call.repo.row(call.args["tag"])
    if row is None or row.bare or _hidden(call, row):
        raise _absent()
    return row


def _numbered(call: Call) -> ReleaseRow:
    text = call.args["id"]
    row = call.repo.by_id(int(text)) if text.isdecimal() else None
    if row is None or _hidden(call, row):
        raise _absent()
    return row


def _upload(call: Call, row: ReleaseRow) -> Attachment:
    found = next((a for a in row.attachments if str(a.id) == call.args["aid"]), None)
    if found is None:
        raise _absent()
    return found


def _hidden(call: Call, row: ReleaseRow) -> bool:
    return row.draft and call.state.gitea and not call.may_write(call.repo)


def _visible(call: Call) -> list[ReleaseRow]:
    drafts = call.may_write(call.repo)
    rows = [r for r in call.repo.releases if not r.bare and (drafts or not r.draft)]
    return sorted(rows, key=lambda r: (r.created, r.id), reverse=True)


def _shown(call: Call, row: ReleaseRow) -> Reply:
    return document(_shape(call, row))


def _shape(call: Call, row: ReleaseRow) -> shapes.Json:
    return shapes.release(call.repo, row, call.base, call.state)


def _attachment(call: Call, row: ReleaseRow, one: Attachment) -> shapes.Json:
    return shapes.attachment(call.repo, row, one, call.base, call.state)


def _absent() -> Conflict:
    return Conflict(404, "The target couldn't be found.")
