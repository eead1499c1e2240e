"""What the prober tells of real little servers, good and bad. It never raises for a service that does not answer."""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cockpitpm.model.bundle import Probe, ProbeKind, Socket
from cockpitpm.model.service import Healthy, ProbeTarget, Unhealthy
from cockpitpm.probes import SystemProber
from cockpitpm.processes import LinuxProcesses

Handler = Callable[[socket.socket, bytes], None]


class Server:
    """Accepts connections one by one, reads a request and lets the handler answer."""

    def __init__(self, plug: socket.socket, handler: Handler) -> None:
        self._plug = plug
        self._handler = handler
        self.requests: list[bytes] = []
        plug.listen()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._plug.accept()
            except OSError:
                return
            with connection:
                try:
                    connection.settimeout(5)
                    request = self._request(connection)
                    if request:
                        self._handler(connection, request)
                except OSError:
                    continue

    def _request(self, connection: socket.socket) -> bytes:
        received = b""
        while b"\r\n\r\n" not in received or (received.startswith(b"POST") and not received.endswith(b"}")):
            piece = connection.recv(65536)
            if not piece:
                break
            received += piece
        self.requests.append(received)
        return received

    def close(self) -> None:
        self._plug.shutdown(socket.SHUT_RDWR)
        self._plug.close()
        self._thread.join()


@pytest.fixture
def serve(request: pytest.FixtureRequest, root: Path) -> Iterator[Callable[..., tuple[Server, Socket]]]:
    servers: list[Server] = []

    def start(handler: Handler, family: str = "tcp") -> tuple[Server, Socket]:
        if family == "tcp":
            plug = socket.create_server(("127.0.0.1", 0))
            where = Socket(name="api", port=plug.getsockname()[1])
        else:
            plug = socket.socket(socket.AF_UNIX)
            plug.bind(str(root / "api.sock"))
            where = Socket(name="api", path="api.sock")
        servers.append(Server(plug, handler))
        return servers[-1], where

    yield start
    for server in servers:
        server.close()


def says(text: str | bytes, status: str = "200 OK") -> Handler:
    body = text.encode() if isinstance(text, str) else text
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    return lambda connection, request: connection.sendall(head + body)


def raw(answer: bytes) -> Handler:
    return lambda connection, request: connection.sendall(answer)


def ask(root: Path, where: tuple[Socket, ...], timeout: float = 2.0, env: object = (), **probe: object) -> object:
    fields = {"socket": "api", **probe}
    target = ProbeTarget(
        service="s",
        probe=Probe(**fields),  # type: ignore[arg-type]
        sockets=where,
        socket_root=str(root),
        env=env,  # type: ignore[arg-type]
    )
    return SystemProber(timeout).probe(target)


FAMILIES = pytest.mark.parametrize("family", ["tcp", "unix"])


def well(answer: str, root: Path, family: str) -> Healthy:
    """At a unix socket it is told who listens; here that is this process."""
    return (
        Healthy(answer=answer, listener=os.getpid(), where=f"{root}/api.sock")
        if family == "unix"
        else Healthy(answer=answer)
    )


@FAMILIES
def test_the_expected_status_is_healthy(serve: Callable, root: Path, family: str) -> None:
    server, where = serve(says("fine"), family)
    assert ask(root, (where,), kind=ProbeKind.HTTP, target="/health?deep=1") == well("200 OK", root, family)
    assert server.requests[0].startswith(b"GET /health?deep=1 HTTP/1.1\r\nHost: localhost\r\n")


def test_another_status_can_be_expected(serve: Callable, root: Path) -> None:
    _, where = serve(says("", "401 Unauthorized"))
    assert ask(root, (where,), kind=ProbeKind.HTTP, expect=401) == Healthy(answer="401 Unauthorized")
    assert ask(root, (where,), kind=ProbeKind.HTTP) == Unhealthy(answer="HTTP 401")


@FAMILIES
def test_a_listening_socket_is_healthy_for_tcp(serve: Callable, root: Path, family: str) -> None:
    _, where = serve(says(""), family)
    assert ask(root, (where,), kind=ProbeKind.TCP) == well("connected", root, family)


@FAMILIES
def test_a_method_with_a_result_is_healthy(serve: Callable, root: Path, family: str) -> None:
    server, where = serve(says(json.dumps({"jsonrpc": "2.0", "id": 1, "result": None})), family)
    assert ask(root, (where,), kind=ProbeKind.JSONRPC, target="rpc.health") == well("rpc.health answered", root, family)
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /rpc HTTP/1.1") and b"Content-Type: application/json" in head
    assert json.loads(body) == {"jsonrpc": "2.0", "id": 1, "method": "rpc.health"}


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        ('{"id": 1, "error": {"code": -32601, "message": "no such\\n method"}}', "error -32601: no such method"),
        ('{"jsonrpc": "2.0", "id": 1, "error": "bad"}', "error : bad"),
        ('{"jsonrpc": "2.0", "id": 2, "result": 1}', "the answer is to another call"),
        ('{"jsonrpc": "2.0", "id": true, "result": 1}', "the answer is to another call"),
        ('{"jsonrpc": "2.0", "id": 1}', "the answer has no result"),
        ("[1]", "the answer is not a JSON-RPC object"),
        ("<html>", "the answer is not JSON"),
        (b"\xff\xfe\x00", "the answer is not JSON"),
        ("[" * 60000, "the answer is not JSON"),
        ('"' + "x" * 70000 + '"', "the answer is not JSON"),
    ],
)  # fmt: skip
def test_any_other_answer_to_a_call_is_not(serve: Callable, root: Path, body: str | bytes, answer: str) -> None:
    _, where = serve(says(body))
    assert ask(root, (where,), kind=ProbeKind.JSONRPC, target="m") == Unhealthy(answer=answer)


def test_an_http_error_to_a_call_is_told(serve: Callable, root: Path) -> None:
    _, where = serve(says("", "500 Oops"))
    assert ask(root, (where,), kind=ProbeKind.JSONRPC, target="m") == Unhealthy(answer="HTTP 500")


KINDS = pytest.mark.parametrize("kind", [ProbeKind.HTTP, ProbeKind.JSONRPC, ProbeKind.TCP])


@KINDS
def test_nothing_listens(root: Path, kind: ProbeKind) -> None:
    with socket.create_server(("127.0.0.1", 0)) as plug:
        port = plug.getsockname()[1]
    assert ask(root, (Socket(name="api", port=port),), kind=kind) == Unhealthy(answer="connection refused")
    assert ask(root, (Socket(name="api", path="api.sock"),), kind=kind) == Unhealthy(answer="no such socket")
    with socket.socket(socket.AF_UNIX) as plug:
        plug.bind(str(root / "api.sock"))
    stale = ask(root, (Socket(name="api", path="api.sock"),), kind=kind)
    assert stale == Unhealthy(answer="connection refused")


@KINDS
def test_a_socket_that_is_not_declared(root: Path, kind: ProbeKind) -> None:
    assert ask(root, (), kind=kind) == Unhealthy(answer="no socket is declared as 'api'")


@KINDS
def test_a_path_that_no_socket_can_have(root: Path, kind: ProbeKind) -> None:
    answer = ask(root, (Socket(name="api", path="x" * 200),), kind=kind)
    assert isinstance(answer, Unhealthy) and "too long" in answer.answer


@pytest.mark.parametrize(
    ("garbage", "answer"),
    [
        (b"SSH-2.0-x\r\n", "the answer is not HTTP"),
        (b"HTTP/1.1 abc def\r\n\r\n", "the answer is not HTTP"),
        (b"HTTP/1.1 200 OK\r\n" + b"X: " + b"y" * 70000 + b"\r\n\r\n", "the answer is not HTTP"),
        (b"", "connection lost"),
    ],
)
def test_what_is_not_http_is_told(serve: Callable, root: Path, garbage: bytes, answer: str) -> None:
    _, where = serve(raw(garbage))
    assert ask(root, (where,), kind=ProbeKind.HTTP) == Unhealthy(answer=answer)


def drip(connection: socket.socket, request: bytes) -> None:
    for byte in b"HTTP/1.1 200 OK and so on for a very long time":
        connection.sendall(bytes([byte]))
        time.sleep(0.05)


@pytest.mark.parametrize("handler", [drip, lambda connection, request: connection.recv(1)])
def test_an_answer_that_does_not_end_in_time_is_none(serve: Callable, root: Path, handler: Handler) -> None:
    _, where = serve(handler)
    began = time.monotonic()
    assert ask(root, (where,), timeout=0.3, kind=ProbeKind.HTTP) == Unhealthy(answer="no answer in time")
    assert time.monotonic() - began < 0.8


@pytest.mark.real
def test_a_command_is_judged_by_its_exit_status(root: Path) -> None:
    def run(*command: str, expect: int = 0, env: object = ()) -> object:
        return ask(root, (), socket="", kind=ProbeKind.EXEC, command=command, expect=expect, env=env)

    assert run("/bin/sh", "-c", "exit 3", expect=3) == Healthy(answer="exit status 3")
    assert run("/bin/false") == Unhealthy(answer="exit status 1")
    assert run("/bin/sh", "-c", "kill -9 $$") == Unhealthy(answer="ended by signal 9")
    assert run("/nobody/home") == Unhealthy(answer="cannot be executed: No such file or directory")
    assert run() == Unhealthy(answer="cannot be executed: there is no command")
    only = '[ "$A" = b ] && [ -z "$HOME" ]'
    assert run("/bin/sh", "-c", only, env=(("A", "b"),)) == Healthy(answer="exit status 0")


@pytest.mark.real
@pytest.mark.parametrize("script", ["echo $$ > pid; sleep 600", "echo $$ > pid; sleep 600 & wait"])
def test_a_command_that_hangs_ends_with_its_group(root: Path, script: str) -> None:
    command = ("/bin/sh", "-c", f"cd {root}; trap '' TERM; {script}; :")
    answer = ask(root, (), timeout=0.3, socket="", kind=ProbeKind.EXEC, command=command)
    assert answer == Unhealthy(answer="no answer in time")
    pid = int((root / "pid").read_text())
    deadline = time.monotonic() + 2
    while LinuxProcesses().tree(pid):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_questions_leave_no_thread_and_no_descriptor(serve: Callable, root: Path) -> None:
    _, where = serve(says("fine"))
    ask(root, (where,), kind=ProbeKind.HTTP)
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(20):
        ask(root, (where,), kind=ProbeKind.HTTP)
    deadline = time.monotonic() + 2
    while threading.active_count() > 2 or len(os.listdir("/proc/self/fd")) > before:
        assert time.monotonic() < deadline
        time.sleep(0.01)
