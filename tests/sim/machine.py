"""A whole machine on simulators: root, bundles, forge and world, opened as often as a test likes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from cockpitpm.app.change import Report, change, exit_code, plan_for
from cockpitpm.app.host import Host, Invocation, Ports
from cockpitpm.app.status import MachineReport, status
from cockpitpm.errors import ExitCode
from cockpitpm.model.plan import Plan, Reason, Request
from cockpitpm.model.receipt import Verb
from cockpitpm.model.status import ServiceReport
from cockpitpm.ports import Reporter
from tests.sim.forge import ForgeSim
from tests.sim.ports import ClockSim, ProberSim, ProcessesSim, SupervisorSim, read_program
from tests.sim.world import World, program

HEADER = "# yaml-language-server: $schema=../../schema/bundle.schema.json\n"
DUO = (
    HEADER
    + """\
name: duo
title: Duo
summary: Two binaries, three services.
category: core
repo: duo
targets: [linux-musl-x86_64]
binaries:
  - name: duo_server
    kind: server
    sockets: [{name: rpc, path: duo/rpc.sock}]
    probe: {kind: http, socket: rpc, path: /health}
  - name: duo_admin
    kind: admin
    sockets: [{name: admin, path: duo/admin.sock}]
    probe: {kind: http, socket: admin, path: /}
restart_only:
  - name: duo_second_server
    runs: duo_server
    wrapper: duo_second_server
    sockets: [{name: rpc, path: duo_second/rpc.sock}]
    probe: {kind: http, socket: rpc, path: /health}
"""
)
SERVICES = ("duo_server", "duo_admin", "duo_second_server")


class Once(Reporter):
    """Does something when the first service is being restarted."""

    def __init__(self, during: Callable[[], object]) -> None:
        self._during: Callable[[], object] | None = during

    def step(self, app: str, text: str) -> None:
        if self._during and text.startswith("restarting"):
            self._during, during = None, self._during
            during()


class MachineSim:
    """`folder` holds `root`, `world.json` and `bundles`; everything but the forge survives a killed process."""

    def __init__(self, folder: Path, bundle: str = DUO) -> None:
        self.folder = folder
        self.root = folder / "root"
        self.world = World(folder)
        self.forge = ForgeSim()
        self.bundle(bundle)
        wrapper = self.root / "bin" / "duo_second_server"
        if not wrapper.exists():
            wrapper.parent.mkdir(parents=True, exist_ok=True)
            wrapper.write_bytes(b"#!wrap exec duo_server")

    def bundle(self, text: str, name: str = "duo", layer: str = "base") -> None:
        path = self.folder / "bundles" / layer / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        (self.folder / "bundles" / "admin").mkdir(exist_ok=True)
        path.write_text(text)

    def publish(self, version: str, behaviour: str = "good", kind: str = "elf", tag: str = "latest") -> None:
        """A build of duo: both binaries carry the version."""
        names = ("duo_server", "duo_admin")
        assets = {f"{n}-linux-musl-x86_64": program(f"{version}-{n}", behaviour, kind) for n in names}
        self.forge.publish("duo", tag, assets)

    def host(self, reporter: Reporter | None = None) -> Host:
        ports = Ports(
            supervisor=SupervisorSim(self.world),
            prober=ProberSim(self.world),
            processes=ProcessesSim(self.world),
            clock=ClockSim(self.world),
            forges={"default": self.forge},
            read_executable=read_program,
        )
        invocation = Invocation(
            root=self.root,
            bundles=self.folder / "bundles",
            actor="test",
            command=("test",),
            reporter=reporter or Reporter(),
        )
        return Host(invocation, ports)

    def run(
        self,
        verb: Verb,
        *names: str,
        to: int | None = None,
        during: Callable[[], object] | None = None,
        allow: tuple[Reason, ...] = (),
        reason: str = "",
    ) -> Report:
        """Do it. `during` happens once, at the moment the first service of the new build has been started."""
        host = self.host(Once(during) if during else None)
        return change(
            host, Request(verb=verb, names=names, to=to, actor="test", allow=allow, reason=reason), lambda _: True
        )

    def code(self, verb: Verb, *names: str, to: int | None = None, allow: tuple[Reason, ...] = ()) -> ExitCode:
        return exit_code(self.run(verb, *names, to=to, allow=allow), everything=not names)

    def plan(self, verb: Verb, *names: str) -> Plan:
        return plan_for(self.host(), Request(verb=verb, names=names))

    def status(self) -> MachineReport:
        return status(self.host())

    def service(self, name: str) -> ServiceReport:
        return next(s for app in self.status().apps for s in app.services if s.name == name)

    def pids(self) -> dict[str, int]:
        return {name: entry["pid"] for name, entry in self.world.state()["services"].items()}

    def starts(self) -> list[tuple[str, str]]:
        """Every process that was started for a service so far: the service, and what it runs as what."""
        return [(service, what) for service, what in self.world.state().get("starts", ())]

    def versions(self) -> dict[str, str]:
        """What each service's process really runs."""
        state = self.world.state()
        running = {p["service"]: p["images"][-1]["version"] for p in state["processes"].values()}
        return {name: running.get(name, "") for name in state["services"]}
