"""`cockpitpm serve` as a process of its own, and the programs and browsers that ask it."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from types import TracebackType
from typing import Any, Self

from cockpitpm.record import jobs
from tests.acceptance.scene import Scene
from tests.waiting import until

LASTS = 30.0
"""Seconds that anything here may take."""


class Line:
    """A connection to a socket that stays open. Raises OSError or HTTPException where nobody answers."""

    def __init__(self, path: Path) -> None:
        self._http = http.client.HTTPConnection("localhost")
        self._http.sock = socket.socket(socket.AF_UNIX)
        self._http.sock.settimeout(LASTS)
        try:
            self._http.sock.connect(str(path))
        except OSError:
            self._http.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._http.close()

    def answer(self, method: str, **params: Any) -> dict[str, Any]:
        """The whole answer of one JSON-RPC call."""
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
        self._http.request("POST", "/rpc", body, {"Content-Type": "application/json"})
        found = json.loads(self._http.getresponse().read())
        assert isinstance(found, dict)
        return found

    def open(self, path: str) -> http.client.HTTPResponse:
        """A GET whose answer the caller reads."""
        self._http.request("GET", path)
        return self._http.getresponse()


class Server:
    """The server of a scene's machine. A context manager: it runs while entered, unless it is killed."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        sockets = scene.root / "var/sockets/hero_cockpit"
        self.rpc, self.web = sockets / "rpc.sock", sockets / "web.sock"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.end(signal.SIGTERM)

    def start(self) -> None:
        """Start it, and wait until both sockets answer."""
        with (self.scene.home / "serve.log").open("ab") as log:
            self._process = subprocess.Popen(
                self.scene.command("serve"),
                env=self.scene.environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        until(self._ready, LASTS)

    def _ready(self) -> bool:
        assert self._process and self._process.poll() is None, (self.scene.home / "serve.log").read_text()
        return answers(self.rpc) and answers(self.web)

    def end(self, how: signal.Signals) -> None:
        """Send the signal, and wait for its end."""
        if self._process:
            self._process.send_signal(how)
            self._process.wait(LASTS)
            self._process = None

    def answer(self, method: str, **params: Any) -> dict[str, Any]:
        with Line(self.rpc) as line:
            return line.answer(f"cockpit.{method}", **params)

    def call(self, method: str, **params: Any) -> Any:
        """The result of a call that goes well."""
        found = self.answer(method, **params)
        assert "result" in found, found
        return found["result"]

    def order(self, method: str, **params: Any) -> int:
        """Order a change; the number of its job."""
        number = self.call(method, **params)["job"]["id"]
        assert isinstance(number, int)
        return number

    def job(self, number: int) -> Any:
        return self.call("job", id=number)

    def ended(self, number: int) -> Any:
        """The job, once it has ended."""
        until(lambda: self.job(number)["ended_at"], LASTS)
        return self.job(number)

    def reached(self, number: int, phase: str) -> None:
        """Wait until the job is that far."""
        until(lambda: any(e["phase"] == phase for e in self.job(number)["events"]), LASTS)

    def process_of(self, number: int) -> int:
        """The process that carries the job out."""
        until(lambda: jobs.read(self.scene.machine.layout, number).process, LASTS)
        process = jobs.read(self.scene.machine.layout, number).process
        assert process
        return process.pid


def answers(path: Path) -> bool:
    """Whether somebody listens and speaks HTTP."""
    try:
        with Line(path) as line:
            return line.open("/").status > 0
    except (OSError, http.client.HTTPException):
        return False


class Viewer:
    """A browser that listens to `/events` in a thread of its own, from now on until its job has ended."""

    def __init__(self, server: Server, job: int) -> None:
        self.job = job
        self.events: list[dict[str, Any]] = []
        self.trouble: list[BaseException] = []
        self._line = Line(server.web)
        self._stream = self._line.open(f"/events?topics=state,job:{job}")
        assert self._stream.status == 200
        self._thread = Thread(target=self._listen, daemon=True)
        self._thread.start()
        until(lambda: self.of("hello"), LASTS)

    def _listen(self) -> None:
        try:
            for event in told(self._stream):
                self.events.append(event)
                if event["event"] == "end" and event["data"]["job"] == self.job:
                    return
        except (OSError, http.client.HTTPException, ValueError) as error:
            self.trouble.append(error)

    def wait(self) -> None:
        """Until it has heard the end."""
        self._thread.join(LASTS)
        self._line.__exit__(None, None, None)
        assert not self._thread.is_alive() and not self.trouble, self.trouble

    def of(self, kind: str) -> list[Any]:
        """The data of all events of a kind."""
        return [event["data"] for event in list(self.events) if event["event"] == kind]

    @property
    def numbers(self) -> list[int]:
        """Those of the events that have one; what is said to one viewer alone has none."""
        found = [event for event in self.events if event.get("id") and event["event"] != "beat"]
        return [int(event["id"].rpartition("-")[2]) for event in found]


def told(stream: http.client.HTTPResponse) -> Iterator[dict[str, Any]]:
    """The events of a stream as they come: `{id, event, data}`."""
    one: dict[str, Any] = {}
    while raw := stream.readline():
        name, _, value = raw.decode("ascii").rstrip("\n").partition(": ")
        if name:
            one[name] = json.loads(value) if name == "data" else value
        elif "event" in one:
            yield one
            one = {}
        else:
            one = {}


class Poller:
    """A program that asks for the list of services again and again, and remembers how long each answer took."""

    def __init__(self, server: Server) -> None:
        self.took: list[float] = []
        self.trouble: list[object] = []
        self._server = server
        self._over = False
        self._thread = Thread(target=self._poll, daemon=True)
        self._thread.start()

    def _poll(self) -> None:
        try:
            with Line(self._server.rpc) as line:
                while not self._over:
                    begun = time.monotonic()
                    answer = line.answer("cockpit.list_services")
                    self.took.append(time.monotonic() - begun)
                    if "result" not in answer:
                        self.trouble.append(answer)
                    time.sleep(0.05)
        except (OSError, http.client.HTTPException, ValueError) as error:
            self.trouble.append(error)

    def stop(self) -> None:
        self._over = True
        self._thread.join(LASTS)
        assert not self._thread.is_alive()


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
