"""The few answers that the router gives itself: a page for people, JSON for programs, the same sentence in both."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html import escape
from http import HTTPStatus

from cockpitpm.router.headers import Fields, value

STYLE = """
:root{color-scheme:light dark;--page:#F6F7F8;--surface:#FFF;--line:#E2E5E9;--ink:#161A1F;--ink2:#46505B;--accent:#1D55B8}
@media (prefers-color-scheme:dark){:root{--page:#101317;--surface:#181C22;--line:#2A3038;--ink:#E8EBEE;--ink2:#B1BAC4;--accent:#8FB7FF}}
body{margin:0;padding:16px;background:var(--page);color:var(--ink);font:400 1rem/1.5 system-ui,sans-serif}
main{max-width:560px;margin:10vh auto 0;padding:24px;background:var(--surface);border:1px solid var(--line);border-radius:12px}
h1{margin:0;font-size:1.0625rem;font-weight:600;overflow-wrap:anywhere}p{margin:12px 0 0;color:var(--ink2);overflow-wrap:anywhere}
a{color:var(--accent)}:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
""".strip()  # noqa: E501  it is sent as it stands
_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
GUARD: Fields = [
    (
        b"content-security-policy",
        f"default-src 'none'; style-src 'sha256-{_HASH}'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'".encode(),
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
]
AWAY = frozenset({502, 503, 504})
LOOK_AGAIN = 3
"""Seconds after which a page about a service that is away looks again: it may only be on its way to a new build."""


def answer(status: int, sentence: str, hint: str, asked: Fields, method: str = "GET") -> tuple[Fields, bytes]:
    """Header fields and body of an answer in words. `asked` are the fields of the request."""
    people = b"text/html" in value(asked, b"accept")
    body = _page(status, sentence, hint) if people else json.dumps({"error": sentence, "hint": hint}) + "\n"
    kind = b"text/html; charset=utf-8" if people else b"application/json"
    fields = [(b"content-type", kind), (b"content-length", str(len(body.encode())).encode()), *GUARD]
    if status == HTTPStatus.UNAUTHORIZED:
        fields.append((b"www-authenticate", b'Bearer realm="cockpitpm router"'))
    if people and status in AWAY and method == "GET":
        fields.append((b"refresh", str(LOOK_AGAIN).encode()))
    return fields, body.encode()


def _page(status: int, sentence: str, hint: str) -> str:
    again = f" This page looks again every {LOOK_AGAIN} seconds." if status in AWAY else ""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{status} {HTTPStatus(status).phrase}</title><style>{STYLE}</style></head>"
        f"<body><main><h1>{escape(sentence)}.</h1><p>{_marked(hint)}.{again}</p>"
        '<p><a href="">Try again</a></p></main></body></html>\n'
    )


def _marked(hint: str) -> str:
    """Commands as people are used to see them."""
    return re.sub("`([^`]+)`", r"<code>\1</code>", escape(hint))
