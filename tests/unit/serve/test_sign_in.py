"""The page where one signs in: what it says to whom, the way back, and that its dress is open and nothing else is."""

from __future__ import annotations

import asyncio
import re

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from cockpitpm.serve.answer import visit
from cockpitpm.serve.guard import Guard
from cockpitpm.serve.request import Heard
from cockpitpm.serve.sessions import Once
from cockpitpm.serve.signing import Signing
from cockpitpm.web import assets
from tests.unit.serve.conftest import TOKEN, Answer, Time, ask, sessions, tcp_door

HERE = {"host": "127.0.0.1:8080", "accept": "text/html"}
FORM = {**HERE, "content-type": "application/x-www-form-urlencoded"}
PAGE = "http://127.0.0.1:8080/apps/hero_db/plan?do=upgrade"


class Entrance:
    """A TCP listener whose every page counts how often it was reached."""

    def __init__(self) -> None:
        self.time, self.reached = Time(), 0
        self.door = tcp_door(known=sessions(self.time))
        every = Route("/{rest:path}", self._page, methods=["GET", "POST"])
        routes = [Signing(self.door, Once()).route(), Route("/static/{name}", assets.serve), every]
        self.guard = Guard(Starlette(routes=routes), self.door)

    async def _page(self, _request: Request) -> Response:
        self.reached += 1
        return PlainTextResponse("the page")

    def get(self, path: str, query: str = "", **fields: str) -> Answer:
        return asyncio.run(ask(self.guard, "GET", path, {**HERE, **fields}, query=query))

    def post(self, path: str, body: str = "", **fields: str) -> Answer:
        return asyncio.run(ask(self.guard, "POST", path, {**FORM, **fields}, body.encode()))

    def ended(self) -> str:
        """The cookie of a session that has ended."""
        cookie = self.post("/session", f"token={TOKEN}").one("set-cookie").partition(";")[0]
        self.time.now += 13 * 3600
        return cookie


def said(answer: Answer) -> list[str]:
    """What stands above the form."""
    return re.findall(r'<p id="said">(.*?)</p>', answer.text)


def back(answer: Answer) -> str:
    (found,) = re.findall(r'name="next" value="([^"]*)"', answer.text)
    return str(found)


def test_a_stranger_is_asked_and_nothing_else_is_said() -> None:
    answer = Entrance().get("/services")
    assert (answer.status, said(answer), back(answer)) == (401, [], "/services")
    assert "Authorization" not in answer.text, "that is for programs"
    assert "<script" not in answer.text and "style=" not in answer.text
    assert Entrance().get("/services", accept="*/*").text.startswith("This needs a token. Send the token")


def test_a_session_that_ended_is_told_in_one_sentence_with_the_way_back() -> None:
    entrance = Entrance()
    answer = entrance.get("/services", "q=db", cookie=entrance.ended())
    assert answer.status == 401 and back(answer) == "/services?q=db"
    assert said(answer) == ["Your session ended: sign in to come back to where you were."]
    assert "You come back to" in answer.text


@pytest.mark.parametrize("cookie", ["x.1.y", "abcdefgh.9999999999." + "0" * 64])
def test_a_session_of_another_token_has_ended_too(cookie: str) -> None:
    entrance = Entrance()
    answer = entrance.get("/services", cookie=f"{entrance.door.sessions.name}={cookie}")
    assert answer.status == 401 and said(answer) == ["Your session ended: sign in to come back to where you were."]
    assert said(entrance.get("/services", cookie="other=1")) == []


def test_an_expired_form_changes_nothing_and_leads_back_to_its_page() -> None:
    entrance = Entrance()
    cookie = entrance.ended()
    answer = entrance.post("/plans/abc/apply", "csrf=x", cookie=cookie, referer=PAGE)
    assert (answer.status, entrance.reached) == (401, 0)
    assert said(answer) == ["Nothing was changed, because your session had ended."]
    assert back(answer) == "/apps/hero_db/plan?do=upgrade"


@pytest.mark.parametrize(
    "referer", ["", "http://evil.example/x", "//evil.example", "http://127.0.0.1:8080//evil.example", "http://["]
)
def test_a_form_leads_back_to_pages_of_ours_alone(referer: str) -> None:
    entrance = Entrance()
    assert back(entrance.post("/check", cookie=entrance.ended(), referer=referer)) == "/"


@pytest.mark.parametrize("host", ["", " ", "/", "h"])
@pytest.mark.parametrize(
    "page", ["http:///x", "https:///x", "http:///", "http:////evil.example", "http://h/", "http://"]
)
def test_a_form_without_a_host_is_answered(host: str, page: str) -> None:
    answer = Entrance().post("/check", host=host, referer=page)
    assert 400 <= answer.status < 500


@pytest.mark.parametrize(
    ("host", "page", "back"),
    [
        ("h", "http://h/x?y", "/x?y"),
        ("h", "https://h/x", "/x"),
        ("h", "https://h/", "/"),
        ("h", "http://h", "/"),
        ("", "http:///x", "/"),
        ("", "http:////evil.example", "/"),
        ("h/a", "http://h/a/x", "/x"),
    ],
)
def test_the_way_back_is_what_follows_the_host(host: str, page: str, back: str) -> None:
    said = Heard(headers={"host": (host,), "referer": (page,)})
    assert visit("POST", said, "", "/check", "").back == back


def test_a_wrong_token_is_said_beside_its_field() -> None:
    entrance = Entrance()
    answer = entrance.post("/session", "token=wrong&next=/jobs/7")
    assert answer.status == 401 and said(answer) == ["That is not the token of this server."]
    assert back(answer) == "/jobs/7" and 'aria-invalid="true" aria-describedby="said"' in answer.text
    assert said(entrance.get("/session", "token=used")) == ["That link was used already, and each opens once."]


def test_the_link_of_an_ended_session_says_so() -> None:
    entrance = Entrance()
    answer = entrance.get("/session", "next=/jobs/131", cookie=entrance.ended())
    assert said(answer) == ["Your session ended: sign in to come back to where you were."]
    assert back(answer) == "/jobs/131"


def test_its_dress_is_open_and_nothing_else_is() -> None:
    entrance = Entrance()
    page = entrance.get("/services").text
    links = re.findall(r'<link [^>]*href="([^"]+)"', page)
    assert len(links) == 2
    for path in links:
        answer = entrance.get(path)
        assert answer.status == 200 and answer.one("content-type").startswith(("text/css", "image/svg"))
    script = assets.address("cockpit.js")
    for path in (script, "/static/", "/static/x", "/static/../jobs", f"{links[0]}/x", f"/x{links[0]}", "/static/a.css"):
        assert entrance.get(path).status == 401, path
    assert entrance.reached == 0


@pytest.mark.parametrize(
    ("look", "told"), [("dark", ' data-theme="dark"'), ("light", ' data-theme="light"'), ("x", "")]
)
def test_it_has_the_look_that_was_chosen(look: str, told: str) -> None:
    assert f'<html lang="en"{told}>' in Entrance().get("/services", cookie=f"cockpit_look={look}").text


def test_what_comes_from_the_address_is_text() -> None:
    answer = Entrance().get("/services", 'q="><b>%3Cb%3E')
    assert "<b>" not in answer.text and back(answer).startswith("/services?q=&#34;&gt;&lt;b&gt;")
