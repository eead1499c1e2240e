"""Bodies that are cut, slow, encoded, too long or not what was asked for; and how much memory a large one takes."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from attrs import evolve
from urllib3.response import BaseHTTPResponse, HTTPResponse

from cockpitpm.errors import AssetBroken, ForgeDenied, ForgeError, ForgeUnreachable, ReleaseNotReady
from cockpitpm.forges.access import Access, base_of
from cockpitpm.forges.download import download
from cockpitpm.forges.patience import Deadline
from cockpitpm.forges.wire import Wire
from cockpitpm.model.settings import ForgeSettings
from cockpitpm.sandbox.forge import Fault, ForgeServer, ForgeState, Publisher
from tests.unit.forges.conftest import QUICK, World

SIZE = 300_000
AT = "/download/"


class Redirecting(Wire):
    """Answers every request with a redirect, over any scheme."""

    def __init__(self, location: str) -> None:
        super().__init__(QUICK)
        self.location = location

    @contextmanager
    def get(self, url: str, headers: dict[str, str], deadline: Deadline) -> Iterator[BaseHTTPResponse]:
        yield HTTPResponse(status=302, headers={"Location": self.location})


@pytest.mark.parametrize(
    ("fault", "error", "text"),
    [
        (Fault(path=AT, truncate=1000), AssetBroken, "3000 of 300000"),
        (Fault(path=AT, truncate=1000, headers={"Accept-Ranges": "none"}), AssetBroken, "1000 of 300000"),
        (Fault(path=AT, truncate=1000, headers={"ETag": 'W/"weak"'}), AssetBroken, "1000 of 300000"),
        (Fault(path=AT, truncate=1000, times=2), None, ""),
        (Fault(path=AT, truncate=1000, times=1, reset=True), None, ""),
        (Fault(path=AT, truncate=1000, reset=True), ForgeUnreachable, "broke"),
        (Fault(path=AT, truncate=0, reset=True), ForgeUnreachable, "broke"),
        (Fault(path=AT, reset=True), ForgeUnreachable, "broke"),
        (Fault(path=AT, truncate=1000, chunked=True), AssetBroken, "of 300000"),
        (Fault(path=AT, body=b"x", chunked=True), AssetBroken, "1 of 300000"),
        (Fault(path=AT, surplus=1), AssetBroken, "300001 bytes instead of 300000"),
        (Fault(path=AT, surplus=1, chunked=True), AssetBroken, "longer"),
        (Fault(path=AT, surplus=1, headers={"Content-Length": "300000"}), None, ""),
        (Fault(path=AT, body=b"short"), AssetBroken, "5 bytes instead of 300000"),
        (Fault(path=AT, body=b"", chunked=True), AssetBroken, "0 of 300000"),
        (Fault(path=AT, headers={"Content-Length": "-1"}), AssetBroken, "-1 bytes"),
        (Fault(path=AT, headers={"Content-Length": "2" * 400}), AssetBroken, "instead of 300000"),
        (Fault(path=AT, gzip=True), AssetBroken, "compressed"),
        (Fault(path=AT, headers={"Content-Encoding": "br"}), AssetBroken, "compressed"),
        (Fault(path=AT, headers={"Content-Encoding": "identity"}), None, ""),
        (Fault(path=AT, html=True), AssetBroken, "sign-in"),
        (Fault(path=AT, headers={"Content-Type": "text/html"}), None, ""),
        (Fault(path=AT, headers={"ETag": '"00000000-0000-4000-8000-000000000000"'}), AssetBroken, "replaced"),
        (Fault(path=AT, headers={"ETag": '"d41d8cd98f00b204e9800998ecf8427e"'}), None, ""),
        (Fault(path=AT, status=206), ForgeError, "206"),
        (Fault(path=AT, status=304), ForgeError, "304"),
        (Fault(path=AT, status=401), ForgeDenied, "refuses the download"),
        (Fault(path=AT, status=403), ForgeDenied, "refuses the download"),
        (Fault(path=AT, status=404), ReleaseNotReady, "no longer has it"),
        (Fault(path=AT, status=500), ForgeUnreachable, "500"),
        (Fault(path=AT, status=503), ForgeUnreachable, "503"),
        (Fault(path=AT, status=503, times=2), None, ""),
        (Fault(path=AT, status=302), ForgeError, "redirects"),
        (Fault(path=AT, status=302, headers={"Location": "/user/login?redirect_to=x"}), ForgeDenied, "sign-in"),
        (Fault(path=AT, status=302, headers={"Location": "file:///etc/passwd"}), ForgeError, "not an http"),
        (Fault(path=AT, status=302, headers={"Location": "http://u:p@127.0.0.1/"}), ForgeError, "not an http"),
        (Fault(path=AT, status=302, headers={"Location": "http://[::1"}), ForgeError, "not an http|redirect"),
        (Fault(path=AT, status=302, headers={"Location": "http://127.0.0.1:99999/"}), ForgeError, "not an http"),
    ],
)
def test_a_body_is_taken_as_announced_or_not_at_all(
    world: World, fault: Fault, error: type[ForgeError] | None, text: str
) -> None:
    world.publish(one=bytes(SIZE))
    asset = world.asset()
    world.state.faults.append(fault)
    given: list[int] = []
    forge = world.forge()
    if error is None:
        forge.fetch(asset, lambda piece: given.append(len(piece)))
        assert sum(given) == SIZE
        return
    with pytest.raises(error, match=text) as caught:
        forge.fetch(asset, lambda piece: given.append(len(piece)))
    assert sum(given) <= SIZE
    assert str(caught.value).isprintable() and len(str(caught.value)) < 400
    assert type(caught.value) is error


OK = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\x00\xff" * 500,
        b"HTTP/1.1 \r\n\r\n",
        b"HTTP/1.1 99999 x\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        OK,
        OK + b"X: " + b"y" * 1_000_000 + b"\r\n\r\n",
        OK + b"X: y\r\n" * 200 + b"\r\n",
        OK + b"Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcd",
        OK + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabcd",
        OK + b"Transfer-Encoding: chunked\r\n\r\n-5\r\nabcd",
        OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n0\r\n\r\n",
        OK + b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nabcd",
        OK + b"Content-Length: 4\r\nContent-Encoding: gzip\r\n\r\nabcd",
        OK + b"\r\nabc",
        OK + b"\r\nabcde",
    ],
)
def test_a_peer_that_does_not_speak_http_is_told_as_such(world: World, raw: bytes) -> None:
    world.publish(one=b"abcd")
    asset = world.asset()
    world.state.faults.append(Fault(path=AT, raw=raw))
    given: list[int] = []
    with pytest.raises(ForgeError) as caught:
        world.forge().fetch(asset, lambda piece: given.append(len(piece)))
    assert sum(given) <= 4
    assert str(caught.value).isprintable() and len(str(caught.value)) < 400


def test_redirects_are_followed_five_times(world: World) -> None:
    world.publish(one=b"1")
    asset = world.asset()
    loop = Fault(path=AT, status=303, headers={"Location": asset.url}, times=5)
    world.state.faults.append(loop)
    assert world.fetch(asset) == b"1"
    loop.times = None
    world.state.requests.clear()
    with pytest.raises(ForgeError, match="more than 5 redirects"):
        world.fetch(asset)
    assert len(world.state.requests) == 6


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/x", "file:///etc/passwd", "//127.0.0.1/x", "", "http://127.0.0.1\n/"])
def test_an_asset_must_have_an_address_that_can_be_asked(world: World, url: str) -> None:
    world.publish(one=b"1")
    with pytest.raises(ForgeError, match="not an http or https"):
        world.fetch(evolve(world.asset(), url=url))


def test_a_redirect_never_leads_from_https_to_http(world: World) -> None:
    """The address is judged before anything is sent, so no TLS server is needed to see it refused."""
    world.publish(one=b"1")
    asset = evolve(world.asset(), url="https://127.0.0.1:9/one")
    settings = ForgeSettings(kind="forgejo", url=world.server.url)
    base = base_of("default", settings.url)
    access = Access("default", base, None, world.warnings.append, ("127.0.0.1:9",))
    deadline = QUICK.until(1, "one")
    with pytest.raises(ForgeError, match="from https to http"):
        download(Redirecting("http://127.0.0.1:9/two"), access, asset, lambda _piece: None, deadline)


def test_https_to_a_plain_server_is_unreachable_and_asked_once(world: World) -> None:
    forge = world.forge(url=world.server.url.replace("http:", "https:"))
    with pytest.raises(ForgeUnreachable, match=r"no TLS with .*: wrong version number"):
        world.release(forge)


def test_a_silent_download_ends(world: World) -> None:
    world.publish(one=bytes(SIZE))
    asset = world.asset()
    world.state.faults.append(Fault(path=AT, delay=30))
    with pytest.raises(ForgeUnreachable, match="silent"):
        world.fetch(asset, world.forge(patience=evolve(QUICK, silence=0.2)))


def test_a_trickle_ends_at_the_floor(world: World) -> None:
    world.publish(one=bytes(SIZE))
    asset = world.asset()
    world.state.faults.append(Fault(path=AT, trickle=0.02, trickle_bytes=10))
    began = time.monotonic()
    with pytest.raises(ForgeUnreachable, match="B/s"):
        world.fetch(asset, world.forge(patience=evolve(QUICK, window=0.3, floor=40_960)))
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("slow", [{"trickle": 0.02}, {"header_trickle": 0.02}])
def test_whatever_comes_slowly_ends_at_the_deadline(world: World, slow: dict[str, float]) -> None:
    world.publish(one=bytes(SIZE))
    asset = world.asset()
    world.state.faults.append(Fault(path=AT, **slow))  # type: ignore[arg-type]
    began = time.monotonic()
    with pytest.raises(ForgeUnreachable, match="not finished within"):
        world.fetch(asset, world.forge(patience=evolve(QUICK, fetch_within=0.4)))
    assert time.monotonic() - began < 5


def test_a_slow_sink_is_not_the_forges_fault(world: World) -> None:
    world.publish(one=bytes(SIZE * 10))
    asset = world.asset()
    clock = [0.0]
    patience = evolve(QUICK, monotonic=lambda: clock[0], fetch_within=1e6)

    def sink(_piece: bytes | memoryview) -> None:
        clock[0] += 1000

    world.forge(patience=patience).fetch(asset, sink)
    assert clock[0] >= 2000


def test_pieces_are_neither_crumbs_nor_lumps(world: World) -> None:
    world.publish(one=bytes(3_000_000))
    sizes: list[int] = []
    asset = world.asset()
    world.state.faults.append(Fault(path=AT, trickle=0.0001, trickle_bytes=9000))
    world.forge().fetch(asset, lambda piece: sizes.append(len(piece)))
    assert sum(sizes) == 3_000_000
    assert all(64 * 1024 <= size <= 1024 * 1024 for size in sizes[:-1])


MEASURE = """
import resource, sys
from cockpitpm.forges import open_forge
from cockpitpm.model.bundle import Repo
from cockpitpm.model.settings import ForgeSettings
forge = open_forge("default", ForgeSettings(kind="forgejo", url=sys.argv[1]), None)
repo = Repo(name="beta", owner="alpha")
assets = {a.name: a for a in forge.release(repo, "latest").assets}
total = 0
def sink(piece):
    global total
    total += len(piece)
forge.fetch(assets["small"], sink)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
forge.fetch(assets["large"], sink)
print(total, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def test_a_large_asset_takes_no_more_memory_than_a_small_one(tmp_path: Path) -> None:
    large = tmp_path / "large"
    with large.open("wb") as file:
        file.truncate(64 * 1024 * 1024)
    state = ForgeState()
    Publisher(state).publish("alpha/beta", "latest", {"large": large, "small": bytes(1024 * 1024)})
    with ForgeServer(state) as server:
        done = subprocess.run(
            [sys.executable, "-c", MEASURE, server.url], capture_output=True, text=True, check=True, timeout=60
        )
    total, grown = (int(word) for word in done.stdout.split())
    assert total == 65 * 1024 * 1024
    assert grown < 8 * 1024
