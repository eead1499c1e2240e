"""The real router on a real port, before real services on unix sockets."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import os
import shutil
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cockpitpm.errors import MachineError, UsageError
from cockpitpm.router import Patience, Router
from tests.unit.router.backend import Backend, Guest
from tests.waiting import until

WEB = "hero_books/web.sock"


@pytest.fixture(scope="module")
def sockets() -> Iterator[Path]:
    """A short socket root for the tests of this file; each that needs a broken service has one of its own."""
    folder = Path(tempfile.mkdtemp(prefix="cp", dir=min(tempfile.gettempdir(), "/tmp", key=len)))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def service(sockets: Path) -> Iterator[Backend]:
    with Backend(sockets / WEB) as made:
        yield made


@pytest.fixture
def backend(service: Backend) -> Backend:
    """The one behind /hero_books/web/, as if nobody had asked it yet."""
    until(lambda: service.streams == 0)
    service.asked = service.seen = 0
    service.go.clear()
    return service


@pytest.fixture(scope="module")
def router(sockets: Path) -> Iterator[Router]:
    patience = Patience(connect=0.5, first_byte=0.5, guest=0.5)
    with Router(sockets, user="mik", patience=patience) as made:
        yield made


@pytest.fixture
def guest(router: Router) -> Guest:
    return Guest(port_of(router), Authorization=f"Bearer {router.token}")


def port_of(router: Router) -> int:
    return int(router.url.rpartition(":")[2])


# --- where a request goes, and what it says


def test_the_prefix_is_taken_off_and_told(backend: Backend, guest: Guest) -> None:
    heard = guest.ask("/hero_books/web/shelf/a%2Fb;x=1?q=%20a&r")
    assert (heard.json["path"], heard.json["query"]) == ("/shelf/a%2Fb;x=1", "q=%20a&r")
    told = heard.told
    host = f"127.0.0.1:{guest.port}"
    assert (told["x-forwarded-prefix"], told["x-forwarded-host"]) == ("/hero_books/web", host)
    assert (told["x-forwarded-proto"], told["host"], told["x-hero-user"]) == ("http", host, "mik")


def test_rpc_alone_means_the_endpoint_of_the_service(sockets: Path, guest: Guest) -> None:
    with Backend(sockets / "hero_agent/rpc.sock"):
        assert guest.ask("/hero_agent/rpc", "POST", b"{}").json["path"] == "/rpc"
        assert guest.ask("/hero_agent/rpc/health").json["path"] == "/health"


def test_a_page_with_a_name_of_its_own(sockets: Path, guest: Guest) -> None:
    with Backend(sockets / "hero_books/web_reader.sock"):
        assert guest.ask("/hero_books/reader/a").told["x-forwarded-prefix"] == "/hero_books/reader"


def test_a_path_without_its_last_slash_gets_it(backend: Backend, guest: Guest) -> None:
    heard = guest.ask("/hero_books/web")
    assert (heard.status, heard.headers["location"]) == (308, "/hero_books/web/")
    assert guest.ask("/").headers["location"] == "/hero_cockpit/web/"


def test_what_only_a_router_may_say_does_not_pass(backend: Backend, guest: Guest) -> None:
    told = guest.ask(
        "/hero_books/web/",
        **{
            "X-Hero-User": "root", "X-Hero-Context": "a", "X-Forwarded-Prefix": "/evil", "X-Forwarded-For": "1.2.3.4",
            "Forwarded": "for=1.2.3.4", "X-Real-IP": "1.2.3.4", "TE": "trailers", "Proxy-Connection": "x",
            "Connection": "x-named, close", "X-Named": "1", "X-Other": "2",
        },
    ).told  # fmt: skip
    assert (told["x-hero-user"], told["x-forwarded-prefix"], told["x-other"]) == ("mik", "/hero_books/web", "2")
    gone = {"x-hero-context", "x-forwarded-for", "forwarded", "x-real-ip", "te", "proxy-connection", "x-named"}
    assert not gone & set(told)
    assert "authorization" not in told, "the router's own token is nobody else's business"


def test_underscores_do_not_smuggle_a_name(backend: Backend, guest: Guest) -> None:
    # `ask` would turn the underscores of a keyword into hyphens.
    guest.fields |= {"X_Hero_User": "root", "X_Forwarded_Prefix": "/evil"}
    told = guest.ask("/hero_books/web/").told
    assert not {"x_hero_user", "x_forwarded_prefix"} & set(told)
    assert told["x-hero-user"] == "mik"


def test_an_answer_goes_back_without_what_is_about_the_connection(backend: Backend, guest: Guest) -> None:
    heard = guest.ask("/hero_books/web/")
    assert heard.headers["x-own"] == "1"
    assert "keep-alive" not in heard.headers
    head = guest.ask("/hero_books/web/", "HEAD")
    assert (head.status, head.body) == (200, b"")


# --- pieces


def test_events_pass_when_they_are_sent(backend: Backend, guest: Guest) -> None:
    connection, response = guest.stream("/hero_books/web/events")
    with contextlib.closing(connection):
        assert response.getheader("Content-Type") == "text/event-stream"
        assert response.readline() + response.readline() == b"data: 1\n\n", "the second event was not even sent"
        backend.go.set()
        assert response.readline() == b"data: 2\n"


def test_a_stream_may_be_silent_longer_than_the_first_byte_may_take(backend: Backend, guest: Guest) -> None:
    connection, response = guest.stream("/hero_books/web/events")
    with contextlib.closing(connection):
        response.readline(), response.readline()
        time.sleep(0.8)
        backend.go.set()
        assert response.readline() == b"data: 2\n"


def test_a_service_learns_that_the_guest_left(backend: Backend, guest: Guest) -> None:
    connection, response = guest.stream("/hero_books/web/events")
    response.readline()
    assert backend.streams == 1
    response.close()
    connection.close()
    until(lambda: backend.streams == 0)


def test_a_body_passes_in_pieces(backend: Backend, guest: Guest) -> None:
    connection = guest.open()
    with contextlib.closing(connection):
        connection.putrequest("POST", "/hero_books/web/", skip_accept_encoding=True)
        for name, said in guest.fields.items():
            connection.putheader(name, said)
        connection.putheader("Content-Length", "6")
        connection.endheaders()
        connection.send(b"abc")
        until(lambda: backend.seen == 3)
        connection.send(b"def")
        assert b'"size": 6' in connection.getresponse().read()


@pytest.mark.parametrize("chunked", [False, True])
def test_a_big_upload_arrives_whole(backend: Backend, guest: Guest, chunked: bool) -> None:
    data = os.urandom(1 << 20) * 48
    pieces = (data[start : start + 70_001] for start in range(0, len(data), 70_001))
    heard = guest.ask("/hero_books/web/", "PUT", pieces if chunked else data)
    assert (heard.json["size"], heard.json["sha256"]) == (len(data), hashlib.sha256(data).hexdigest())
    assert ("content-length" in heard.told) is not chunked


def test_a_slow_guest_is_not_the_fault_of_the_service(backend: Backend, guest: Guest) -> None:
    connection = guest.open()
    with contextlib.closing(connection):
        connection.putrequest("POST", "/hero_books/web/")
        for name, said in guest.fields.items():
            connection.putheader(name, said)
        connection.putheader("Content-Length", "6")
        connection.endheaders()
        for piece in (b"a", b"b", b"c", b"d", b"e", b"f"):
            time.sleep(0.2)  # together more than the half second for the first byte
            connection.send(piece)
        assert b'"size": 6' in connection.getresponse().read()


def test_a_guest_that_falls_silent_is_told_so(backend: Backend, guest: Guest) -> None:
    connection = guest.open()
    with contextlib.closing(connection):
        connection.putrequest("POST", "/hero_books/web/")
        for name, said in guest.fields.items():
            connection.putheader(name, said)
        connection.putheader("Content-Length", "6")
        connection.endheaders(b"ab")
        assert connection.getresponse().status == 408


# --- services that do not answer


def test_a_socket_that_is_not_there(guest: Guest) -> None:
    heard = guest.ask("/hero_gone/web/")
    assert heard.status == 502
    assert heard.json["error"] == "hero_gone does not answer: there is no socket hero_gone/web.sock"
    assert "cockpitpm" in heard.json["hint"]
    page = guest.ask("/hero_gone/web/", Accept="text/html,*/*")
    assert b"<h1>hero_gone does not answer: there is no socket" in page.body
    assert (page.headers["refresh"], page.headers["cache-control"]) == ("3", "no-store")


def test_a_socket_where_nobody_listens(sockets: Path, guest: Guest) -> None:
    (sockets / "hero_dead").mkdir()
    with socket.socket(socket.AF_UNIX) as plug:
        plug.bind(str(sockets / "hero_dead/web.sock"))
    assert guest.ask("/hero_dead/web/").json["error"] == "hero_dead does not answer: nobody listens on its socket"


def test_a_service_that_hangs_up(sockets: Path, guest: Guest) -> None:
    (sockets / "hero_rude").mkdir()
    with socket.socket(socket.AF_UNIX) as plug:
        plug.bind(str(sockets / "hero_rude/web.sock"))
        plug.listen()
        rude = threading.Thread(target=lambda: plug.accept()[0].close())
        rude.start()
        heard = guest.ask("/hero_rude/web/")
        rude.join(5)
    assert (heard.status, heard.json["error"]) == (502, "hero_rude ended the connection before it answered")


def test_a_service_that_is_too_slow(backend: Backend, guest: Guest) -> None:
    began = time.monotonic()
    heard = guest.ask("/hero_books/web/never")
    assert heard.status == 504
    assert heard.json["error"] == "hero_books did not begin to answer within 0.5 seconds"
    assert 0.4 < time.monotonic() - began < 5


def test_a_service_that_takes_no_connections(sockets: Path, guest: Guest) -> None:
    (sockets / "hero_full").mkdir()
    with contextlib.ExitStack() as stack:
        plug = stack.enter_context(socket.socket(socket.AF_UNIX))
        plug.bind(str(sockets / "hero_full/web.sock"))
        plug.listen(0)
        waiting = stack.enter_context(socket.socket(socket.AF_UNIX))
        waiting.connect(str(sockets / "hero_full/web.sock"))
        assert guest.ask("/hero_full/web/").status in (502, 504)


def test_an_answer_that_breaks_off_is_seen_to_break_off(backend: Backend, guest: Guest) -> None:
    with pytest.raises((http.client.IncompleteRead, ConnectionError)):
        guest.ask("/hero_books/web/dies")


# --- paths that lead nowhere


@pytest.mark.parametrize("path", ["/hero_books", "/Hero/web/", "//hero_books/web/", "/hero%5fbooks/web/", "/a/b"])
def test_other_paths_lead_nowhere(backend: Backend, guest: Guest, path: str) -> None:
    assert guest.ask(path).status in (404, 308)
    assert backend.asked == 0


@pytest.mark.parametrize("path", ["/../x", "/a/..", "/%2e%2E/x", "/a%2f..%2fb", "/..%5cx", "/./a", "/..;a/x"])
def test_dots_never_reach_a_service(backend: Backend, guest: Guest, path: str) -> None:
    assert guest.ask(f"/hero_books/web{path}").status == 400
    assert backend.asked == 0


def test_a_link_in_the_place_of_a_folder_or_socket_is_refused(sockets: Path, backend: Backend, guest: Guest) -> None:
    (sockets / "hero_evil").symlink_to(sockets / "hero_books")
    (sockets / "hero_other").mkdir()
    (sockets / "hero_other/web.sock").symlink_to(sockets / WEB)
    (sockets / "hero_file").mkdir()
    (sockets / "hero_file/web.sock").write_text("no socket")
    for name, why in (("hero_evil", "hero_evil is no folder of its own"), ("hero_other", "hero_other/web.sock is no socket"), ("hero_file", "hero_file/web.sock is no socket")):  # fmt: skip  # noqa: E501
        heard = guest.ask(f"/{name}/web/")
        assert (heard.status, heard.json["error"]) == (502, f"{name} does not answer: {why}")
    assert backend.asked == 0


def test_a_socket_path_that_the_kernel_does_not_take(guest: Guest) -> None:
    assert "longer than 107 bytes" in guest.ask(f"/{'a' * 60}/{'b' * 60}/").json["error"]


# --- who comes in


def test_nobody_comes_in_without_the_token(backend: Backend, router: Router) -> None:
    stranger = Guest(port_of(router))
    heard = stranger.ask("/hero_books/web/")
    assert (heard.status, heard.headers["www-authenticate"]) == (401, 'Bearer realm="cockpitpm router"')
    for said in ("Bearer wrong", f"Basic {router.token}", f"Bearer {router.token}x", router.token):
        assert stranger.ask("/hero_books/web/", Authorization=said).status == 401
    for cookie in (f"cockpitpm_router_{port_of(router)}={router.token}", f"cockpitpm_router_{port_of(router)}=é", "a"):
        assert stranger.ask("/hero_books/web/", Cookie=cookie).status == 401
    assert stranger.ask("/hero_books/web/?token=wrong").status == 401
    assert stranger.ask(f"/hero_books/web/?token={router.token}", "POST").status == 401
    assert backend.asked == 0


def test_a_link_becomes_a_cookie(backend: Backend, router: Router) -> None:
    browser = Guest(port_of(router))
    link = router.link("/hero_books/web/a").removeprefix(router.url)
    heard = browser.ask(f"{link}&q=1")
    assert (heard.status, heard.headers["location"]) == (303, "/hero_books/web/a?q=1")
    cookie, *flags = heard.headers["set-cookie"].split("; ")
    assert set(flags) == {"HttpOnly", "SameSite=Strict", "Path=/"}
    assert router.token not in cookie
    heard = browser.ask("/hero_books/web/a?token=of-the-app", Cookie=f"own=1; {cookie}; other=2")
    assert (heard.status, heard.json["query"]) == (200, "token=of-the-app")
    assert heard.told["cookie"] == "own=1; other=2"
    assert "cookie" not in browser.ask("/hero_books/web/a", Cookie=cookie).told
    again = browser.ask(f"{link}", Cookie=cookie)
    assert again.status == 303, "a link that is opened twice must not hand the token to the service"


@pytest.mark.parametrize("path", ["//evil.example/", "/\\evil.example/", "/a/../b"])
def test_the_exchange_leads_to_this_router_only(router: Router, path: str) -> None:
    heard = Guest(port_of(router)).ask(f"{path}?token={router.token}")
    assert (heard.status, heard.headers["location"]) == (303, "/")


@pytest.mark.parametrize("host", ["evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1:1", "localhost.:{port}"])  # fmt: skip  # noqa: E501
def test_a_name_that_was_bent_to_loopback(backend: Backend, guest: Guest, host: str) -> None:
    assert guest.ask("/hero_books/web/", Host=host.format(port=guest.port)).status == 421
    assert backend.asked == 0


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST", "[::1]", "127.0.0.1"])
def test_the_names_of_loopback(backend: Backend, guest: Guest, host: str) -> None:
    heard = guest.ask("/hero_books/web/", Host=f"{host}:{guest.port}")
    assert heard.told["x-forwarded-host"] == f"{host}:{guest.port}"


def test_a_page_of_another_port_changes_nothing(backend: Backend, router: Router) -> None:
    port = port_of(router)
    heard = Guest(port).ask(router.link("/hero_books/web/").removeprefix(router.url))
    browser = Guest(port, Cookie=heard.headers["set-cookie"].split(";")[0])
    for fields in ({"Origin": "http://127.0.0.1:1"}, {"Origin": "null"}, {"Sec-Fetch-Site": "same-site"}):
        assert browser.ask("/hero_books/web/", "POST", b"a=1", **fields).status == 403
    assert backend.asked == 0
    own = {"Origin": router.url, "Sec-Fetch-Site": "same-origin"}
    assert browser.ask("/hero_books/web/", "POST", b"a=1", **own).status == 200


# --- beginning and end


def test_twenty_streams_end_with_the_router(sockets: Path, backend: Backend) -> None:
    with contextlib.ExitStack() as stack:
        with Router(sockets) as router:
            guest = Guest(port_of(router), Authorization=f"Bearer {router.token}")
            open_ = [guest.stream("/hero_books/web/events") for _ in range(20)]
            for connection, response in open_:
                stack.enter_context(contextlib.closing(connection))
                assert response.readline() == b"data: 1\n"
            began = time.monotonic()
            assert guest.ask("/hero_books/web/").status == 200, "streams must not stand in the way of pages"
            began = time.monotonic()
        assert time.monotonic() - began < 1
        until(lambda: backend.streams == 0)
        with pytest.raises(ConnectionError):
            guest.ask("/hero_books/web/")


def test_who_waits_for_a_first_byte_is_told_that_the_router_stops(sockets: Path, backend: Backend) -> None:
    with Router(sockets) as router:
        guest = Guest(port_of(router), Authorization=f"Bearer {router.token}")
        heard: list[int] = []
        waiting = threading.Thread(target=lambda: heard.append(guest.ask("/hero_books/web/never").status))
        waiting.start()
        until(lambda: backend.asked == 1)
    waiting.join(5)
    assert heard == [503]


def test_a_port_that_is_taken(root: Path, router: Router) -> None:
    with pytest.raises(MachineError, match="Cannot listen on"), Router(root, port_of(router)):
        pass


@pytest.mark.parametrize("token", ["short", "a" * 300, "with a blank in it", "é" * 20])
def test_a_token_that_is_none(root: Path, token: str) -> None:
    with pytest.raises(UsageError):
        Router(root, token=token)


def test_a_token_is_shown_by_the_link_only(root: Path) -> None:
    with Router(root, token="t" * 20) as router:
        assert router.link() == f"{router.url}/hero_cockpit/web/?token={'t' * 20}"
        assert "t" * 20 not in repr(router._entrance._gate)
