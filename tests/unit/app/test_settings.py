"""`role` and `channel`: what machine.yaml says, and what may not be changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from cockpitpm.app.settings import ChannelReport, channels, set_channel, set_role
from cockpitpm.errors import MachineError, PlanError, UsageError
from cockpitpm.model.receipt import Verb
from cockpitpm.model.role import Role
from tests.sim.machine import DUO, MachineSim
from tests.sim.steps import installed


@pytest.fixture
def machine(root: Path) -> MachineSim:
    return installed(root, offered="1")


def channel(machine: MachineSim) -> ChannelReport:
    (found,) = channels(machine.host())
    return found


def test_a_role_is_stored_and_read_back(machine: MachineSim) -> None:
    path = set_role(machine.host(), Role.ADMIN)
    assert path.read_text() == "role: admin\n"
    assert machine.host().role.role is Role.ADMIN
    assert machine.host().role.decided_by == str(path)


def test_a_machine_with_admin_apps_does_not_become_a_tester(machine: MachineSim) -> None:
    set_role(machine.host(), Role.ADMIN)
    (machine.folder / "bundles/base/duo.yaml").unlink()
    machine.bundle(DUO, layer="admin")
    machine.run(Verb.INSTALL, "duo")
    with pytest.raises(MachineError, match="only the admin role sees: duo") as caught:
        set_role(machine.host(), Role.TESTER)
    assert "cockpitpm remove duo" in caught.value.hint
    machine.run(Verb.REMOVE, "duo")
    set_role(machine.host(), Role.TESTER)
    assert machine.host().role.role is Role.TESTER


def test_who_decides_the_channel(machine: MachineSim) -> None:
    assert channel(machine) == ChannelReport(app="duo", channel="latest", decided_by="the machine")
    machine.bundle(DUO + "channel: beta\n")
    assert channel(machine) == ChannelReport(app="duo", channel="beta", decided_by="its bundle")
    set_channel(machine.host(), "v1", "duo_admin")
    assert channel(machine) == ChannelReport(app="duo", channel="v1", decided_by="channels.duo in machine.yaml")
    set_channel(machine.host(), None, "duo")
    assert channel(machine).channel == "beta"


def test_the_machines_own_channel_can_be_changed_and_not_taken_away(machine: MachineSim) -> None:
    set_channel(machine.host(), "latest-dev")
    assert channel(machine).channel == "latest-dev"
    with pytest.raises(UsageError):
        set_channel(machine.host(), None)


@pytest.mark.parametrize("bad", ["", "a b", "../x", "x\ny"])
def test_a_channel_that_is_none_changes_nothing(machine: MachineSim, bad: str) -> None:
    set_channel(machine.host(), "beta")
    before = machine.host().layout.settings.read_bytes()
    with pytest.raises(MachineError):
        set_channel(machine.host(), bad, "duo")
    assert machine.host().layout.settings.read_bytes() == before


def test_the_channel_of_nobody(machine: MachineSim) -> None:
    with pytest.raises(PlanError, match="nobody"):
        set_channel(machine.host(), "beta", "nobody")
    assert not machine.host().layout.settings.exists()
