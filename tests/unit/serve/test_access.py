"""The web matrix: every combination of who asks what how, through the real middleware. What may pass is told twice:
by the code, and by the tables here, which were not made from it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from itertools import product
from urllib.parse import parse_qsl

import pytest
from starlette.types import Receive, Scope, Send

from cockpitpm.serve.access import Names
from cockpitpm.serve.guard import Door, Guard
from tests.faults.score import Score
from tests.unit.serve.conftest import TOKEN, UID, Answer, ask, tcp_door, unix_door

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
KINDS = (JSON, FORM, "text/plain", "multipart/form-data; boundary=x")
METHODS = ("GET", "POST", "PUT", "OPTIONS")
SITES = (None, "none", "same-origin", "same-site", "cross-site")
ORIGINS = ("none", "own", "other", "null", "port")
TCP_HOSTS = ("127.0.0.1:8080", "localhost:8080", "[::1]:8080", "evil.example:8080", "127.0.0.1:8081", None)
UNIX_HOSTS = ("localhost", "127.0.0.1:9988", "cockpit.example", "evil.example", "localhost.evil.example", None)
TCP_KNOWN = set(TCP_HOSTS[:3])
UNIX_KNOWN = set(UNIX_HOSTS[:3])
TCP_AUTH = ("right", "wrong", "none")
UNIX_AUTH = (UID, 0, UID + 1)
STRICT = {
    "content-security-policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}


class Recorder:
    """An application that changes something on every POST that it takes for genuine, and counts what reaches it."""

    def __init__(self) -> None:
        self.changes = 0
        self.reached = 0
        self.form = ""
        self.actor = ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.reached += 1
        self.actor = scope["state"]["actor"]
        body = (await receive())["body"]
        csrf = scope["state"]["csrf"]
        if scope["method"] == "GET" and scope["path"] == "/form":
            self.form = csrf.issue()
        genuine = scope["path"] == "/rpc" or csrf.check(dict(parse_qsl(body.decode())).get("csrf", ""))
        self.changes += scope["method"] == "POST" and genuine
        await send({"type": "http.response.start", "status": 200, "headers": [(b"access-control-allow-origin", b"*")]})
        await send({"type": "http.response.body", "body": b"done"})


def origin_of(kind: str, host: str | None) -> str | None:
    named = host or "127.0.0.1:8080"
    return {
        "none": None,
        "own": f"http://{named}",
        "other": "https://evil.example",
        "null": "null",
        "port": "http://127.0.0.1:9",
    }[kind]


def fields(host: str | None, origin: str | None, site: str | None, kind: str) -> dict[str, str]:
    found = {"host": host, "origin": origin, "sec-fetch-site": site, "content-type": kind}
    return {name: value for name, value in found.items() if value is not None}


def may_change(known: bool, origin: str, site: str | None, kind: str, method: str, proven: bool, wanted: str) -> bool:
    """The one kind of request that may change anything."""
    return (
        method == "POST"
        and known
        and proven
        and origin in ("none", "own")
        and site in (None, "none", "same-origin")
        and kind == wanted
    )


async def sweep(score: Score, door: Door, path: str, hosts: Iterable[str | None], auths: tuple[object, ...]) -> None:
    """Every cell, against what the tables say."""
    recorder = Recorder()
    guard = Guard(recorder, door)
    unix = not door.token
    own = {"host": "localhost" if unix else "127.0.0.1:8080", "authorization": f"Bearer {TOKEN}"}
    page = await ask(guard, "GET", "/form", own)
    cookie = page.one("set-cookie").partition(";")[0]
    wanted = JSON if path == "/rpc" else FORM
    known = UNIX_KNOWN if unix else TCP_KNOWN
    for host, origin, site, kind, method, auth in product(hosts, ORIGINS, SITES, KINDS, METHODS, auths):
        sent = fields(host, origin_of(origin, host), site, kind)
        proven = auth in (UID, 0) if unix else auth == "right"
        if unix or auth == "right":
            sent["cookie"] = cookie
        if not unix and auth == "right":
            sent["authorization"] = f"Bearer {TOKEN}"
        if auth == "wrong":
            sent["authorization"] = "Bearer wrong-token-0123456789"
        # The form's token belongs to whom it was given: root is another name in the history than the owner.
        form = recorder.form if auth != 0 else (await _form_of_root(guard, recorder, cookie))
        before, reached = recorder.changes, recorder.reached
        answer = await ask(guard, method, path, sent, f"csrf={form}".encode(), uid=auth if unix else None)  # type: ignore[arg-type]
        changed = recorder.changes - before
        expected = may_change(host in known, origin, site, kind, method, proven, wanted)
        read = (
            method == "GET"
            and host in known
            and proven
            and origin in ("none", "own")
            and site in (None, "none", "same-origin")
        )
        told = recorder.reached - reached
        cell = f"{path} {host} {origin} {site} {kind} {method} {auth} -> {answer.status}"
        wrong = undressed(answer)
        if changed != expected or told != (expected or read) or (answer.status == 200) != bool(told):
            wrong.append(f"{changed} changes, {told} reached")
        if method in ("PUT", "OPTIONS") and answer.status != 405:
            wrong.append("another status than 405")
        score.point(cell, wrong)
    assert recorder.changes > 0


async def _form_of_root(guard: Guard, recorder: Recorder, cookie: str) -> str:
    kept = recorder.form
    await ask(guard, "GET", "/form", {"host": "localhost", "cookie": cookie}, uid=0)
    found, recorder.form = recorder.form, kept
    return found


def undressed(answer: Answer) -> list[str]:
    """The headers that an answer must carry and does not, and those that it must not."""
    missing = [name for name, value in STRICT.items() if answer.all(name) != [value]]
    return missing + [name.decode() for name, _ in answer.fields if name.startswith(b"access-control")]


@pytest.mark.parametrize("path", ["/rpc", "/services/x/do"])
def test_over_tcp_only_the_allowed_cells_change_anything(path: str) -> None:
    with Score("F13", f"who may ask {path} over TCP") as score:
        asyncio.run(sweep(score, tcp_door(), path, TCP_HOSTS, TCP_AUTH))
    assert score.points == 7200
    score.hold()


@pytest.mark.parametrize("path", ["/rpc", "/services/x/do"])
def test_on_a_unix_socket_only_the_allowed_cells_change_anything(path: str) -> None:
    with Score("F13", f"who may ask {path} on a unix socket") as score:
        asyncio.run(sweep(score, unix_door("cockpit.example"), path, UNIX_HOSTS, UNIX_AUTH))
    assert score.points == 7200
    score.hold()


NAVIGATION = {"sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
@pytest.mark.parametrize(
    ("method", "path", "mode", "status"),
    [
        ("GET", "/services", NAVIGATION, 200),
        ("HEAD", "/services", NAVIGATION, 200),
        ("GET", "/services", {"sec-fetch-mode": "no-cors", "sec-fetch-dest": "image"}, 403),
        ("GET", "/services", {"sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe"}, 403),
        ("GET", "/services", {}, 403),
        ("GET", "/rpc", NAVIGATION, 403),
        ("GET", "/events", NAVIGATION, 403),
        ("POST", "/services", NAVIGATION, 403),
    ],
)
def test_another_site_may_link_to_a_page_and_nothing_else(
    site: str, method: str, path: str, mode: dict[str, str], status: int
) -> None:
    sent = {"host": "localhost", "sec-fetch-site": site, "content-type": FORM, **mode}
    answer = asyncio.run(ask(Guard(Recorder(), unix_door()), method, path, sent))
    assert answer.status == status


@pytest.mark.parametrize("name", ["host", "origin", "sec-fetch-site", "content-type", "authorization"])
def test_a_header_that_stands_there_twice_is_refused(name: str) -> None:
    sent = {
        "host": "127.0.0.1:8080",
        "origin": "http://127.0.0.1:8080",
        "sec-fetch-site": "same-origin",
        "content-type": JSON,
        "authorization": f"Bearer {TOKEN}",
    }
    guard = Guard(Recorder(), tcp_door())
    assert asyncio.run(ask(guard, "POST", "/rpc", sent, uid=None)).status == 200
    assert asyncio.run(ask(guard, "POST", "/rpc", [*sent.items(), (name, sent[name])], uid=None)).status >= 400


@pytest.mark.parametrize(
    ("kind", "passes"),
    [
        ("application/json; charset=utf-8", True),
        ("APPLICATION/JSON", True),
        ("application/jsonx", False),
        ("text/plain; application/json", False),
        ("", False),
    ],
)
def test_json_is_told_by_its_type_alone(kind: str, passes: bool) -> None:
    answer = asyncio.run(
        ask(Guard(Recorder(), unix_door()), "POST", "/rpc", {"host": "localhost", "content-type": kind})
    )
    assert answer.status == (200 if passes else 415)


@pytest.mark.parametrize("host", ["localhost:8080", "LOCALHOST:80", "[::1]:1", "127.0.0.1", "cockpit.example:443"])
def test_names_that_are_ours(host: str) -> None:
    assert Names(exact=frozenset({"cockpit.example"}), loopback=True).know(host)


@pytest.mark.parametrize(
    "host",
    [
        "",
        "localhost.",
        "localhost:",
        "localhost:123456",
        "127.0.0.1:80:80",
        "a@localhost",
        "127.0.0.2",
        "xcockpit.example",
    ],
)
def test_names_that_are_not(host: str) -> None:
    assert not Names(exact=frozenset({"cockpit.example"}), loopback=True).know(host)


def test_a_name_with_a_port_is_known_with_that_port_only() -> None:
    names = Names(exact=frozenset({"127.0.0.1:8080"}))
    assert names.know("127.0.0.1:8080")
    assert not any(names.know(host) for host in ("127.0.0.1", "127.0.0.1:8081", "127.0.0.1:8080:80"))
