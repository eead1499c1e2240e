"""The deployer's dashboard: a real daemon whose pages ask real neighbours, broken ones among them."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import signal
import socket
import threading
import time
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from cockpitpm.model.bundle import Binary, BinaryKind, Probe, ProbeKind, Socket
from cockpitpm.sandbox import daemons
from cockpitpm.sandbox.daemons import CHAIN_SOCKETS, Behaviour, Form, Part, Stamp, build_daemon
from tests.unit.sandbox.conftest import COMMIT, Machine, UnixConnection, chain_stamp, stamp

pytestmark = pytest.mark.real

ADMIN = "hero_tfgrid_deployer/admin.sock"
DEPLOYER = "hero_tfgrid_deployer/rpc.sock"
OWN = "/hero_tfgrid_deployer/admin"


def admin_stamp(**values: Any) -> Stamp:
    known = {"part": Part.DEPLOYER_ADMIN, "kind": "admin", "sockets": (ADMIN,), "answers": {"/": 200}}
    return stamp("hero_tfgrid_deployer_admin", **(known | values))


class Page(HTMLParser):
    """The links, headings, texts, forms and style attributes of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: dict[str, str] = {}
        self.tags: list[str] = []
        self.names: set[str] = set()
        self.text = ""
        self._href = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.names |= {name for name, _ in attrs}
        self._href = dict(attrs).get("href") or "" if tag == "a" else self._href

    def handle_endtag(self, tag: str) -> None:
        self._href = "" if tag == "a" else self._href

    def handle_data(self, data: str) -> None:
        self.text += data
        if self._href:
            self.links[data] = self._href


def get(machine: Machine, path: str, prefix: str = OWN) -> tuple[http.client.HTTPResponse, str]:
    with contextlib.closing(UnixConnection(machine.sockets / ADMIN)) as connection:
        connection.request("GET", path, headers={"X-Forwarded-Prefix": prefix} if prefix else {})
        response = connection.getresponse()
        return response, response.read().decode()


def show(machine: Machine, path: str, prefix: str = OWN) -> Page:
    return Page(get(machine, path, prefix)[1])


@pytest.fixture
def admin(machine: Machine) -> Machine:
    machine.put("admin", build_daemon(admin_stamp()))
    machine.start("admin")
    machine.ready(ADMIN)
    return machine


def start(machine: Machine, name: str, made: Stamp | bytes, ready: str = "") -> Any:
    machine.put(name, made if isinstance(made, bytes) else build_daemon(made))
    process = machine.start(name)
    if ready:
        machine.ready(ready)
    return process


def test_a_build_with_pages_carries_its_stamp_like_any_other() -> None:
    made = build_daemon(admin_stamp())
    assert made == build_daemon(admin_stamp()) != build_daemon(admin_stamp(version="2"))
    assert made.startswith(b"#!/")
    found = daemons.stamp_of(made)
    assert found is not None
    assert (found["binary"], found["commit"]) == ("hero_tfgrid_deployer_admin", COMMIT)


def test_the_bundle_gives_the_dashboard_its_pages(machine: Machine) -> None:
    probe = Probe(kind=ProbeKind.HTTP, socket="admin", target="/")
    sockets = (Socket(name="admin", path=ADMIN),)
    binary = Binary(name="hero_tfgrid_deployer_admin", kind=BinaryKind.ADMIN, sockets=sockets, probe=probe)
    start(machine, "admin", daemons.asset(binary, "1.0.0", COMMIT), ADMIN)
    response, text = get(machine, "/")
    assert response.status == 200 and "1.0.0 (6791cf4)" in text
    assert machine.ask(ADMIN)[1]["commit"] == COMMIT


@pytest.mark.parametrize("behaviour", [Behaviour.NEVER_STARTS, Behaviour.CRASHES, Behaviour.FAILS_PROBE])
def test_a_broken_build_is_broken_with_pages_too(machine: Machine, behaviour: Behaviour) -> None:
    made = admin_stamp(behaviour=behaviour, crash_after=0.1)
    process = start(machine, "admin", made, "" if behaviour is Behaviour.NEVER_STARTS else ADMIN)
    if behaviour is Behaviour.FAILS_PROBE:
        assert {get(machine, path)[0].status for path in ("/", "/control", "/style.css")} == {500}
    else:
        assert process.wait(5) == 1


@pytest.mark.parametrize(
    ("prefix", "own", "outside"),
    [
        ("", "", ""),
        (OWN, OWN, ""),
        (f"/gate/x{OWN}", f"/gate/x{OWN}", "/gate/x"),
        ("/other", "/other", ""),
        ('"><script>', "", ""),
        ("//evil.example", "", ""),
        ("javascript:alert(1)", "", ""),
        ("/a/../b", "/a/../b", ""),
    ],
)
def test_links_carry_what_the_router_took_off(admin: Machine, prefix: str, own: str, outside: str) -> None:
    for path in ("/", "/control"):
        page = show(admin, path, prefix)
        assert page.links["This machine"] == f"{outside}/hero_cockpit/web/services"
        assert (page.links["Nodes"], page.links["Control"]) == (f"{own}/", f"{own}/control")
        assert f'href="{own}/style.css"' in get(admin, path, prefix)[1]


def test_pages_need_neither_script_nor_inline_style_and_change_nothing(admin: Machine) -> None:
    for path in ("/", "/control"):
        response, text = get(admin, path)
        page = Page(text)
        policy = response.getheader("Content-Security-Policy") or ""
        assert policy.startswith("default-src 'none'; style-src 'self';") and "unsafe" not in policy
        assert not {"script", "style", "form", "button", "input", "iframe", "img"} & set(page.tags)
        assert not [name for name in page.names if name == "style" or name.startswith("on")]
        assert page.tags.count("h1") == 1 and page.tags.count("main") == 1
        assert not re.search(r"(?:href|src)=\"(?:https?:)?//", text)
    sheet, style = get(admin, "/style.css")
    assert sheet.getheader("Content-Type") == "text/css; charset=utf-8"
    assert "@media (prefers-color-scheme:dark)" in style and "url(" not in style and "@import" not in style
    assert admin.request(ADMIN, "POST", "/control", "x=1")[0] == 404


def test_control_asks_the_engines_while_the_reader_waits(admin: Machine) -> None:
    gate = Probe(kind=ProbeKind.HTTP, socket="rpc", target="/health", expect=401)
    rpc = Socket(name="rpc", path="hero_embedder_provider/rpc.sock")
    embedder = Binary(name="e", kind=BinaryKind.SERVER, sockets=(rpc,), probe=gate)
    start(admin, "embedder", daemons.asset(embedder, "1", COMMIT), "hero_embedder_provider/rpc.sock")
    well = start(admin, "chain", build_daemon(chain_stamp(), Form.SCRIPT), CHAIN_SOCKETS["qa"])
    sick = stamp(behaviour=Behaviour.FAILS_PROBE, sockets=(CHAIN_SOCKETS["main"],))
    start(admin, "sick", sick, CHAIN_SOCKETS["main"])
    (admin.sockets / "hero_compute_testnet").mkdir()
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(admin.sockets / CHAIN_SOCKETS["test"]))
        silent.listen()
        began = time.monotonic()
        text = show(admin, "/control").text
        assert 0.9 < time.monotonic() - began < 3, "one that is silent costs its second, once"
    assert "2 of 5 engines are well" in text
    for words in (
        "EmbedderWell, and closed",
        "VoiceNot on this machine",
        "Compute, mainNot wellIts own check says 500",
        "Compute, testNot answeringNothing came within 1 second",
        f"Compute, qaWell1.2.0 (6791cf4), process {well.pid}",
    ):
        assert words in text
    os.killpg(well.pid, signal.SIGKILL)
    well.wait(5)
    assert "Compute, qaNot runningNobody listens" in show(admin, "/control").text


def test_control_tells_names_and_ages_of_tokens_and_opens_none(admin: Machine) -> None:
    assert "There are no tokens" in show(admin, "/control").text
    folder = admin.root / "cfg/cockpitpm/secrets/core"
    folder.mkdir(parents=True)
    token = folder / "FORGE_TOKEN"
    token.write_text("never-to-be-seen")
    day = time.time() - 20 * 86400
    os.utime(token, (day, day))
    (folder / ".FORGE_TOKEN.new").write_text("never-to-be-seen")
    (folder / "LINK").symlink_to(token)
    (folder.parent / "other").symlink_to(folder)
    os.mkfifo(folder / "PIPE")
    _, text = get(admin, "/control")
    told = Page(text).text
    assert "core/FORGE_TOKEN" in told and "20 days" in told
    assert "never-to-be-seen" not in text
    assert not {"LINK", "PIPE", "other/"} & set(re.findall(r"LINK|PIPE|other/", told))
    assert os.stat(token).st_atime == day, "it was not even read"


def test_the_nodes_are_those_of_the_deployers_server(admin: Machine) -> None:
    assert "does not answer, so the nodes are not known" in show(admin, "/").text
    start(admin, "chain", chain_stamp(), CHAIN_SOCKETS["qa"])
    server = stamp("hero_tfgrid_deployer_server", part=Part.DEPLOYER, sockets=(DEPLOYER,))
    start(admin, "server", server, DEPLOYER)
    assert len(admin.call(DEPLOYER, "list_nodes")["result"]["nodes"]) == 3
    text = show(admin, "/").text
    assert "3 nodes. 1 of 3 chains answer." in text
    assert "qa-1Online" in text and "Chain mainIts daemon does not answer" in text


EVIL = "<script>alert(1)</script>\"'&\u202e\x1b[31m"


class Liar:
    """A neighbour that answers every request on a socket with these bytes."""

    def __init__(self, path: Path, body: bytes) -> None:
        path.parent.mkdir(exist_ok=True)
        self.path, self.body = path, body

    def __enter__(self) -> None:
        self.plug = socket.socket(socket.AF_UNIX)
        self.plug.bind(str(self.path))
        self.plug.listen()
        self.thread = threading.Thread(target=self._serve)
        self.thread.start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                guest, _ = self.plug.accept()
                with guest:
                    guest.recv(65536)
                    guest.sendall(b"HTTP/1.1 200 OK\r\n\r\n" + self.body)

    def __exit__(self, *_: object) -> None:
        self.plug.shutdown(socket.SHUT_RDWR)
        self.plug.close()
        self.thread.join(5)


@pytest.fixture
def evil(admin: Machine) -> Iterator[None]:
    health = json.dumps({"status": "ok", "version": EVIL, "commit": EVIL, "pid": EVIL})
    nodes = {"chains": [{"chain": EVIL, "healthy": True}, {"chain": "b", "healthy": False, "error": EVIL}]}
    nodes |= {"nodes": [{"chain": EVIL, "name": EVIL, "online": True}]}
    with (
        Liar(admin.sockets / CHAIN_SOCKETS["qa"], health.encode()),
        Liar(admin.sockets / DEPLOYER, json.dumps({"result": nodes}).encode()),
    ):
        yield


@pytest.mark.usefixtures("evil")
def test_what_a_neighbour_says_is_text(admin: Machine) -> None:
    for path in ("/", "/control"):
        _, text = get(admin, path)
        assert "&#60;script&#62;" in text
        assert "<script" not in text and "\u202e" not in text and "\x1b" not in text
        assert "script" not in Page(text).tags


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"null", b'{"result": 1}', b'{"result": {"chains": 1, "nodes": [2]}}', b"\xff", b"[" * 100_000]
)
def test_a_neighbour_that_talks_nonsense_costs_no_page(admin: Machine, body: bytes) -> None:
    with Liar(admin.sockets / DEPLOYER, body), Liar(admin.sockets / CHAIN_SOCKETS["qa"], body):
        assert get(admin, "/")[0].status == get(admin, "/control")[0].status == 200
        assert "so the nodes are not known" in show(admin, "/").text
        assert "Compute, qaNot well" in show(admin, "/control").text
