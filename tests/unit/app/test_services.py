"""`start`, `stop`, `restart`, `logs`: one service, or those of an app."""

from __future__ import annotations

from pathlib import Path

import pytest

from cockpitpm.app.services import logs, stop
from cockpitpm.errors import ExitCode, PlanError
from cockpitpm.model.receipt import Verb
from cockpitpm.model.service import Wanted
from tests.sim.machine import SERVICES, MachineSim


def test_one_service_is_stopped_and_stays_so_through_an_upgrade(machine: MachineSim) -> None:
    assert stop(machine.host(), "duo_admin") == ("duo_admin",)
    machine.publish("2")
    assert machine.code(Verb.UPGRADE, "duo") is ExitCode.DONE
    assert machine.versions() == {"duo_server": "2-duo_server", "duo_admin": "", "duo_second_server": "2-duo_server"}
    assert machine.service("duo_admin").wanted is Wanted.STOPPED


def test_an_app_means_all_its_services(machine: MachineSim) -> None:
    assert stop(machine.host(), "duo") == SERVICES
    assert set(machine.versions().values()) == {""}


def test_what_was_stopped_starts_alone(machine: MachineSim) -> None:
    stop(machine.host(), "duo")
    assert machine.code(Verb.START, "duo_admin") is ExitCode.DONE
    assert machine.versions() == {"duo_server": "", "duo_admin": "1-duo_admin", "duo_second_server": ""}


def test_a_restart_gives_new_processes_of_the_same_bytes(machine: MachineSim) -> None:
    before = machine.pids()
    assert machine.code(Verb.RESTART, "duo_admin") is ExitCode.DONE
    after = machine.pids()
    assert {name for name in SERVICES if before[name] != after[name]} == {"duo_admin"}


def test_logs_of_an_app_are_those_of_its_services(machine: MachineSim) -> None:
    assert set(logs(machine.host(), "duo", 5)) == set(SERVICES)
    assert set(logs(machine.host(), "duo_admin", 5)) == {"duo_admin"}


def test_what_is_not_installed_has_no_services(root: Path) -> None:
    with pytest.raises(PlanError, match="not installed"):
        stop(MachineSim(root).host(), "duo")
