"""A whole machine on simulators: root, bundles, forge and world, opened as often as a test likes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
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


class Heard(Reporter):
    """Keeps every line that an operator would read."""

    def __init__(self, lines: list[str]) -> None:
        self._lines = lines

    def app_started(self, app: str, decision: str) -> None:
        self._lines.append(f"{app} {decision}")

    def step(self, app: str, text: str) -> None:
        self._lines.append(f"{app} {text}")

    def warning(self, app: str, text: str) -> None:
        self._lines.append(f"{app} {text}")

    def app_finished(self, app: str, outcome: str, ok: bool) -> None:
        self._lines.append(f"{app} {outcome}")


class Once(Heard):
    """Does something when the first service is being restarted."""

    def __init__(self, lines: list[str], during: Callable[[], object]) -> None:
        super().__init__(lines)
        self._during: Callable[[], object] | None = during

    def step(self, app: str, text: str) -> None:
        super().step(app, text)
        if self._during and text.startswith("restarting"):
            self._during, during = None, self._during
            during()


def builds(version: str, behaviour: str = "good", kind: str = "elf", says: tuple[str, ...] = ()) -> dict[str, bytes]:
    """A build of duo: the bytes of both binaries, which carry the version. See `program`."""
    return {name: program(f"{version}-{name}", behaviour, kind, says) for name in ("duo_server", "duo_admin")}


class MachineSim:
    """`folder` holds `root`, `world.json` and `bundles`; everything but the forge survives a killed process.

    `heard` are the lines that were told while something was done by this object.
    """

    def __init__(self, folder: Path, bundle: str = DUO) -> None:
        self.folder = folder
        self.root = folder / "root"
        self.world = World(folder)
        self.forge = ForgeSim()
        self.heard: list[str] = []
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

    def publish(
        self, version: str | Mapping[str, bytes], behaviour: str = "good", kind: str = "elf", tag: str = "latest"
    ) -> None:
        """A build of duo, by its version or by the bytes of its binaries."""
        made = builds(version, behaviour, kind) if isinstance(version, str) else version
        self.forge.publish("duo", tag, {f"{name}-linux-musl-x86_64": data for name, data in made.items()})

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
            reporter=reporter or Heard(self.heard),
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
        host = self.host(Once(self.heard, during) if during else None)
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
