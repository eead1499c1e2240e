"""Answers about tags, refs, commits and ancestry."""

from __future__ import annotations

from collections.abc import Sequence

from cockpitpm.sandbox.forge import shapes
from cockpitpm.sandbox.forge.call import Call
from cockpitpm.sandbox.forge.history import reachable
from cockpitpm.sandbox.forge.reply import Reply, document, error, nothing
from cockpitpm.sandbox.forge.repository import Conflict

MAX_PAGE = 50
DEFAULT_PAGE = 30


def tag(call: Call) -> Reply:
    """A tag and the commit that it leads to, whether it is annotated or not."""
    found = call.repo.tags.get(call.args["tag"])
    return document(shapes.tag(call.repo, found, call.base)) if found else _absent(call)


def tags(call: Call) -> Reply:
    """All tags."""
    return listing(call, [shapes.tag(call.repo, t, call.base) for t in call.repo.tags.values()])


def drop_tag(call: Call) -> Reply:
    """Delete a tag; refused while a release is on it."""
    repo, name = call.repo, call.args["tag"]
    if name not in repo.tags:
        return _absent(call)
    row = repo.row(name)
    if row is not None and not row.bare:
        raise Conflict(409, "a tag attached to a release cannot be deleted directly")
    repo.delete_tag(name)
    return nothing()


def references(call: Call) -> Reply:
    """Refs that begin with what was asked: always a list, and `v1` finds `v10` too."""
    asked = call.args["tag"]
    found = [shapes.reference(call.repo, t, call.base) for t in call.repo.tags.values() if t.name.startswith(asked)]
    return document(found) if found else _absent(call)


def tag_object(call: Call) -> Reply:
    """An annotated tag by the id of its object."""
    found = next((t for t in call.repo.tags.values() if t.annotated and t.sha == call.args["sha"]), None)
    return document(shapes.annotated(call.repo, found, call.base)) if found else _absent(call)


def commit(call: Call) -> Reply:
    """One commit by its id."""
    sha = call.args["sha"]
    if not 4 <= len(sha) <= 64 or not set(sha) <= set("0123456789abcdef"):
        return error(422, f"no valid ref or sha: {sha}", call.base)
    found = call.repo.commits.get(sha)
    return document(shapes.commit(call.repo, found, call.base)) if found else _absent(call)


def commits(call: Call) -> Reply:
    """The commits of `sha` that `not` does not have; X-Total-Count says how many."""
    repo, base = call.repo, call.query.get("not")
    head = repo.resolve(call.query.get("sha", ""))
    if head is None:
        return document(None, 404)
    if call.state.ignores_not:
        base = None
    if base is not None and base not in repo.commits:
        return error(500, "", call.base)
    return listing(call, [shapes.commit(repo, c, call.base) for c in repo.ahead(head, base)])


def compare(call: Call) -> Reply:
    """What is between two commits. Zero both for an ancestor and for a history that has nothing in common."""
    repo = call.repo
    separator = "..." if "..." in call.args["range"] else ".."
    base, _, head = (repo.resolve(part) for part in call.args["range"].partition(separator))
    if base is None or head is None or not repo.pull_requests:
        return _absent(call)
    shared = bool(reachable(repo.commits, base) & reachable(repo.commits, head))
    between = repo.ahead(head, base) if shared else []
    listed = [shapes.commit(repo, c, call.base) for c in between]
    return document({"total_commits": len(listed), "commits": listed, "files": []})


def listing(call: Call, items: Sequence[object]) -> Reply:
    """One page of a list. A limit over 50 is clamped without a word."""
    size = min(max(_number(call, "limit", DEFAULT_PAGE), 1), MAX_PAGE)
    page = max(_number(call, "page", 1), 1)
    headers = {"X-Total-Count": str(len(items)), "Access-Control-Expose-Headers": "Link, X-Total-Count"}
    last = max(-(-len(items) // size), 1)
    around = {"next": page + 1, "last": last} if page < last else {}
    around |= {"first": 1, "prev": page - 1} if page > 1 else {}
    path = f"{call.base}{call.path}"
    if around:
        headers["Link"] = ",".join(f'<{path}?limit={size}&page={n}>; rel="{rel}"' for rel, n in around.items())
    return document(items[(page - 1) * size : page * size], headers=headers)


def _number(call: Call, key: str, default: int) -> int:
    value = call.query.get(key, "")
    return int(value) if value.isdecimal() else default


def _absent(call: Call) -> Reply:
    return error(404, "The target couldn't be found.", call.base)
