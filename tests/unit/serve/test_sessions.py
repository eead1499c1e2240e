"""Cookies that prove themselves, the token of a listener, and how a browser comes in."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from urllib.parse import urlencode

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from cockpitpm.errors import MachineError, StoreError
from cockpitpm.serve.guard import Guard
from cockpitpm.serve.sessions import Once, key_of, token_of
from cockpitpm.serve.signing import Signing
from tests.unit.serve.conftest import TOKEN, Answer, Time, ask, sessions, tcp_door, unix_door, words

HERE = {"host": "127.0.0.1:8080"}


def test_a_cookie_is_read_back_in_its_realm_only() -> None:
    known = sessions()
    session = known.fresh()
    cookie = known.cookie(session, "tcp:a")
    assert known.read(cookie, "tcp:a") == session
    assert known.read(cookie, "tcp:b") is None


def test_no_character_of_a_cookie_can_be_changed() -> None:
    known = sessions()
    cookie = known.cookie(known.fresh(), "unix")
    changed = [cookie[:i] + ("0" if c != "0" else "1") + cookie[i + 1 :] for i, c in enumerate(cookie)]
    assert all(known.read(one, "unix") is None for one in changed)


@pytest.mark.parametrize("value", ["", "a.b.c", "x" * 4096, "é", "session-00000001.1." + "0" * 64, "\0"])
def test_what_is_no_cookie_of_ours(value: str) -> None:
    assert sessions().read(value, "unix") is None


def test_two_machines_behind_one_name_do_not_share_a_cookie() -> None:
    assert sessions().name != sessions(key=b"x" * 32).name


def test_a_word_counts_once() -> None:
    once = Once()
    word = once.give("abc")
    assert [once.take("abd"), once.take(word), once.take(word)] == [False, True, False]


# --- the files


def test_the_key_is_made_once_and_is_ours_alone(root: Path) -> None:
    path = root / "serve.key"
    key = key_of(path)
    assert key_of(path) == key and len(key) == 32
    assert path.stat().st_mode & 0o777 == 0o600
    assert [p.name for p in root.iterdir()] == ["serve.key"]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_key_that_others_may_read_is_not_used(root: Path, mode: int) -> None:
    path = root / "serve.key"
    key_of(path)
    path.chmod(mode)
    with pytest.raises(StoreError, match=r"not a file of ours alone.*Delete it"):
        key_of(path)


@pytest.mark.parametrize("text", ["", "x", "0" * 63, "g" * 64])
def test_a_key_that_is_none(root: Path, text: str) -> None:
    path = root / "serve.key"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(StoreError, match="does not hold a key"):
        key_of(path)


def test_a_link_in_the_place_of_the_key(root: Path) -> None:
    key_of(root / "other")
    (root / "serve.key").symlink_to(root / "other")
    with pytest.raises(StoreError, match="Cannot read"):
        key_of(root / "serve.key")


def test_a_link_on_the_way_to_the_key(root: Path) -> None:
    (root / "var").mkdir()
    (root / "way").symlink_to("var")
    with pytest.raises(StoreError, match="symbolic link to var"):
        key_of(root / "way" / "serve.key")
    assert not list((root / "var").iterdir())


def test_a_link_on_the_way_to_the_token_is_its_owners(root: Path) -> None:
    (root / "etc").mkdir()
    (root / "way").symlink_to("etc")
    assert token_of(root / "way" / "token", words(TOKEN)).startswith(TOKEN)
    assert [p.name for p in (root / "etc").iterdir()] == ["token"]


def test_a_token_that_somebody_chose(root: Path) -> None:
    path = root / "token"
    path.write_text(f"{TOKEN}\n")
    path.chmod(0o600)
    assert token_of(path, words()) == TOKEN


@pytest.mark.parametrize("text", ["", "short", "with a space in it 12345", "x" * 15, "x" * 16 + "\x01"])
def test_a_token_that_cannot_be_one(root: Path, text: str) -> None:
    path = root / "token"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(MachineError, match="cannot be used"):
        token_of(path, words())


def test_a_token_is_made_where_there_is_none(root: Path) -> None:
    made = token_of(root / "token", words("a-made-up-word"))
    assert made == token_of(root / "token", words("another-one")) == "a-made-up-word-00000001"


def test_no_folder_for_the_token(root: Path) -> None:
    with pytest.raises(StoreError, match="Cannot read"):
        token_of(root / "none" / "token", words())


def test_a_dead_process_left_its_fresh_key(root: Path) -> None:
    (root / f".serve.key.{os.getpid()}").write_text("half")
    assert len(key_of(root / "serve.key")) == 32


# --- coming in over TCP


async def page(_request: Request) -> Response:
    return PlainTextResponse("the page")


class Entrance:
    """A TCP listener with one page and the route of sessions."""

    def __init__(self, tcp: bool = True) -> None:
        self.time = Time()
        known = sessions(self.time)
        self.once = Once()
        door = tcp_door(known=known) if tcp else unix_door(known=known)
        self.guard = Guard(Starlette(routes=[Signing(door, self.once).route(), Route("/services", page)]), door)

    def get(self, path: str, cookie: str = "", query: str = "", **fields: str) -> Answer:
        sent = {**HERE, **({"cookie": cookie} if cookie else {}), **fields}
        return asyncio.run(ask(self.guard, "GET", path, sent, query=query))

    def post(self, form: dict[str, str], **fields: str) -> Answer:
        sent = {**HERE, "content-type": "application/x-www-form-urlencoded", **fields}
        return asyncio.run(ask(self.guard, "POST", "/session", sent, urlencode(form).encode()))


def cookie_of(answer: Answer) -> str:
    assert answer.one("set-cookie").endswith("; Path=/; HttpOnly; SameSite=Strict")
    return answer.one("set-cookie").partition(";")[0]


def test_a_link_opens_the_door_once() -> None:
    entrance = Entrance()
    link = entrance.once.give("once-upon-a-time")
    answer = entrance.get("/session", query=f"token={link}")
    assert (answer.status, answer.one("location")) == (303, "/")
    assert entrance.get("/services", cookie_of(answer)).text == "the page"
    assert entrance.get("/session", query=f"token={link}").status == 401


def test_the_token_itself_is_no_link() -> None:
    assert Entrance().get("/session", query=f"token={TOKEN}").status == 401


def test_signing_in_leads_back_to_where_one_was() -> None:
    entrance = Entrance()
    asked = entrance.get("/services", query="q=<b>", accept="text/html")
    assert asked.status == 401 and asked.one("www-authenticate").startswith("Bearer")
    assert 'name="next" value="/services?q=&lt;b&gt;"' in asked.text and "<b>" not in asked.text
    answer = entrance.post({"token": f" {TOKEN} ", "next": "/services?q=x"})
    assert (answer.status, answer.one("location")) == (303, "/services?q=x")
    assert entrance.get("/services", cookie_of(answer)).text == "the page"


@pytest.mark.parametrize("back", ["https://evil.example/", "//evil.example", "/\\evil", "x", "/a\r\nb", "/a\\b", ""])
def test_signing_in_leads_nowhere_else(back: str) -> None:
    assert Entrance().post({"token": TOKEN, "next": back}).one("location") == "/"


@pytest.mark.parametrize("form", [{}, {"token": ""}, {"token": "wrong"}, {"token": TOKEN[:-1]}])
def test_a_wrong_token_gives_no_session(form: dict[str, str]) -> None:
    answer = Entrance().post(form)
    assert answer.status == 401 and answer.all("set-cookie") == []


def test_another_site_cannot_sign_anybody_in() -> None:
    assert Entrance().post({"token": TOKEN}, origin="https://evil.example").status == 403


def test_whether_there_is_a_session() -> None:
    entrance = Entrance()
    cookie = cookie_of(entrance.post({"token": TOKEN}))
    assert entrance.get("/session").status == 401
    assert entrance.get("/session", cookie).status == 204
    assert entrance.get("/session", authorization=f"Bearer {TOKEN}").status == 204
    assert entrance.get("/session", authorization="Bearer wrong").status == 401


def test_the_link_that_a_page_gives_when_a_session_ended() -> None:
    entrance = Entrance()
    assert 'name="next" value="/jobs/7?a=b"' in entrance.get("/session", query="next=/jobs/7?a=b").text
    assert 'name="next" value="/"' in entrance.get("/session", query="next=//evil.example").text
    cookie = cookie_of(entrance.post({"token": TOKEN}))
    assert entrance.get("/session", cookie, "next=/jobs/7").one("location") == "/jobs/7"
    assert entrance.get("/session", cookie, "next=https://evil.example").one("location") == "/"


def test_a_session_ends() -> None:
    entrance = Entrance()
    cookie = cookie_of(entrance.post({"token": TOKEN}))
    entrance.time.now += 12 * 3600 - 1
    assert entrance.get("/services", cookie).status == 200
    entrance.time.now += 2
    ended = entrance.get("/services", cookie)
    assert ended.status == 401 and "Your session ended" in ended.text
    assert entrance.get("/session", cookie).status == 401


def test_a_session_of_the_unix_socket_is_worth_nothing_over_tcp() -> None:
    known = sessions()
    cookie = f"{known.name}={known.cookie(known.fresh(), 'unix')}"
    assert Entrance().get("/services", cookie).status == 401


def test_on_a_unix_socket_there_always_is_one() -> None:
    entrance = Entrance(tcp=False)
    assert entrance.get("/session").status == 204
    assert entrance.post({"token": "any"}).one("location") == "/"
