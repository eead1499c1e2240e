"""A JSON-RPC server before a simulated machine, with the real bundles of the base layer or the small test app."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import anyio
import httpx
from starlette.applications import Starlette

from cockpitpm.app import job_run
from cockpitpm.app.engine import Engine
from cockpitpm.app.host import Invocation, Ports
from cockpitpm.declare.catalog import resolve
from cockpitpm.declare.data import bundles_folder
from cockpitpm.model.role import Role
from cockpitpm.rpc import routes
from tests.sim.forge import ForgeSim
from tests.sim.machine import MachineSim
from tests.sim.ports import ClockSim, ProberSim, ProcessesSim, SupervisorSim, read_program
from tests.sim.world import program

JSON = {"content-type": "application/json"}


class Scene:
    """`going`: jobs are carried out at once; else they wait for somebody who does not come."""

    def __init__(self, folder: Path, bundles: Path | None = None, env_role: str | None = None) -> None:
        folder.mkdir(exist_ok=True)
        self.machine = MachineSim(folder)
        self.forge: ForgeSim = self.machine.forge
        self.root = self.machine.root
        self.going = True
        self.actor: str | None = None
        self.owner: object = None
        world = self.machine.world
        ports = Ports(
            supervisor=SupervisorSim(world),
            prober=ProberSim(world),
            processes=ProcessesSim(world),
            clock=ClockSim(world),
            forges={"default": self.forge},
            read_executable=read_program,
        )
        where = folder / "bundles" if bundles is None else bundles
        invocation = Invocation(root=self.root, bundles=where, actor="server", command=("serve",), env_role=env_role)
        self.engine = Engine(invocation, ports, start=self._start)
        self.app = self._stamped(Starlette(routes=routes(self.engine)))

    def _start(self, number: int) -> None:
        if self.going:
            job_run.run(self.engine.host, number)

    def _stamped(self, app: Any) -> Any:
        """As the server before it does: who asks is known before the room is entered."""

        async def stamped(scope: Any, receive: Any, send: Any) -> None:
            said = {"actor": self.actor, "owner": self.owner}
            state = {key: value for key, value in said.items() if value is not None}
            await app({**scope, "state": state} if state else scope, receive, send)

        return stamped

    def publish(self, app: str, version: str, tag: str = "latest") -> None:
        """A build of an app of the real catalog: every binary carries the version and says so in its log."""
        bundle = resolve(bundles_folder(), Role.TESTER).bundle(app)
        assert bundle
        names = {b.asset_name(bundle.targets[0]): f"{version}-{b.name}" for b in bundle.binaries}
        says = (f"listening, build {version}",)
        self.forge.publish(bundle.repo.name, tag, {n: program(v, says=says) for n, v in names.items()})

    def ask(self, method: str, path: str, content: bytes = b"", headers: Mapping[str, str] | None = None) -> Any:
        """One HTTP request."""

        async def asked() -> httpx.Response:
            transport = httpx.ASGITransport(app=self.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://cockpit") as client:
                return await client.request(method, path, content=content, headers=headers)

        return anyio.run(asked)

    def get(self, path: str) -> Any:
        return self.ask("GET", path)

    def post(self, body: bytes | Any, headers: Mapping[str, str] = JSON) -> Any:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.ask("POST", "/rpc", content, headers)

    def call(self, method: str, **params: Any) -> Any:
        """The result of a call that goes well."""
        answer = self.answer(method, **params)
        assert "result" in answer, answer
        return answer["result"]

    def fault(self, method: str, **params: Any) -> Any:
        """The error object of a call that does not."""
        answer = self.answer(method, **params)
        assert "error" in answer, answer
        return answer["error"]

    def answer(self, method: str, **params: Any) -> Any:
        reply = self.post({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
        assert reply.status_code == 200, reply.text
        return reply.json()


def catalog_scene(folder: Path) -> Scene:
    """A tester's machine: two apps of the real catalog are installed, of one a newer build is published."""
    scene = Scene(folder, bundles_folder())
    for app in ("hero_db", "hero_books"):
        scene.publish(app, "1")
    job = scene.call("cockpit.install_service", service="hero_books_web")["job"]
    assert scene.call("cockpit.job", id=job["id"])["state"] == "done"
    scene.publish("hero_books", "2")
    return scene
