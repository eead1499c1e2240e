"""A root in which sample daemons are put, started and asked."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cockpitpm.sandbox import daemons
from cockpitpm.sandbox.daemons import CHAIN_SOCKETS, Part, Stamp
from tests.waiting import until

COMMIT = "6791cf4e0b5d2c1a98f76543210fedcba9876543"


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("daemon", timeout=5)
        self.path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(5)
        self.sock.connect(str(self.path))


class Machine:
    """A root with a bin folder and sockets, and the processes started in it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.sockets = root / "s"
        self.bin = root / "bin"
        self.bin.mkdir()
        self.started: list[subprocess.Popen[bytes]] = []

    def put(self, name: str, data: bytes) -> Path:
        file = self.bin / name
        file.write_bytes(data)
        file.chmod(0o755)
        return file

    def start(self, name: str, **env: str) -> subprocess.Popen[bytes]:
        own = {"PATH": "/usr/bin:/bin", "PATH_ROOT": str(self.root), "PATH_SOCKET": str(self.sockets)} | env
        process = subprocess.Popen([self.bin / name], env=own, stderr=subprocess.PIPE, start_new_session=True)
        self.started.append(process)
        return process

    def ask(self, path: str, target: str = "/health") -> tuple[int, Any]:
        return self.request(path, "GET", target, None)

    def call(self, path: str, method: str) -> dict[str, Any]:
        body = json.dumps({"jsonrpc": "2.0", "id": "a-1", "method": method})
        status, answer = self.request(path, "POST", "/rpc", body)
        assert status == 200
        assert answer["jsonrpc"] == "2.0"
        return dict(answer)

    def request(self, path: str, verb: str, target: str, body: str | None) -> tuple[int, Any]:
        with contextlib.closing(UnixConnection(self.sockets / path)) as connection:
            connection.request(verb, target, body)
            response = connection.getresponse()
            data = response.read()
        return response.status, json.loads(data) if data.startswith(b"{") else data.decode()

    def ready(self, path: str) -> None:
        until(lambda: self.reachable(path))

    def reachable(self, path: str) -> bool:
        with contextlib.suppress(OSError, http.client.HTTPException):
            return bool(self.ask(path))
        return False

    def end(self) -> None:
        for process in self.started:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate()


def stamp(binary: str = "hero_demo_server", **values: Any) -> Stamp:
    known = {"version": "1.2.0", "commit": COMMIT, "sockets": ("hero_demo/rpc.sock",)}
    return Stamp(binary=binary, **(known | values))


def chain_stamp(**values: Any) -> Stamp:
    return stamp(daemons.CHAIN_BINARY, part=Part.CHAIN, **({"sockets": (CHAIN_SOCKETS["qa"],)} | values))


@pytest.fixture
def machine(root: Path) -> Iterator[Machine]:
    machine = Machine(root)
    yield machine
    machine.end()
