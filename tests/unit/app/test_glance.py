"""A look at the whole machine: the same truths, read once."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from threading import Event, Thread

import pytest

from cockpitpm.app.engine import Engine, View
from cockpitpm.app.glance import CatalogKept, Standstill
from cockpitpm.app.host import Host, Ports
from cockpitpm.app.status import status
from cockpitpm.errors import BundleError
from cockpitpm.model.receipt import Verb
from cockpitpm.model.role import Role
from cockpitpm.model.service import ServiceStatus
from cockpitpm.processes import LinuxProcesses
from tests.sim.machine import DUO, MachineSim
from tests.sim.ports import ClockSim, ProcessesSim, SupervisorSim
from tests.sim.world import World, program

UNO = DUO.replace("duo", "uno").replace("title: Duo", "title: Uno")


class Counting(SupervisorSim):
    """Counts how often it is asked for its list; waits for `go` before it answers."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.asked = 0
        self.go, self.came = Event(), Event()
        self.go.set()

    def list(self) -> tuple[ServiceStatus, ...]:
        self.asked += 1
        self.came.set()
        assert self.go.wait(10)
        return super().list()


def opened(machine: MachineSim, supervisor: SupervisorSim) -> Engine:
    world = machine.world
    ports = Ports(supervisor=supervisor, processes=ProcessesSim(world), clock=ClockSim(world))
    return Engine(machine.host().invocation, ports)


def test_a_glance_tells_what_status_tells_and_asks_once(machine: MachineSim) -> None:
    # Without the service that needs a wrapper, which an operator writes.
    machine.bundle(UNO.partition("restart_only:")[0], "uno")
    built = {f"{name}-linux-musl-x86_64": program(f"1-{name}") for name in ("uno_server", "uno_admin")}
    machine.forge.publish("uno", "latest", built)
    machine.run(Verb.INSTALL, "uno")
    supervisor = Counting(machine.world)
    engine = opened(machine, supervisor)
    assert engine.view().report == status(machine.host())
    assert len([app for app in engine.view().report.apps if app.generation]) == 2
    assert supervisor.asked == 1


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    made = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    yield made
    made.communicate(b"\n", timeout=10)


def test_a_process_that_began_since_is_seen(request: pytest.FixtureRequest) -> None:
    still = Standstill()
    assert [image.pid for image in still.tree(os.getpid())][:1] == [os.getpid()]
    child = request.getfixturevalue("child")
    assert still.tree(child.pid) == LinuxProcesses().tree(child.pid) != ()


def catalog(host: Host, kept: CatalogKept) -> tuple[str, ...]:
    found = kept.of(host)
    assert found == host.catalog
    return tuple(bundle.title for bundle in found.bundles)


def test_a_catalog_is_good_until_a_file_changes(machine: MachineSim) -> None:
    kept = CatalogKept()
    assert catalog(machine.host(), kept) == ("Duo",)
    assert kept.of(machine.host()) is kept.of(machine.host())
    machine.bundle(DUO.replace("title: Duo", "title: Two"))
    assert catalog(machine.host(), kept) == ("Two",)
    machine.bundle(UNO, "uno")
    assert catalog(machine.host(), kept) == ("Two", "Uno")
    (machine.folder / "bundles/base/uno.yaml").unlink()
    assert catalog(machine.host(), kept) == ("Two",)


def test_a_broken_bundle_is_told_until_it_is_mended(machine: MachineSim) -> None:
    kept = CatalogKept()
    assert catalog(machine.host(), kept) == ("Duo",)
    machine.bundle("name: [")
    for _ in range(2):
        with pytest.raises(BundleError):
            kept.of(machine.host())
    machine.bundle(DUO)
    assert catalog(machine.host(), kept) == ("Duo",)


def test_another_role_is_another_catalog(machine: MachineSim) -> None:
    machine.bundle(UNO, "uno", layer="admin")
    kept = CatalogKept()
    assert catalog(machine.host(), kept) == ("Duo",)
    machine.host().layout.settings.parent.mkdir(parents=True, exist_ok=True)
    machine.host().layout.settings.write_text("role: admin\n")
    assert kept.of(machine.host()).role is Role.ADMIN
    assert len(catalog(machine.host(), kept)) == 2


def test_while_one_looks_the_last_look_serves_the_others(machine: MachineSim) -> None:
    supervisor = Counting(machine.world)
    engine = opened(machine, supervisor)
    first = engine.view()
    engine.host().clock.sleep(1.5)
    assert engine.seen() is None, "nobody looks yet, so somebody must"
    supervisor.go.clear()
    supervisor.came.clear()
    found: list[View] = []
    looking = Thread(target=lambda: found.append(engine.view()))
    looking.start()
    try:
        assert supervisor.came.wait(10)
        assert engine.seen() is first and engine.view() is first
        engine.host().clock.sleep(1)
        assert engine.seen() is None, "that old it serves nobody"
    finally:
        supervisor.go.set()
        looking.join(10)
    assert [view.number for view in found] == [first.number + 1]
