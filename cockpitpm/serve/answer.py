"""What is said to a request that is not passed on, in the language of whoever asked."""

from __future__ import annotations

import json

from attrs import frozen

from cockpitpm.serve.access import METHODS, RPC, SESSION, Refusal
from cockpitpm.serve.headers import Headers
from cockpitpm.serve.request import Heard

REFUSED = -31002
"""The code that a refusal has on the JSON-RPC side."""

PEOPLE = {
    "expired": "Your session ended: sign in to come back to where you were",
    "changing": "Nothing was changed, because your session had ended",
}
"""What is said to a person whose session ended: to who looks, and to who pressed a button."""


@frozen(kw_only=True)
class Visit:
    """What the page needs to know of whom it refuses. `back` is where a sign-in leads, of this origin.

    `person`: a browser shows the answer. `changing`: a form was sent. `cookies` are the lines of the request.
    """

    person: bool = False
    changing: bool = False
    prefix: str = ""
    back: str = "/"
    cookies: tuple[str, ...] = ()


def visit(method: str, said: Heard, prefix: str, path: str, query: str) -> Visit:
    """Who asks, and where they come back to: the page that they asked for, or the one that the form was on."""
    changing = method == "POST"
    back = f"{prefix}{path}" + (f"?{query}" if query else "")
    if changing:
        host, page = said.one("host"), said.one("referer")
        starts = (f"{scheme}://{host}/" for scheme in ("http", "https"))
        # Without a host nobody can say whose page it was.
        back = next((page[len(start) - 1 :] for start in starts if host and page.startswith(start)), "")
    person = "text/html" in said.one("accept")
    return Visit(
        person=person, changing=changing, prefix=prefix, back=back if ours(back) else "/", cookies=said.all("cookie")
    )


def refused(refusal: Refusal, path: str, by: Visit) -> tuple[Headers, bytes]:
    """Headers and body."""
    if path == RPC:
        return _typed("application/json", _json(refusal), refusal)
    if refusal.status == 401 and by.person:
        return _typed("text/html; charset=utf-8", _door(refusal, by), refusal)
    return _typed("text/plain; charset=utf-8", f"{_sentence(refusal)}\n", refusal)


def sign_in(by: Visit, said: str = "", tone: str = "info") -> str:
    """The page that asks for the token; `said` stands above it, in the tone info, warn or bad."""
    from cockpitpm.web.sign_in import sign_in as page

    return page(f"{by.prefix}{SESSION}", by.back, said, tone, by.cookies)


def ours(path: str) -> bool:
    """Whether it stays on this origin: a path, and no other host in disguise."""
    return path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable() and "\\" not in path


def _door(refusal: Refusal, by: Visit) -> str:
    """Whoever has never been here is asked for the token; to others it is said what became of their session."""
    if refusal.code == "expired":
        return sign_in(by, PEOPLE["changing" if by.changing else "expired"], "warn" if by.changing else "info")
    return sign_in(by)


def _sentence(refusal: Refusal) -> str:
    return ". ".join(part for part in (refusal.said, refusal.hint) if part) + "."


def _json(refusal: Refusal) -> str:
    data = {"code_name": refusal.code, "retryable": False, "hint": refusal.hint, "detail": ""}
    error = {"code": REFUSED, "message": refusal.said, "data": data}
    return json.dumps({"jsonrpc": "2.0", "id": None, "error": error})


def _typed(kind: str, text: str, refusal: Refusal) -> tuple[Headers, bytes]:
    body = text.encode()
    headers = [(b"content-type", kind.encode()), (b"content-length", str(len(body)).encode())]
    if refusal.status == 401:
        headers.append((b"www-authenticate", b'Bearer realm="cockpitpm"'))
    if refusal.status == 405:
        headers.append((b"allow", ", ".join(METHODS).encode()))
    if refusal.status in (400, 405, 413):
        headers.append((b"connection", b"close"))
    return headers, body
