"""What is true on the machine, asked past the commands: files, processes, and the services themselves."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from attrs import frozen

from cockpitpm.app.host import Host, Invocation
from cockpitpm.app.records import history, receipts
from cockpitpm.app.status import status
from cockpitpm.model.bundle import Bundle, Service
from cockpitpm.model.receipt import ActivationRecord
from cockpitpm.model.service import ServiceState
from cockpitpm.model.status import FileTruth, ServiceReport
from cockpitpm.probes.exchange import exchange
from cockpitpm.processes import LinuxProcesses
from cockpitpm.record import generations

PATIENCE = 5.0  # seconds


@frozen(kw_only=True)
class Answer:
    """Who answered on a service's socket, by its own word."""

    pid: int
    version: str
    commit: str


class View:
    """Looks at one machine. Every look is a new one."""

    def __init__(self, root: Path) -> None:
        self._root = root

    @property
    def host(self) -> Host:
        """The machine, opened anew."""
        return Host(Invocation(root=self._root))

    def bundle(self, app: str) -> Bundle:
        """An app of the catalog."""
        found = self.host.catalog.bundle(app)
        assert found is not None, app
        return found

    def installed(self) -> tuple[str, ...]:
        """The apps that are installed."""
        return tuple(sorted(generations.apps(self.host.layout)))

    def services(self) -> tuple[ServiceReport, ...]:
        """Every service of every installed app."""
        return tuple(s for app in status(self.host, self.installed()).apps for s in app.services)

    def unwell(self) -> list[str]:
        """The services that do not run, or do not run the recorded bytes."""
        well = (ServiceState.RUNNING, FileTruth.RECORDED)
        return [s.name for s in self.services() if (s.state, s.file) != well or s.remarks]

    def receipts(self, app: str) -> dict[str, str]:
        """The md5 by the receipts in force, by asset."""
        return {r["asset"]: r["md5"] for r in receipts(self.host, (app,))["receipts"]}

    def files(self, app: str) -> dict[str, str]:
        """The md5 of the bytes that lie in `bin/`, by the asset that the receipt names."""
        found = receipts(self.host, (app,))["receipts"]
        return {r["asset"]: md5sum(self.host.layout.bin / r["binary"]) for r in found}

    def history(self) -> tuple[ActivationRecord, ...]:
        """What was recorded, newest first; the whole chain is checked."""
        return tuple(line.entry for line in history(self.host))

    def answers(self, app: str) -> dict[str, Answer]:
        """Who answers for each service of an app."""
        told = {s.name: self.call(s, "version") for s in self.bundle(app).services}
        return {n: Answer(pid=a["pid"], version=a["version"], commit=a["commit"]) for n, a in told.items()}

    def nodes(self) -> list[tuple[str, str]]:
        """Chain and name of every node that the deployer finds when it asks the chain daemons."""
        server = self.bundle("hero_tfgrid_deployer").services[0]
        return sorted((n["chain"], n["name"]) for n in self.call(server, "list_nodes")["nodes"])

    def call(self, service: Service, method: str) -> Any:
        """Ask a service over JSON-RPC on its own socket."""
        target = self.host.machine().rules.question(service)
        assert target is not None, service.name
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method}).encode()
        return json.loads(exchange(target, "POST", "/rpc", body, PATIENCE).body)["result"]


def alive(pids: Iterable[int]) -> list[int]:
    """Those of the processes that still live."""
    return [pid for pid in pids if LinuxProcesses().identify(pid)]


def md5sum(path: Path) -> str:
    """The md5 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
