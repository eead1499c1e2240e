"""What is said to a request that is not passed on, in the language of whoever asked."""

from __future__ import annotations

import json
from html import escape

from cockpitpm.serve.access import METHODS, RPC, SESSION, Refusal
from cockpitpm.serve.headers import Headers

REFUSED = -31002
"""The code that a refusal has on the JSON-RPC side."""

PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Sign in · Cockpit</title></head>
<body><main>
<h1>Sign in</h1>
<p>{said}</p>
<form method="post" action="{action}">
<p><label for="token">Token that the server printed when it started</label></p>
<p><input id="token" name="token" type="password" autocomplete="off" required></p>
<input type="hidden" name="next" value="{next}">
<p><button>Sign in</button></p>
</form>
</main></body>
</html>
"""


def refused(
    refusal: Refusal, path: str, for_a_person: bool, prefix: str = "", back: str = "/"
) -> tuple[Headers, bytes]:
    """Headers and body. `back` is where a sign-in leads, of this origin."""
    if path == RPC:
        return _typed("application/json", _json(refusal), refusal)
    if refusal.status == 401 and for_a_person:
        return _typed("text/html; charset=utf-8", sign_in(_sentence(refusal), prefix, back), refusal)
    return _typed("text/plain; charset=utf-8", f"{_sentence(refusal)}\n", refusal)


def sign_in(said: str, prefix: str, back: str) -> str:
    """The page that asks for the token."""
    return PAGE.format(said=escape(said), action=escape(f"{prefix}{SESSION}"), next=escape(back))


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
