"""Machines on simulators behind the pages, asked as a browser asks."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from pathlib import Path

import anyio
import httpx
import pytest
from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send

from cockpitpm.app.engine import Engine
from cockpitpm.app.host import Host, Invocation, Ports
from cockpitpm.app.job_run import run
from cockpitpm.declare.catalog import resolve
from cockpitpm.declare.data import bundles_folder
from cockpitpm.model.role import Role
from cockpitpm.ports import Reporter
from cockpitpm.web import routes
from tests.sim.forge import ForgeSim
from tests.sim.ports import ClockSim, ProberSim, ProcessesSim, SupervisorSim, read_program
from tests.sim.world import World, program

TOKEN = "the-token-of-this-form"
PREFIX = "/hero_cockpit/web"
CHANNEL = "latest-integration"


class Forms:
    """The tokens of one session."""

    def issue(self) -> str:
        return TOKEN

    def check(self, token: str) -> bool:
        return token == TOKEN


class Quiet:
    """A hub that nobody listens to."""

    def mark(self) -> str:
        return "boot-7"

    async def subscribe(self, topics: frozenset[str], after: str) -> Iterator[bytes]:  # type: ignore[misc]
        return
        yield b""


class Behind:
    """The server's part: who asks, the form tokens, the forwarded prefix."""

    def __init__(self, app: ASGIApp, prefix: str, actor: str) -> None:
        self.app, self.prefix, self.actor = app, prefix, actor

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            path = scope["path"].removeprefix(self.prefix) if self.prefix else scope["path"]
            scope = {**scope, "root_path": self.prefix, "path": f"{self.prefix}{path}"}
            scope["state"] = {"actor": self.actor, "csrf": Forms()}
        await self.app(scope, receive, send)


class Browser:
    """Asks the pages, one request after another. Redirects are not followed."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.cookies: dict[str, str] = {}

    def get(self, path: str, params: Mapping[str, str] | None = None) -> httpx.Response:
        return self._ask("GET", path, params=params)

    def post(self, path: str, **fields: str) -> httpx.Response:
        return self._ask("POST", path, data={"csrf": TOKEN, **fields})

    def send(self, method: str, path: str, data: bytes, kind: str) -> httpx.Response:
        return self._ask(method, path, content=data, headers={"content-type": kind})

    def _ask(self, method: str, path: str, **more: object) -> httpx.Response:
        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(self._app)
            async with httpx.AsyncClient(
                transport=transport, base_url="http://machine", cookies=self.cookies
            ) as client:
                return await client.request(method, path, **more)  # type: ignore[arg-type]

        return anyio.run(ask)


class Machine:
    """A machine of a role whose forge has a build of every app."""

    def __init__(self, folder: Path, role: Role, bundles: Path | None = None) -> None:
        self.folder, self.root, self.role = folder, folder / "root", role
        self.bundles = bundles or bundles_folder()
        self.catalog = resolve(self.bundles, role)
        self.world, self.forge = World(folder), ForgeSim()
        self.jobs: list[int] = []
        self.at_once = True
        settings = self.root / "cfg" / "cockpitpm" / "machine.yaml"
        settings.parent.mkdir(parents=True)
        settings.write_text(f"role: {role.value}\nchannel: {CHANNEL}\n")
        (self.root / "bin").mkdir()
        if role is Role.ADMIN:
            for name in ("my_compute_zos_main_server", "my_compute_zos_testnet_server"):
                (self.root / "bin" / name).write_bytes(b"#!wrap exec my_compute_zos_server")
        for bundle in self.catalog.bundles:
            self.publish(bundle.name, "1.0")

    def publish(self, app: str, version: str, behaviour: str = "good") -> None:
        bundle = self.catalog.bundle(app)
        assert bundle
        names = {b.asset_name(bundle.targets[0]): b.name for b in bundle.binaries}
        assets = {asset: program(f"{version}-{name}", behaviour) for asset, name in names.items()}
        self.forge.publish(bundle.repo.name, CHANNEL, assets)

    def ports(self) -> Ports:
        return Ports(
            supervisor=SupervisorSim(self.world),
            prober=ProberSim(self.world),
            processes=ProcessesSim(self.world),
            clock=ClockSim(self.world),
            forges={"default": self.forge},
            read_executable=read_program,
        )

    def host(self, actor: str = "mik", reporter: Reporter | None = None) -> Host:
        return Host(self._invocation(actor, reporter), self.ports())

    def _invocation(self, actor: str, reporter: Reporter | None = None) -> Invocation:
        return Invocation(
            root=self.root, bundles=self.bundles, actor=actor, command=("test",), reporter=reporter or Reporter()
        )

    def start(self, number: int) -> None:
        """Carry out a job, unless the test wants it to wait."""
        self.jobs.append(number)
        if self.at_once:
            run(lambda actor, reporter: self.host(actor, reporter), number)

    def client(self, prefix: str = "", actor: str = "mik") -> Browser:
        """A browser. Tokens are counted, so that two machines give the same pages."""
        engine = Engine(self._invocation(actor), self.ports(), self.start)
        numbers = itertools.count(1)
        pages = Starlette(routes=routes(engine, Quiet(), lambda: f"key-{next(numbers)}", "herolab"))  # type: ignore[arg-type]
        pages.router.redirect_slashes = False
        return Browser(Behind(pages, prefix, actor))


@pytest.fixture
def machine(root: Path) -> Machine:
    return Machine(root, Role.ADMIN)


@pytest.fixture
def tester(root: Path) -> Machine:
    return Machine(root, Role.TESTER)
