"""Requests without a network, servers on real sockets, machines on simulators."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from starlette.types import ASGIApp

from cockpitpm.app.engine import Engine
from cockpitpm.app.host import Host, Invocation, Ports
from cockpitpm.model.job import Job, JobEvent, JobState, Order
from cockpitpm.model.plan import Request
from cockpitpm.model.receipt import Verb
from cockpitpm.record import jobs
from cockpitpm.serve.access import Names
from cockpitpm.serve.guard import Door
from cockpitpm.serve.listen import leave, listen
from cockpitpm.serve.peers import Patience, Peer, Protocol
from cockpitpm.serve.server import Server, server_of
from cockpitpm.serve.sessions import Sessions
from tests.sim.machine import MachineSim
from tests.sim.ports import ClockSim, ProberSim, ProcessesSim, SupervisorSim, read_program
from tests.unit.serve.watching import Scene, watched

KEY = bytes(32)
UID = 1000
TOKEN = "right-token-0123456789"
AT = "2026-06-12T08:16:40Z"


class Time:
    """Seconds since 1970 that a test moves."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


def words(prefix: str = "word") -> Callable[[], str]:
    numbers = count(1)
    return lambda: f"{prefix}-{next(numbers):08}"


def sessions(time: Callable[[], float] | None = None, key: bytes = KEY) -> Sessions:
    return Sessions(key, words("session"), time or Time())


def unix_door(*hosts: str, known: Sessions | None = None, frames: str = "'none'") -> Door:
    names = Names(exact=frozenset(hosts), loopback=True)
    return Door(names=names, sessions=known or sessions(), uid=UID, user=lambda uid: f"user{uid}", frames=frames)


def tcp_door(port: int = 8080, known: Sessions | None = None, token: str = TOKEN) -> Door:
    names = Names(exact=frozenset({f"127.0.0.1:{port}", f"localhost:{port}", f"[::1]:{port}"}))
    return Door(names=names, sessions=known or sessions(), uid=UID, user=str, token=token)


class Answer:
    """What came back: status, headers by name, body."""

    def __init__(self, messages: list[dict[str, Any]]) -> None:
        starts = [m for m in messages if m["type"] == "http.response.start"]
        assert len(starts) == 1, "one answer, begun once"
        self.status: int = starts[0]["status"]
        self.fields: list[tuple[bytes, bytes]] = list(starts[0]["headers"])
        self.body = b"".join(m.get("body", b"") for m in messages)

    def all(self, name: str) -> list[str]:
        return [value.decode() for key, value in self.fields if key == name.encode()]

    def one(self, name: str) -> str:
        (found,) = self.all(name)
        return found

    @property
    def text(self) -> str:
        return self.body.decode()


async def ask(
    app: ASGIApp,
    method: str = "GET",
    path: str = "/",
    fields: dict[str, str] | list[tuple[str, str]] | None = None,
    body: bytes = b"",
    uid: int | None = UID,
    query: str = "",
    stays: bool = False,
) -> Answer:
    """One request to an ASGI application, as the protocol would hand it on. `stays`: the client waits for the end."""
    pairs = list(fields.items()) if isinstance(fields, dict) else fields or []
    scope: dict[str, Any] = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": query.encode(),
        "scheme": "http",
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in pairs],
        "client": None,
        "server": ("127.0.0.1", 8080),
        "state": {"peer": None if uid is None else Peer(pid=7, uid=uid)},
    }
    sent: list[dict[str, Any]] = []
    pieces = iter([{"type": "http.request", "body": body, "more_body": False}])

    async def receive() -> Any:
        if piece := next(pieces, None):
            return piece
        if stays:
            await asyncio.Event().wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    await app(scope, receive, send)
    return Answer(sent)


@asynccontextmanager
async def served(app: ASGIApp, path: Path, patience: Patience | None = None) -> AsyncIterator[Server]:
    """A real server on a unix socket, in this loop."""
    place = listen(path)
    server = server_of(app)
    if patience:
        server.config.http = type("Quick", (Protocol,), {"patience": patience})
    task = asyncio.create_task(server.serve(sockets=[place.socket]))
    try:
        while not server.started:
            assert not task.done(), task
            await asyncio.sleep(0.005)
        yield server
    finally:
        server.should_exit = True
        server.drop(everybody=True)
        await asyncio.wait_for(task, 5)
        leave(place)


class Sim:
    """A machine on simulators, its engine, and jobs that are written by hand."""

    def __init__(self, folder: Path) -> None:
        self.machine = MachineSim(folder)
        self.world = self.machine.world
        self.started: list[int] = []
        ports = Ports(
            supervisor=SupervisorSim(self.world),
            prober=ProberSim(self.world),
            processes=ProcessesSim(self.world),
            clock=ClockSim(self.world),
            forges={"default": self.machine.forge},
            read_executable=read_program,
        )
        self.ports = ports
        self.invocation = Invocation(
            root=self.machine.root, bundles=folder / "bundles", actor="test", command=("test",)
        )
        self.engine = Engine(self.invocation, ports, start=self.started.append)

    @property
    def host(self) -> Host:
        return self.engine.host()

    def job(self, app: str = "duo", verb: Verb = Verb.UPGRADE) -> int:
        order = Order(request=Request(verb=verb, names=(app,), actor="mik"), apps=(app,))
        job, _ = self.engine.order(order)
        return job.id

    def state(self, number: int, state: JobState, said: str = "") -> Job:
        from attrs import evolve

        job = jobs.read(self.host.layout, number)
        job = evolve(job, state=state, said=said, started_at=job.started_at or AT)
        job = evolve(job, ended_at=AT if state.ended else "")
        jobs.write(self.host.layout, job)
        return job

    def tell(self, number: int, *events: JobEvent) -> None:
        jobs.append(self.host.layout, number, list(events))


@pytest.fixture
def sim(root: Path) -> Sim:
    return Sim(root)


@pytest.fixture
def scene(sim: Sim) -> Scene:
    """Duo is installed, and somebody listens."""
    sim.machine.publish("1")
    sim.machine.run(Verb.INSTALL, "duo")
    return watched(sim)


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    """Every thread that a test starts has ended, but for the idle ones that anyio keeps for a moment."""
    before = set(threading.enumerate())
    yield
    left = [t for t in threading.enumerate() if t not in before and "AnyIO" not in t.name and t.is_alive()]
    for thread in left:
        thread.join(2)
    assert not [t for t in left if t.is_alive()]
