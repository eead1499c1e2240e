"""Which address is answered by what, and what an error looks like on each side of the forge."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import unquote

from attrs import evolve

from cockpitpm.sandbox.forge import answers_git as git
from cockpitpm.sandbox.forge import answers_release as releases
from cockpitpm.sandbox.forge import answers_web as web
from cockpitpm.sandbox.forge.call import Call, judge
from cockpitpm.sandbox.forge.reply import Reply, document, error, page, redirect
from cockpitpm.sandbox.forge.repository import Conflict

Answer = Callable[[Call], Reply]
_REPO: Final = "/api/v1/repos/{owner}/{repo}"
_ID: Final = f"{_REPO}/releases/{{id}}"


def version(call: Call) -> Reply:
    """Which software this claims to be."""
    return document({"version": "1.24.0" if call.state.gitea else "11.0.1+gitea-1.22.0"})


def limits(_call: Call) -> Reply:
    """The limits of lists."""
    return document({"max_response_items": git.MAX_PAGE, "default_paging_num": git.DEFAULT_PAGE})


def requests(call: Call) -> Reply:
    """What was asked so far. This is the sandbox's own."""
    keys = ("method", "path", "authenticated", "credentials", "status", "bytes")
    return document([{key: getattr(r, key) for key in keys} for r in list(call.state.requests)])


# The first that fits is used, so words come before the placeholders that would swallow them.
ROUTES: Final[tuple[tuple[str, str, Answer], ...]] = (
    ("GET", "/api/v1/version", version),
    ("GET", "/api/v1/settings/api", limits),
    ("GET", f"{_REPO}/releases/tags/{{tag}}", releases.by_tag),
    ("DELETE", f"{_REPO}/releases/tags/{{tag}}", releases.delete),
    ("GET", f"{_REPO}/releases/latest", releases.latest),
    ("GET", f"{_REPO}/releases", releases.releases),
    ("POST", f"{_REPO}/releases", releases.create),
    ("GET", _ID, releases.by_id),
    ("PATCH", _ID, releases.edit),
    ("DELETE", _ID, releases.delete),
    ("GET", f"{_ID}/assets", releases.assets),
    ("POST", f"{_ID}/assets", releases.upload),
    ("GET", f"{_ID}/assets/{{aid}}", releases.asset),
    ("PATCH", f"{_ID}/assets/{{aid}}", releases.rename),
    ("DELETE", f"{_ID}/assets/{{aid}}", releases.drop),
    ("GET", f"{_REPO}/tags", git.tags),
    ("GET", f"{_REPO}/tags/{{tag}}", git.tag),
    ("DELETE", f"{_REPO}/tags/{{tag}}", git.drop_tag),
    ("GET", f"{_REPO}/git/refs/tags/{{tag}}", git.references),
    ("GET", f"{_REPO}/git/tags/{{sha}}", git.tag_object),
    ("GET", f"{_REPO}/git/commits/{{sha}}", git.commit),
    ("GET", f"{_REPO}/commits", git.commits),
    ("GET", f"{_REPO}/compare/{{range}}", git.compare),
    ("GET", "/__sandbox/requests", requests),
    ("GET", "/attachments/{uuid}", web.by_uuid),
    ("GET", "/user/login", web.sign_in),
    ("GET", "/{owner}/{repo}/releases/download/{tag}/{name}", web.by_name),
)


def answer(call: Call) -> Reply:
    """The reply to a request, whatever it is."""
    api = call.path.startswith("/api/")
    found = _route(call.method, call.path)
    if found is None:
        return error(404, "The target couldn't be found.", call.base) if api else web.absent()
    route, args = found
    call = evolve(call, args=args)
    if route in {requests, web.sign_in}:
        return route(call)
    moved = _moved(call)
    try:
        judge(call, api)
        return moved or route(call)
    except Conflict as conflict:
        return _refused(call, conflict) if api else _turned_away(conflict)


def _route(method: str, path: str) -> tuple[Answer, Mapping[str, str]] | None:
    parts = path.split("/")
    for verb, pattern, route in ROUTES:
        if verb == ("GET" if method == "HEAD" else method):
            args = _matched(pattern.split("/"), parts)
            if args is not None:
                return route, args
    return None


def _matched(pattern: list[str], parts: list[str]) -> dict[str, str] | None:
    if len(pattern) != len(parts):
        return None
    args: dict[str, str] = {}
    for wanted, part in zip(pattern, parts, strict=True):
        if wanted.startswith("{") and part:
            args[wanted.strip("{}")] = unquote(part)
        elif wanted != part:
            return None
    return args


def _moved(call: Call) -> Reply | None:
    """The way to a repository that has another name now; the query is kept."""
    if "owner" not in call.args:
        return None
    new = call.state.renames.get(call.repo_name.lower())
    if new is None:
        return None
    path = call.path.replace(call.repo_name, new, 1)
    query = "&".join(f"{key}={value}" for key, value in call.query.items())
    return redirect(301, f"{path}?{query}" if query else path)


def _refused(call: Call, conflict: Conflict) -> Reply:
    if conflict.message.startswith("Only signed in"):
        return document({"message": conflict.message}, 403)
    return error(conflict.status, conflict.message, call.base)


def _turned_away(conflict: Conflict) -> Reply:
    if conflict.message.startswith("Only signed in"):
        return redirect(303, "/user/login")
    return page(401, "Unauthorized\n") if conflict.status == 401 else web.absent()
