"""Definitions as machines live through them: exported values and secrets are lost by nothing, and cycle once."""

from __future__ import annotations

from pathlib import Path

import pytest
from attrs import evolve

from cockpitpm.app.change import exit_code
from cockpitpm.app.register import register
from cockpitpm.app.secrets import set_, unset
from cockpitpm.app.services import stop
from cockpitpm.app.settings import set_role
from cockpitpm.errors import ExitCode, PlanError
from cockpitpm.model.plan import Register
from cockpitpm.model.receipt import Verb
from cockpitpm.model.role import Role
from cockpitpm.model.service import Definition
from cockpitpm.model.state import Offered
from cockpitpm.record import state
from tests.sim.machine import DUO, SERVICES, MachineSim
from tests.sim.steps import installed
from tests.sim.world import program

ENV = "    env: [{var: COCKPIT_MACHINE_ROLE, default: tester, desc: What the machine is for.}]\n"
WITH_ROLE = DUO.replace("    kind: server\n", "    kind: server\n" + ENV)
ROLE = "COCKPIT_MACHINE_ROLE"


@pytest.fixture
def machine(root: Path) -> MachineSim:
    return installed(root, "1", bundle=WITH_ROLE)


def told(machine: MachineSim, name: str, *unset: str, **environ: str) -> ExitCode:
    report, _ = register(machine.host(), name, environ, unset)
    return exit_code(report, everything=False)


def role(machine: MachineSim) -> str:
    definition = machine.host().supervisor.definition("duo_server")
    assert definition
    return dict(definition.env)[ROLE]


def changed(machine: MachineSim, before: dict[str, int]) -> set[str]:
    return {name for name, pid in machine.pids().items() if pid != before[name]}


def test_an_exported_value_reaches_the_service_by_one_restart(machine: MachineSim) -> None:
    before = machine.pids()
    assert told(machine, "duo_server", COCKPIT_MACHINE_ROLE="admin", HOME="/x", PATH_ROOT="/x") is ExitCode.DONE
    assert role(machine) == "admin"
    assert changed(machine, before) == {"duo_server"}
    assert all(s.process.value == "current" for a in machine.status().apps for s in a.services)
    assert state.read(machine.host().layout, "duo").exported == {"duo_server": {ROLE: "admin"}}


def test_nothing_that_comes_later_loses_it(machine: MachineSim) -> None:
    told(machine, "duo_server", COCKPIT_MACHINE_ROLE="admin")
    before = machine.pids()
    assert told(machine, "duo_server") is ExitCode.DONE
    assert told(machine, "duo") is ExitCode.DONE
    assert not changed(machine, before)
    machine.publish("2")
    for verb in (Verb.UPGRADE, Verb.ROLLBACK, Verb.CONVERGE, Verb.RESTART):
        assert machine.code(verb, "duo") is ExitCode.DONE
        assert role(machine) == "admin"
    machine.world.reboot()
    assert machine.code(Verb.CONVERGE, "duo") is ExitCode.DONE
    assert role(machine) == "admin"


def test_a_lost_definition_comes_back_with_its_value(machine: MachineSim) -> None:
    told(machine, "duo_server", COCKPIT_MACHINE_ROLE="admin")
    machine.host().supervisor.forget("duo_server")
    assert machine.code(Verb.CONVERGE, "duo") is ExitCode.DONE
    assert role(machine) == "admin"


def test_a_stored_role_is_another_thing(machine: MachineSim) -> None:
    set_role(machine.host(), Role.ADMIN)
    assert told(machine, "duo_server") is ExitCode.DONE
    assert (machine.host().role.role, role(machine)) == (Role.ADMIN, "tester")


def test_a_value_is_forgotten_by_name(machine: MachineSim) -> None:
    told(machine, "duo_server", COCKPIT_MACHINE_ROLE="admin")
    assert told(machine, "duo_server", ROLE, COCKPIT_MACHINE_ROLE="other") is ExitCode.DONE
    assert role(machine) == "tester"
    with pytest.raises(PlanError, match="is not kept for duo_server"):
        told(machine, "duo_server", ROLE)


def test_a_secret_wins_and_is_registered_exactly_once(machine: MachineSim) -> None:
    told(machine, "duo_server", COCKPIT_MACHINE_ROLE="exported")
    assert set_(machine.host(), "duo", ROLE, "hidden") == ("duo_server",)
    assert role(machine) == "exported"
    (app,) = machine.plan(Verb.UPGRADE, "duo").apps
    assert [s.service for s in app.steps if isinstance(s, Register)] == ["duo_server"]
    before = machine.pids()
    assert machine.code(Verb.UPGRADE, "duo") is ExitCode.DONE
    assert (role(machine), changed(machine, before)) == ("hidden", {"duo_server"})
    before = machine.pids()
    for verb in (Verb.UPGRADE, Verb.CONVERGE):
        assert machine.code(verb, "duo") is ExitCode.DONE
    assert not changed(machine, before)
    assert unset(machine.host(), "duo", ROLE) == ("duo_server",)
    assert told(machine, "duo") is ExitCode.DONE
    assert role(machine) == "exported"


def test_a_secret_of_another_context_is_nobodys(machine: MachineSim) -> None:
    set_(machine.host(), "solo", ROLE, "hidden")
    set_(machine.host(), "duo", "UNDECLARED", "hidden")
    assert not machine.plan(Verb.CONVERGE, "duo").apps[0].acts


def test_a_new_variable_of_the_bundle_is_registered_once(root: Path) -> None:
    machine = MachineSim(root)
    machine.publish("1")
    machine.run(Verb.INSTALL, "duo")
    machine.bundle(WITH_ROLE)
    before = machine.pids()
    assert machine.code(Verb.UPGRADE, "duo") is ExitCode.DONE
    assert changed(machine, before) == {"duo_server"}
    before = machine.pids()
    assert machine.code(Verb.UPGRADE, "duo") is ExitCode.DONE
    assert not changed(machine, before)


def test_a_stopped_service_is_defined_anew_and_stays_stopped(machine: MachineSim) -> None:
    stop(machine.host(), "duo_server")
    assert told(machine, "duo_server", COCKPIT_MACHINE_ROLE="admin") is ExitCode.DONE
    assert (role(machine), machine.pids()["duo_server"]) == ("admin", 0)


def test_a_value_with_which_a_service_does_not_come_up_is_not_kept(machine: MachineSim) -> None:
    told(machine, "duo_server", COCKPIT_MACHINE_ROLE="admin")
    machine.world.fault("down")
    assert told(machine, "duo_server", COCKPIT_MACHINE_ROLE="other") is not ExitCode.DONE
    assert state.read(machine.host().layout, "duo").exported == {"duo_server": {ROLE: "admin"}}


def test_an_app_that_is_not_here_keeps_nothing(root: Path) -> None:
    machine = MachineSim(root, WITH_ROLE)
    with pytest.raises(PlanError, match="not installed"):
        told(machine, "duo_server", COCKPIT_MACHINE_ROLE="admin")
    assert not (machine.root / "var").exists()


def test_removal_forgets(machine: MachineSim) -> None:
    told(machine, "duo_server", COCKPIT_MACHINE_ROLE="admin")
    assert machine.code(Verb.REMOVE, "duo") is ExitCode.DONE
    assert machine.code(Verb.INSTALL, "duo") is ExitCode.DONE
    assert role(machine) == "tester"
    assert set(machine.pids()) == set(SERVICES)


def told_by_hand(machine: MachineSim, name: str) -> Definition:
    """Somebody gives a service a variable that no bundle declares; it is restarted with it."""
    known = machine.host().supervisor.definition(name)
    assert known
    mine = evolve(known, env=(*known.env, ("BY_HAND", "foreign")))
    machine.host().supervisor.define(mine)
    machine.host().supervisor.start(name)
    return mine


def test_a_value_that_somebody_else_set_survives_going_back(machine: MachineSim) -> None:
    mine = told_by_hand(machine, "duo_server")
    machine.publish("2", "sick")
    assert machine.code(Verb.UPGRADE, "duo") is ExitCode.ROLLED_BACK
    assert machine.host().supervisor.definition("duo_server") == mine
    assert machine.host().supervisor.aside("duo_server") is None
    assert machine.versions()["duo_server"] == "1-duo_server"


def test_services_of_somebody_else_are_theirs_again_after_a_failed_install(root: Path) -> None:
    machine = MachineSim(root)
    supervisor = machine.host().supervisor
    program_of_theirs = root / "theirs"
    program_of_theirs.write_bytes(program("theirs"))
    theirs = [Definition(name=n, command=(str(program_of_theirs),), env=(("A", "b"),)) for n in SERVICES[:2]]
    for definition in theirs:
        supervisor.define(definition)
    supervisor.start("duo_server")
    machine.publish("1", "sick")
    assert machine.code(Verb.INSTALL, "duo") is ExitCode.ROLLED_BACK
    assert [supervisor.definition(d.name) for d in theirs] == theirs
    assert machine.versions() == {"duo_server": "theirs", "duo_admin": ""}


def test_what_was_set_aside_for_a_lost_journal_is_not_put_back(machine: MachineSim) -> None:
    machine.host().supervisor.set_aside("duo_server")
    told(machine, "duo_server", COCKPIT_MACHINE_ROLE="admin")
    machine.publish("2", "sick")
    machine.host().supervisor.set_aside("duo_admin")
    assert machine.code(Verb.UPGRADE, "duo") is ExitCode.ROLLED_BACK
    assert role(machine) == "admin"


def test_a_registration_that_nobody_finished_is_taken_back_by_its_own_transaction_only(machine: MachineSim) -> None:
    layout = machine.host().layout
    offered = Offered(transaction="another", before={"duo_server": {ROLE: "ancient"}})
    state.write(layout, evolve(state.read(layout, "duo"), offered=offered))
    machine.publish("2", "sick")
    assert machine.code(Verb.UPGRADE, "duo") is ExitCode.ROLLED_BACK
    assert (state.read(layout, "duo").exported, state.read(layout, "duo").offered) == ({}, None)


def test_a_value_that_changes_no_definition_is_kept(machine: MachineSim) -> None:
    set_(machine.host(), "duo", ROLE, "hidden")
    told(machine, "duo")
    before = machine.pids()
    assert told(machine, "duo_server", COCKPIT_MACHINE_ROLE="admin") is ExitCode.DONE
    assert (role(machine), changed(machine, before)) == ("hidden", set())
    assert state.read(machine.host().layout, "duo").exported == {"duo_server": {ROLE: "admin"}}
