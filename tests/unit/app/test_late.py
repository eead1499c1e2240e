"""Where nobody can look at the machine, the last look is shown: with the reason, and as old once it is."""

from __future__ import annotations

from threading import Event, Thread

import pytest

from cockpitpm.app.engine import OLD, Engine
from cockpitpm.app.host import Ports
from cockpitpm.app.standing import board, standing_of
from cockpitpm.errors import BundleError, MachineError, StoreError
from cockpitpm.model.role import Role
from cockpitpm.model.service import ServiceStatus
from cockpitpm.model.standing import Act, Tone
from tests.sim.machine import DUO, MachineSim
from tests.sim.ports import ClockSim, ProcessesSim, SupervisorSim
from tests.sim.steps import later


def engine(machine: MachineSim, supervisor: SupervisorSim | None = None) -> Engine:
    world = machine.world
    ports = Ports(supervisor=supervisor or SupervisorSim(world), processes=ProcessesSim(world), clock=ClockSim(world))
    return Engine(machine.host().invocation, ports)


def test_a_look_that_fails_leaves_the_last_one_with_its_reason(machine: MachineSim) -> None:
    eye = engine(machine)
    first = eye.shown()
    assert (first.trouble, first.late) == ("", False)
    machine.bundle("name: [")
    later(machine, 5)
    with pytest.raises(BundleError):
        eye.view()
    found = eye.shown()
    assert (found.number, found.late, found.report) == (first.number, False, first.report)
    assert "duo.yaml" in found.trouble
    machine.bundle(DUO)
    assert (eye.shown().trouble, eye.shown().number) == ("", first.number + 1)


def test_after_a_minute_every_word_is_as_of_then(machine: MachineSim) -> None:
    eye = engine(machine)
    first = eye.shown()
    machine.bundle("name: [")
    later(machine, OLD - 1)
    assert not eye.shown().late
    later(machine, 2)
    found = eye.shown()
    assert found.late and found.read_at == first.read_at
    stands, fresh = standing_of(found, "duo"), standing_of(first, "duo")
    assert stands and fresh and (stands.row, stands.words, stands.tone) == (31, fresh.words, Tone.MUTE)
    assert stands.primary and stands.primary.act is Act.LOOK
    assert f"as of 12 Jun, {first.read_at[11:16]}" in stands.detail
    assert board(found).summary.head == f"Nobody could look at this machine since 12 Jun, {first.read_at[11:16]}."


def test_without_any_look_or_role_there_is_nothing_to_show(machine: MachineSim) -> None:
    eye = engine(machine)
    machine.bundle("name: [")
    with pytest.raises(BundleError):
        eye.shown()
    machine.bundle(DUO)
    eye.shown()
    later(machine, 5)
    settings = machine.host().layout.settings
    settings.parent.mkdir(parents=True, exist_ok=True)
    settings.write_text("role: [")
    with pytest.raises(MachineError):
        eye.shown()


@pytest.mark.parametrize("at", ["machine.yaml", "cockpitpm"])
@pytest.mark.parametrize("said", [True, False], ids=["a role was said", "none was"])
def test_where_the_role_lies_behind_a_link_nothing_is_shown(machine: MachineSim, at: str, said: bool) -> None:
    settings = machine.host().layout.settings
    settings.parent.mkdir(parents=True, exist_ok=True)
    if said:
        settings.write_text("role: admin\n")
    eye = engine(machine)
    assert eye.shown().role.role is (Role.ADMIN if said else Role.TESTER)
    place = settings if at == settings.name else settings.parent
    if place.exists():
        place.rename(machine.folder / "kept")
    place.symlink_to(machine.folder / "kept")
    later(machine, 5)
    with pytest.raises(StoreError, match="it is a symbolic link to"):
        eye.shown()


def test_a_look_of_another_role_is_not_shown(machine: MachineSim) -> None:
    settings = machine.host().layout.settings
    settings.parent.mkdir(parents=True, exist_ok=True)
    settings.write_text("role: admin\n")
    eye = engine(machine)
    eye.shown()
    settings.write_text("role: tester\n")
    machine.bundle("name: [")
    with pytest.raises(BundleError):
        eye.shown()
    settings.write_text("role: admin\n")
    assert "duo.yaml" in eye.shown().trouble


class Stuck(SupervisorSim):
    """Answers once `go` is set."""

    go, came = Event(), Event()

    def list(self) -> tuple[ServiceStatus, ...]:
        self.came.set()
        assert self.go.wait(30)
        return super().list()


def test_a_look_that_does_not_end_keeps_nobody_else_waiting(machine: MachineSim) -> None:
    supervisor = Stuck(machine.world)
    supervisor.go.set()
    eye = engine(machine, supervisor)
    first = eye.shown()
    supervisor.go.clear()
    supervisor.came.clear()
    later(machine, OLD + 1)
    looking = Thread(target=eye.view)
    looking.start()
    try:
        assert supervisor.came.wait(10)
        found = eye.shown()
        assert (found.number, found.late) == (first.number, True)
        assert found.trouble == "A look at this machine takes long"
    finally:
        supervisor.go.set()
        looking.join()
    assert eye.shown().number == first.number + 1
