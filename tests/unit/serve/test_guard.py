"""What the middleware makes of a request that may pass, and of the answer."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from cockpitpm.serve.guard import Guard
from cockpitpm.serve.peers import Peer
from tests.unit.serve.conftest import UID, Answer, Time, ask, sessions, tcp_door, unix_door

HERE = {"host": "localhost"}
FORM = {**HERE, "content-type": "application/x-www-form-urlencoded"}


async def facts(request: Request) -> Response:
    """What a face is told."""
    state = request.scope["state"]
    told = {
        "actor": state["actor"],
        "owner": state["owner"],
        "root_path": request.scope["root_path"],
        "path": request.url.path,
    }
    return Response(json.dumps(told), media_type="application/json")


async def form(request: Request) -> Response:
    return PlainTextResponse(request.scope["state"]["csrf"].issue())


async def press(request: Request) -> Response:
    body = (await request.body()).decode()
    return PlainTextResponse("done" if request.scope["state"]["csrf"].check(body) else "expired")


async def fails(_request: Request) -> Response:
    raise RuntimeError("a secret of ours")


async def kept(_request: Request) -> Response:
    opened = {"cache-control": "max-age=9", "access-control-allow-origin": "*", "x-frame-options": "ALLOWALL"}
    return PlainTextResponse("style", headers=opened)


APP = Starlette(
    routes=[
        Route("/facts", facts),
        Route("/form", form),
        Route("/press", press, methods=["POST"]),
        Route("/fails", fails),
        Route("/kept", kept),
    ]
)


def get(path: str, fields: dict[str, str] | list[tuple[str, str]], uid: int | None = UID, door: Any = None) -> Answer:
    return asyncio.run(ask(Guard(APP, door or unix_door()), "GET", path, fields, uid=uid))


def told(fields: dict[str, str], uid: int = UID) -> dict[str, Any]:
    found = json.loads(get("/facts", fields, uid).body)
    assert isinstance(found, dict)
    return found


def test_the_owner_on_the_socket_itself() -> None:
    assert told(HERE) == {"actor": f"user{UID}", "owner": True, "root_path": "", "path": "/facts"}


def test_root_is_let_in_under_its_own_name() -> None:
    assert told(HERE, uid=0)["actor"] == "user0"


def test_a_proxy_says_who_and_where_and_is_not_the_owner() -> None:
    via = {
        "host": "socket",
        "x-forwarded-host": "127.0.0.1:9988",
        "x-forwarded-prefix": "/hero_cockpit/web",
        "x-hero-user": "mik@example.org",
    }
    assert told(via) == {
        "actor": "mik@example.org",
        "owner": False,
        "root_path": "/hero_cockpit/web",
        "path": "/hero_cockpit/web/facts",
    }


@pytest.mark.parametrize("name", ["x-forwarded-prefix", "x-forwarded-proto", "x-hero-user"])
def test_whatever_a_proxy_adds_tells_that_there_is_one(name: str) -> None:
    assert told({**HERE, name: ""})["owner"] is False


@pytest.mark.parametrize("user", ["", "a b", "<b>", "../x", "x" * 65, "a\u00e9", "-x"])
def test_a_user_that_cannot_be_one_is_not_believed(user: str) -> None:
    assert told({**HERE, "x-hero-user": user})["actor"] == f"user{UID}"


@pytest.mark.parametrize("prefix", ["", "/", "/a", "/a/", "/hero_cockpit/web", "/a/b/c/d"])
def test_a_prefix(prefix: str) -> None:
    assert told({**HERE, "x-forwarded-prefix": prefix})["root_path"] == prefix.rstrip("/")


@pytest.mark.parametrize(
    "prefix",
    ["a", "/a/b/c/d/e", "//evil", "/..", "/a/../b", "/.", "/a b", "/<x>", '/"', "/a?x", "/a%2f", "/" + "x" * 65],
)
def test_a_prefix_that_cannot_be_one(prefix: str) -> None:
    assert get("/facts", {**HERE, "x-forwarded-prefix": prefix}).status == 400


def test_two_prefixes() -> None:
    twice = [("host", "localhost"), ("x-forwarded-prefix", "/a"), ("x-forwarded-prefix", "/a")]
    assert get("/facts", twice).status == 400


def test_over_tcp_nobody_is_believed() -> None:
    sent = {
        "host": "127.0.0.1:8080",
        "authorization": "Bearer right-token-0123456789",
        "x-forwarded-prefix": "/evil",
        "x-forwarded-host": "evil.example",
        "x-hero-user": "root",
    }
    found = json.loads(get("/facts", sent, uid=None, door=tcp_door()).body)
    assert found == {"actor": "tcp", "owner": False, "root_path": "", "path": "/facts"}


def test_over_tcp_a_peer_of_ours_needs_the_token_all_the_same() -> None:
    assert get("/facts", {"host": "127.0.0.1:8080"}, uid=UID, door=tcp_door()).status == 401


def test_another_user_and_one_that_the_kernel_does_not_name() -> None:
    for uid in (UID + 1, None):
        assert get("/facts", HERE, uid=uid).status == 403
    assert Peer(pid=1, uid=UID) != Peer(pid=1, uid=0)


def test_a_forwarded_host_is_checked_like_any() -> None:
    assert get("/facts", {"host": "localhost", "x-forwarded-host": "evil.example"}).status == 421


def test_a_page_without_a_form_sets_no_cookie() -> None:
    assert get("/facts", HERE).all("set-cookie") == []


def test_the_cookie_of_a_form() -> None:
    known = sessions()
    door = unix_door(known=known)
    answer = get("/form", {**HERE, "x-forwarded-prefix": "/hero_cockpit/web"}, door=door)
    name, *words = answer.one("set-cookie").split("; ")
    assert name.startswith(f"{known.name}=session-00000001.")
    assert words == ["Path=/hero_cockpit/web", "HttpOnly", "SameSite=Strict"]


def test_behind_https_the_cookie_is_secure() -> None:
    assert get("/form", {**HERE, "x-forwarded-proto": "https"}).one("set-cookie").endswith("; Secure")


def shown(door: Any, cookie: str = "", uid: int = UID) -> tuple[str, str]:
    """The cookie after a page with a form, and the token of the form."""
    answer = get("/form", {**HERE, **({"cookie": cookie} if cookie else {})}, uid, door)
    given = answer.all("set-cookie")
    return (given[0].partition(";")[0] if given else cookie), answer.text


def pressed(door: Any, cookie: str, token: str, uid: int = UID) -> str:
    return asyncio.run(ask(Guard(APP, door), "POST", "/press", {**FORM, "cookie": cookie}, token.encode(), uid)).text


def test_a_form_is_genuine_for_its_session_and_its_user_only() -> None:
    door = unix_door()
    mine, token = shown(door)
    other, _ = shown(door)
    assert pressed(door, mine, token) == "done"
    assert pressed(door, other, token) == "expired"
    assert pressed(door, "", token) == "expired"
    assert pressed(door, mine, "") == "expired"
    assert pressed(door, mine, token, uid=0) == "expired"


def test_a_second_page_keeps_the_session_of_the_first() -> None:
    door = unix_door()
    cookie, token = shown(door)
    assert shown(door, cookie) == (cookie, token)


def test_another_process_of_the_machine_takes_the_form() -> None:
    cookie, token = shown(unix_door())
    assert pressed(unix_door(), cookie, token) == "done"
    assert pressed(unix_door(known=sessions(key=b"x" * 32)), cookie, token) == "expired"


def test_a_form_ends_with_its_session() -> None:
    time = Time()
    door = unix_door(known=sessions(time))
    cookie, token = shown(door)
    time.now += 13 * 3600
    assert pressed(door, cookie, token) == "expired"
    assert shown(door, cookie)[0] != cookie


def test_a_planted_cookie_in_front_of_ours_does_no_harm() -> None:
    door = unix_door()
    cookie, token = shown(door)
    name = cookie.partition("=")[0]
    assert pressed(door, f"{name}=evil; other=1; {cookie}", token) == "done"


def test_static_files_may_be_kept_and_nothing_opens_them_to_others() -> None:
    answer = get("/kept", HERE)
    assert answer.all("cache-control") == ["max-age=9"]
    assert answer.all("x-frame-options") == ["DENY"]
    assert answer.all("access-control-allow-origin") == []


def test_a_machine_may_let_its_own_shell_frame_the_pages() -> None:
    answer = get("/facts", HERE, door=unix_door(frames="'self'"))
    assert "frame-ancestors 'self'" in answer.one("content-security-policy")
    assert answer.one("x-frame-options") == "SAMEORIGIN"


def test_a_bug_is_told_without_its_words(caplog: pytest.LogCaptureFixture) -> None:
    answer = get("/fails", HERE)
    assert answer.status == 500 and "secret" not in answer.text
    assert answer.all("x-content-type-options") == ["nosniff"]
    assert "a secret of ours" in caplog.text


@pytest.mark.parametrize(("path", "most"), [("/press", 256 * 1024), ("/rpc", 1024 * 1024)])
def test_a_body_has_a_limit_whatever_it_says_of_itself(path: str, most: int) -> None:
    read: list[int] = []

    async def reads(request: Request) -> Response:
        read.append(len(await request.body()))
        return PlainTextResponse("read")

    guard = Guard(Starlette(routes=[Route(path, reads, methods=["POST"])]), unix_door())
    kind = "application/json" if path == "/rpc" else "application/x-www-form-urlencoded"
    sent = {**HERE, "content-type": kind}
    assert asyncio.run(ask(guard, "POST", path, sent, bytes(most))).text == "read"
    assert asyncio.run(ask(guard, "POST", path, sent, bytes(most + 1))).status == 413
    assert asyncio.run(ask(guard, "POST", path, {**sent, "content-length": str(most + 1)})).status == 413
    assert read == [most]


def test_json_rpc_is_refused_in_its_own_language() -> None:
    sent = {**HERE, "content-type": "application/json", "origin": "https://evil.example"}
    answer = asyncio.run(ask(Guard(APP, unix_door()), "POST", "/rpc", sent))
    error = json.loads(answer.body)["error"]
    assert answer.status == 403 and answer.one("content-type") == "application/json"
    assert error["code"] == -31002 and error["data"]["code_name"] == "origin"


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "get"])
def test_other_methods(method: str) -> None:
    answer = asyncio.run(ask(Guard(APP, unix_door()), method, "/facts", HERE))
    assert answer.status == 405 and answer.one("allow") == "GET, HEAD, POST"


def test_a_websocket_is_closed() -> None:
    sent: list[Any] = []

    async def talk() -> None:
        async def send(message: Any) -> None:
            sent.append(message)

        async def receive() -> Any:
            return {"type": "websocket.connect"}

        await Guard(APP, unix_door())({"type": "websocket", "headers": []}, receive, send)

    asyncio.run(talk())
    assert [m["type"] for m in sent] == ["websocket.close"]
