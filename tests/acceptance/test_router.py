"""The printed configuration does in Debian's nginx and caddy what the embedded router does by itself."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cockpitpm.router import Router
from tests.conftest import HOME
from tests.loopback import reserved
from tests.unit.router.backend import Backend, Guest
from tests.waiting import until

pytestmark = pytest.mark.real

NGINX = shutil.which("nginx", path="/usr/sbin:/usr/bin")
CADDY = shutil.which("caddy", path="/usr/bin:/usr/local/bin")
WHOLE_NGINX = """\
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/cockpitpm.conf;
}}
"""
WHOLE_CADDY = "{{\n\tadmin off\n\tauto_https off\n}}\nimport {folder}/cockpitpm.conf\n"


def cockpitpm(root: Path, *words: str) -> list[str]:
    return [sys.executable, "-m", "cockpitpm", *words, "--root", str(root)]


def environment(root: Path, **more: str) -> dict[str, str]:
    return {"PATH": "/usr/bin:/bin", "HOME": HOME, "PYTHONPATH": str(Path(__file__).parents[2]), **more}


def written(root: Path, kind: str, port: int, **env: str) -> str:
    """What the command prints for an admin machine, as it would be piped into a file."""
    words = cockpitpm(root, "router", "config", "--for", kind, "--listen", f"127.0.0.1:{port}")
    env = environment(root, COCKPIT_MACHINE_ROLE="admin", **env)
    return subprocess.run(words, env=env, capture_output=True, text=True, check=True, timeout=30).stdout


@contextlib.contextmanager
def running(words: list[str], folder: Path, port: int, env: dict[str, str]) -> Iterator[None]:
    """A server in the foreground, until it answers; ended by its pid."""
    with (folder / "said").open("wb") as said:
        process = subprocess.Popen(words, env=env, cwd=folder, stdout=said, stderr=said, stdin=subprocess.DEVNULL)
    try:
        until(lambda: process.poll() is not None or reachable(port), within=20)
        assert process.poll() is None, (folder / "said").read_text()
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(5)


def reachable(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


@contextlib.contextmanager
def embedded(root: Path, folder: Path) -> Iterator[Guest]:
    with Router(root / "var/sockets") as router:
        port = int(router.url.rpartition(":")[2])
        yield Guest(port, Authorization=f"Bearer {router.token}")


@contextlib.contextmanager
def nginx(root: Path, folder: Path) -> Iterator[Guest]:
    if NGINX is None:
        pytest.skip("nginx is not installed")
    (folder / "nginx.conf").write_text(WHOLE_NGINX.format(folder=folder))
    words = [NGINX, "-p", str(folder), "-e", str(folder / "error.log"), "-c", str(folder / "nginx.conf")]
    with reserved() as port:
        (folder / "cockpitpm.conf").write_text(written(root, "nginx", port))
        with running(words, folder, port, environment(root)):
            yield Guest(port)


@contextlib.contextmanager
def caddy(root: Path, folder: Path) -> Iterator[Guest]:
    if CADDY is None:
        pytest.skip("caddy is not installed")
    (folder / "Caddyfile").write_text(WHOLE_CADDY.format(folder=folder))
    env = environment(root) | {"HOME": str(folder), "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
    words = [CADDY, "run", "--adapter", "caddyfile", "--config", str(folder / "Caddyfile")]
    with reserved() as port:
        (folder / "cockpitpm.conf").write_text(written(root, "caddy", port))
        with running(words, folder, port, env):
            yield Guest(port)


Start = Callable[[Path, Path], contextlib.AbstractContextManager[Guest]]


@pytest.fixture(scope="module")
def web(place: Path) -> Iterator[Backend]:
    with Backend(place / "m/var/sockets/hero_cockpit/web.sock") as made:
        yield made


@pytest.fixture(scope="module")
def rpc(place: Path) -> Iterator[Backend]:
    with Backend(place / "m/var/sockets/hero_tfgrid_deployer/rpc.sock") as made:
        yield made


@pytest.fixture(scope="module", params=[embedded, nginx, caddy], ids=["embedded", "nginx", "caddy"])
def guest(request: pytest.FixtureRequest, place: Path, web: Backend, rpc: Backend) -> Iterator[Guest]:
    start: Start = request.param
    folder = place / request.param.__name__
    folder.mkdir()
    with start(place / "m", folder) as made:
        yield made


def test_a_request_finds_its_service_and_the_service_its_prefix(guest: Guest) -> None:
    heard = guest.ask("/hero_cockpit/web/services?q=a%20b")
    assert (heard.json["path"], heard.json["query"]) == ("/services", "q=a%20b")
    told = heard.told
    host = f"127.0.0.1:{guest.port}"
    assert told["x-forwarded-prefix"] == "/hero_cockpit/web"
    assert (told["host"], told["x-forwarded-host"], told["x-forwarded-proto"]) == (host, host, "http")


def test_rpc_is_reached_with_and_without_the_name_of_its_endpoint(guest: Guest) -> None:
    for path in ("/hero_tfgrid_deployer/rpc", "/hero_tfgrid_deployer/rpc/rpc"):
        heard = guest.ask(path, "POST", b'{"jsonrpc": "2.0"}')
        assert (heard.json["method"], heard.json["path"], heard.json["size"]) == ("POST", "/rpc", 18)
        assert heard.told["x-forwarded-prefix"] == "/hero_tfgrid_deployer/rpc"


def test_nobody_says_who_he_is(guest: Guest) -> None:
    claims = dict.fromkeys(("X-Hero-User", "X-Hero-Context", "X-Hero-Claims", "X-Forwarded-Prefix"), "root")
    guest_with = Guest(guest.port, **guest.fields, **claims, **{"X-Forwarded-Host": "evil", "X-Real-IP": "evil"})
    guest_with.fields |= {"X_Hero_User": "root"}
    told = guest_with.ask("/hero_cockpit/web/").told
    assert "root" not in told.values() and "evil" not in told.values()


def test_a_path_without_its_last_slash_gets_it(guest: Guest) -> None:
    heard = guest.ask("/hero_cockpit/web")
    assert (heard.status, heard.headers["location"]) == (308, "/hero_cockpit/web/")
    heard = guest.ask("/")
    assert (heard.status, heard.headers["location"]) == (303, "/hero_cockpit/web/")
    assert guest.ask("/hero_cockpit").status == 404
    assert guest.ask("/favicon.ico").status == 404


def test_a_service_that_is_away(guest: Guest) -> None:
    assert guest.ask("/hero_books/web/").status == 502


def test_events_pass_when_they_are_sent(guest: Guest, web: Backend) -> None:
    web.go.clear()
    began = time.monotonic()
    connection, response = guest.stream("/hero_cockpit/web/events")
    with contextlib.closing(connection):
        assert response.readline() + response.readline() == b"data: 1\n\n", "the second event was not even sent"
        assert time.monotonic() - began < 5
        web.go.set()
        assert response.readline() == b"data: 2\n"
        response.close()
    web.go.clear()
    until(lambda: web.streams == 0)


def test_twenty_streams_do_not_stand_in_the_way_of_a_page(guest: Guest, web: Backend) -> None:
    web.go.clear()
    with contextlib.ExitStack() as stack:
        for _ in range(20):
            connection, response = guest.stream("/hero_cockpit/web/events")
            stack.enter_context(contextlib.closing(connection))
            stack.enter_context(contextlib.closing(response))
            assert response.readline() == b"data: 1\n"
        assert web.streams == 20
        assert guest.ask("/hero_cockpit/web/").status == 200
    until(lambda: web.streams == 0)


def test_a_big_upload_arrives_whole(guest: Guest) -> None:
    data = os.urandom(1 << 20) * 16
    heard = guest.ask("/hero_cockpit/web/", "PUT", data)
    assert (heard.json["size"], heard.json["sha256"]) == (len(data), hashlib.sha256(data).hexdigest())


def test_the_command_serves_until_it_is_told_to_end(place: Path, web: Backend) -> None:
    web.go.clear()
    file = place / "token"
    words = cockpitpm(place / "m", "router", "serve", "--port", "0", "--token-file", str(file))
    env = environment(place / "m")
    process = subprocess.Popen(words, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        said = process.stdout.readline()
        port = int(said.split()[-1].rpartition(":")[2])
        token = file.read_text().strip()
        assert file.stat().st_mode & 0o777 == 0o600 and token not in said
        guest = Guest(port, Authorization=f"Bearer {token}")
        assert guest.ask("/hero_cockpit/web/").status == 200
        connection, response = guest.stream("/hero_cockpit/web/events")
        with contextlib.closing(connection):
            assert response.readline() == b"data: 1\n"
            asked = time.monotonic()
            process.terminate()
            assert process.wait(5) == 0
            assert time.monotonic() - asked < 1
            response.close()
    finally:
        process.kill()
        _, errors = process.communicate()
    assert errors == ""


def test_the_command_refuses_a_token_that_others_may_read(place: Path) -> None:
    file = place / "open-token"
    file.write_text("a" * 30)
    file.chmod(0o644)
    words = cockpitpm(place / "m", "router", "serve", "--port", "0", "--token-file", str(file))
    done = subprocess.run(words, env=environment(place), capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 4
    assert done.stderr == f"cockpitpm: Others may read {file}. Take it for yourself: chmod 600 {file}.\n"
