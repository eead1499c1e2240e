"""`cockpitpm serve` as a process of its own, on real sockets."""

from __future__ import annotations

import asyncio
import fcntl
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
import pytest

from cockpitpm.model.receipt import Verb
from cockpitpm.serve.run import _recover
from tests.unit.serve.conftest import Sim
from tests.unit.serve.test_hub import kinds, parsed
from tests.waiting import until

pytestmark = pytest.mark.real
CHECKOUT = Path(__file__).parents[3]


class Served:
    """A context manager: `cockpitpm serve` for the machine at `root`."""

    def __init__(self, root: Path, *words: str, role: str = "") -> None:
        self.root = root
        self.sockets = root / "var" / "sockets" / "hero_cockpit"
        environment = {**os.environ, "PYTHONPATH": str(CHECKOUT), **({"COCKPIT_MACHINE_ROLE": role} if role else {})}
        self.out = root.with_name(f"{root.name}.out{len(list(root.parent.glob('*.out*')))}")
        with self.out.open("w") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "cockpitpm", "serve", "--root", str(root), *words],
                stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=environment,
            )  # fmt: skip

    def __enter__(self) -> Self:
        until(lambda: "Listening on" in self.said() or self.process.poll() is not None)
        assert self.process.poll() is None, self.said()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.process.kill()
        self.process.wait(5)

    def said(self) -> str:
        return self.out.read_text()

    def end(self) -> tuple[int, float]:
        """Exit code and seconds after SIGTERM."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(15), time.monotonic() - began


def get(path: Path, what: str, **fields: str) -> httpx.Response:
    with httpx.Client(transport=httpx.HTTPTransport(uds=str(path)), base_url="http://localhost", timeout=10) as client:
        return client.get(what, headers=fields)


def first_event(path: Path) -> dict[str, Any]:
    """What a stream says first."""
    transport = httpx.HTTPTransport(uds=str(path))
    with (
        httpx.Client(transport=transport, base_url="http://localhost", timeout=10) as client,
        client.stream("GET", "/events") as stream,
    ):
        text = ""
        for piece in stream.iter_text():
            text += piece
            if found := parsed(text.rpartition("\n\n")[0]):
                assert found[0][1] == "hello"
                return found[0][2]
    raise AssertionError(text)


@pytest.fixture
def home(root: Path) -> Iterator[Path]:
    yield root / "m"


def test_it_answers_on_its_sockets_and_removes_them(home: Path) -> None:
    with Served(home) as server:
        rpc, web = server.sockets / "rpc.sock", server.sockets / "web.sock"
        assert server.said() == f"Listening on {rpc}, {web}\n"
        assert [p.lstat().st_mode & 0o777 for p in (rpc, web)] == [0o600, 0o600]
        assert server.sockets.stat().st_mode & 0o777 == 0o700
        health = get(rpc, "/health")
        assert health.json()["status"] == "ok" and health.headers["x-content-type-options"] == "nosniff"
        assert "server" not in health.headers
        assert get(web, "/session").status_code == 204
        assert get(web, "/rpc").status_code == 404, "pages and calls do not share a socket"
        assert get(rpc, "/session").status_code == 404
        assert get(web, "/session", host="evil.example").status_code == 421
        code, seconds = server.end()
        assert code == 0 and seconds < 1.0
        assert list(server.sockets.iterdir()) == []
        assert server.said().count("\n") == 1


def hidden(text: str, name: str) -> str:
    """The value of a hidden field of a page's form."""
    found = re.search(rf'name="{name}" value="([^"]*)"', text)
    assert found, text
    return found[1]


def test_the_real_pages_their_forms_and_their_stream(home: Path) -> None:
    with Served(home) as server:
        path = server.sockets / "web.sock"
        via = {"x-forwarded-prefix": "/hero_cockpit/web", "x-forwarded-host": "127.0.0.1:9988"}
        page = get(path, "/services", **via)
        assert page.status_code == 200 and "set-cookie" not in page.headers
        assert get(path, "/services", **via).text == page.text
        digests = re.findall(r'data-digest="([0-9a-f]{16})"', page.text)
        rows = asyncio.run(first(path, "app", len(digests), via))
        assert [row["digest"] for row in rows] == digests and len(digests) > 10
        assert all(row["html"] in page.text for row in rows), "a row is the same bytes on the page and in the stream"
        form = get(path, "/check", **via)
        cookie = form.headers["set-cookie"].partition(";")[0]
        assert "Path=/hero_cockpit/web; HttpOnly; SameSite=Strict" in form.headers["set-cookie"]
        sent = {**via, "origin": "http://127.0.0.1:9988", "content-type": "application/x-www-form-urlencoded"}
        body = f"csrf={hidden(form.text, 'csrf')}"
        assert post(path, "/check", body, **sent, cookie=cookie).headers["location"] == "/hero_cockpit/web/services"
        assert post(path, "/check", body, **sent).status_code == 403
        assert post(path, "/check", "csrf=x", **sent, cookie=cookie).status_code == 403
        assert (
            post(path, "/check", body, **{**sent, "origin": "http://127.0.0.1:9989"}, cookie=cookie).status_code == 403
        )


def post(path: Path, what: str, body: str, **fields: str) -> httpx.Response:
    with httpx.Client(transport=httpx.HTTPTransport(uds=str(path)), base_url="http://localhost", timeout=10) as client:
        return client.post(what, headers=fields, content=body)


async def first(path: Path, kind: str, count: int, fields: dict[str, str]) -> list[dict[str, Any]]:
    """The first events of a kind."""
    transport = httpx.AsyncHTTPTransport(uds=str(path))
    async with (
        httpx.AsyncClient(transport=transport, base_url="http://localhost", timeout=10) as client,
        client.stream("GET", "/events", headers=fields) as stream,
    ):
        text = ""
        async for piece in stream.aiter_text():
            text += piece
            found = [data for _, one, data in parsed(text.rpartition("\n\n")[0]) if one == kind]
            if len(found) >= count:
                return found
    raise AssertionError(text)


async def listen(path: Path, began: asyncio.Semaphore) -> list[str]:
    """The kinds of a stream's events, from its beginning until the server ends it."""
    transport = httpx.AsyncHTTPTransport(uds=str(path))
    async with (
        httpx.AsyncClient(transport=transport, base_url="http://localhost", timeout=20) as client,
        client.stream("GET", "/events?topics=state,job:1") as stream,
    ):
        text = ""
        async for piece in stream.aiter_text():
            if not text:
                began.release()
            text += piece
    return kinds(parsed(text))


def test_twenty_streams_hear_goodbye_and_nobody_waits_for_one_that_does_not_read(home: Path) -> None:
    async def work(server: Served) -> tuple[list[list[str]], int, float]:
        path = server.sockets / "web.sock"
        began = asyncio.Semaphore(0)
        slow = socket.socket(socket.AF_UNIX)
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
        slow.connect(str(path))
        slow.sendall(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        streams = [asyncio.create_task(listen(path, began)) for _ in range(20)]
        for _ in streams:
            await asyncio.wait_for(began.acquire(), 10)
        await asyncio.sleep(0.5)
        code, seconds = await asyncio.to_thread(server.end)
        found = await asyncio.gather(*streams)
        slow.close()
        return found, code, seconds

    with Served(home) as server:
        found, code, seconds = asyncio.run(work(server))
        assert code == 0 and seconds < 1.0, seconds
        assert [(one[0], one[-1], one.count("bye")) for one in found] == [("hello", "bye", 1)] * 20
        assert list(server.sockets.iterdir()) == []


def test_a_request_that_is_under_way_is_answered(home: Path) -> None:
    with Served(home) as server:
        plug = socket.socket(socket.AF_UNIX)
        plug.settimeout(10)
        plug.connect(str(server.sockets / "rpc.sock"))
        body = b'{"jsonrpc": "2.0", "id": 1, "method": "rpc.discover"}'
        head = f"POST /rpc HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
        plug.sendall(head.encode() + b"\r\n\r\n" + body[:10])
        time.sleep(0.2)
        server.process.send_signal(signal.SIGTERM)
        time.sleep(0.2)
        plug.sendall(body[10:])
        answer = http.client.HTTPResponse(plug)
        answer.begin()
        assert json.loads(answer.read())["id"] == 1
        assert server.process.wait(5) == 0
        answer.close()
        plug.close()


def test_a_second_server_is_refused_and_the_first_goes_on(home: Path) -> None:
    with Served(home) as server:
        second = Served(home, "--only", "web")
        assert second.process.wait(10) == 4
        assert f"Process {server.process.pid} listens on" in second.said()
        assert f"kill {server.process.pid}" in second.said() and "Traceback" not in second.said()
        assert get(server.sockets / "rpc.sock", "/health").status_code == 200
        assert get(server.sockets / "web.sock", "/session").status_code == 204


def test_after_a_kill_the_sockets_are_taken_over(home: Path) -> None:
    with Served(home) as server:
        server.process.kill()
        server.process.wait(5)
        assert len(list(server.sockets.iterdir())) == 2
    with Served(home) as server:
        assert get(server.sockets / "rpc.sock", "/health").status_code == 200


def test_pages_have_the_role_that_the_engine_says_not_their_own_environment(home: Path) -> None:
    with Served(home, "--only", "rpc", role="admin"), Served(home, "--only", "web", role="tester") as web:
        assert first_event(web.sockets / "web.sock")["role"] == "admin"


def test_pages_without_an_engine_say_so_and_find_it_again(home: Path) -> None:
    with Served(home, "--only", "web", role="admin") as web:
        silent = get(web.sockets / "web.sock", "/services")
        assert silent.status_code == 503 and "does not answer" in silent.text and silent.headers["refresh"] == "3"
        with Served(home, "--only", "rpc"):
            until(lambda: get(web.sockets / "web.sock", "/nowhere").status_code == 404)
            assert first_event(web.sockets / "web.sock")["role"] == "tester"
        assert get(web.sockets / "web.sock", "/nowhere").status_code == 404, "what is known stays known"
        assert web.end()[0] == 0


def test_over_tcp_a_token_is_asked_for(home: Path, root: Path) -> None:
    token = root / "token"
    with Served(home, "--tcp", "127.0.0.1:0", "--token-file", str(token)) as server:
        until(lambda: "Open once" in server.said())
        address = server.said().partition("http://")[2].partition("\n")[0]
        link = server.said().partition("Open once: ")[2].strip()
        assert token.read_text() not in server.said() and token.stat().st_mode & 0o777 == 0o600
        with httpx.Client(base_url=f"http://{address}", timeout=10) as client:
            assert client.get("/health").status_code == 401
            assert client.get("/health", headers={"authorization": f"Bearer {token.read_text()}"}).status_code == 200
            assert client.get("/health", headers={"authorization": "Bearer x"}).status_code == 401
            assert client.get(link).headers["location"] == "/"
            assert client.get("/health").status_code == 200, "the cookie of the link"
            assert client.post("/rpc", json={}).status_code == 200
            assert client.post("/rpc", json={}, headers={"origin": "http://evil.example"}).status_code == 403
        assert server.end()[0] == 0


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--tcp", "0.0.0.0:8080"), 2, "no address of loopback"),
        (("--token-file", "x"), 2, "A token is for TCP only"),
        (("--only", "everything"), 2, "Invalid value for '--only'"),
    ],
)
def test_what_cannot_be_served(home: Path, words: tuple[str, ...], code: int, said: str) -> None:
    server = Served(home, *words)
    assert server.process.wait(10) == code
    assert said in server.said() and "Traceback" not in server.said()
    assert not server.sockets.exists() or list(server.sockets.iterdir()) == []


def test_it_serves_while_somebody_else_changes_the_machine(home: Path) -> None:
    lock = home / "var" / "cockpitpm" / "lock"
    lock.parent.mkdir(parents=True)
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with Served(home) as server:
            assert get(server.sockets / "rpc.sock", "/health").status_code == 200
            time.sleep(0.3)
            assert server.said().count("\n") == 1


def test_what_was_interrupted_is_finished(sim: Sim) -> None:
    said: list[str] = []
    sim.machine.publish("1")
    sim.machine.run(Verb.INSTALL, "duo")
    _recover(sim.host, said.append)
    assert said == []
    sim.machine.publish("2")
    child = os.fork()
    if not child:
        sim.machine.run(Verb.UPGRADE, "duo", during=lambda: os._exit(7))
        os._exit(8)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    assert len(list(sim.host.layout.journal.glob("*.journal"))) == 1
    _recover(sim.host, said.append)
    assert len(said) == 1 and said[0].startswith("Finished what was interrupted: ")
    assert set(sim.machine.versions().values()) == {"2-duo_server", "2-duo_admin"}


def test_what_cannot_be_finished_is_told_and_kept(sim: Sim) -> None:
    said: list[str] = []
    broken = sim.host.layout.journal / "20260612T080000-abc.journal"
    broken.parent.mkdir(parents=True)
    broken.write_text("not a journal\n")
    _recover(sim.host, said.append)
    assert len(said) == 1 and said[0].startswith("Not everything is finished that was interrupted: ")
    assert broken.exists()
