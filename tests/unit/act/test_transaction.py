"""A transaction on simulators: what an operator relies on."""

from __future__ import annotations

from pathlib import Path

import pytest

from cockpitpm.app.services import stop
from cockpitpm.errors import ExitCode
from cockpitpm.model.receipt import Verb
from tests.sim.machine import DUO, SERVICES, MachineSim


def of(version: str) -> dict[str, str]:
    return {
        "duo_server": f"{version}-duo_server",
        "duo_admin": f"{version}-duo_admin",
        "duo_second_server": f"{version}-duo_server",
    }


def test_install_runs_every_service(machine: MachineSim) -> None:
    assert machine.versions() == of("1")
    assert {s.name: s.process.value for a in machine.status().apps for s in a.services} == dict.fromkeys(
        SERVICES, "current"
    )


@pytest.mark.parametrize("behaviour", ["exits", "sick", "crashes"])
def test_history_tells_the_process_of_before_and_not_that_of_the_bad_build(machine: MachineSim, behaviour: str) -> None:
    before = machine.pids()
    machine.publish("2", behaviour)
    (outcome,) = machine.run(Verb.UPGRADE, "duo").outcomes
    assert outcome.activation
    told = {c.service: c.before.pid for c in outcome.activation.services if c.before}
    assert told and told == {name: before[name] for name in told}


@pytest.mark.parametrize("row", ["duo", *SERVICES])
def test_upgrade_from_any_row(machine: MachineSim, row: str) -> None:
    before = machine.pids()
    machine.publish("2")
    assert machine.code(Verb.UPGRADE, row) is ExitCode.DONE
    assert machine.versions() == of("2")
    assert not set(before.values()) & set(machine.pids().values())
    assert sorted(r for r in machine.forge.requests if r.startswith("fetch")) == [
        "fetch duo_admin-linux-musl-x86_64",
        "fetch duo_admin-linux-musl-x86_64",
        "fetch duo_server-linux-musl-x86_64",
        "fetch duo_server-linux-musl-x86_64",
    ]


@pytest.mark.parametrize("behaviour", ["exits", "sick", "crashes"])
def test_a_broken_build_is_rolled_back_and_not_offered_again(machine: MachineSim, behaviour: str) -> None:
    before = machine.pids()
    machine.publish("2", behaviour)
    assert machine.code(Verb.UPGRADE, "duo") is ExitCode.ROLLED_BACK
    assert machine.versions() == of("1")
    after = machine.pids()
    assert after["duo_admin"] == before["duo_admin"], "a service that was never cycled keeps its process"
    assert after["duo_second_server"] == before["duo_second_server"]
    assert machine.code(Verb.UPGRADE, "duo") is ExitCode.REFUSED
    machine.publish("3")
    assert machine.code(Verb.UPGRADE, "duo") is ExitCode.DONE
    assert machine.versions() == of("3")


def test_the_same_build_is_nothing_to_do(machine: MachineSim) -> None:
    before = machine.pids()
    asked = len(machine.forge.requests)
    assert machine.code(Verb.UPGRADE, "duo") is ExitCode.DONE
    assert machine.pids() == before
    assert machine.forge.requests[asked:] == ["release duo latest"]


def test_the_same_bytes_uploaded_again_restart_nothing(machine: MachineSim) -> None:
    before = machine.pids()
    machine.publish("1")
    assert machine.code(Verb.UPGRADE, "duo") is ExitCode.DONE
    assert machine.pids() == before
    asked = len(machine.forge.requests)
    assert machine.code(Verb.UPGRADE, "duo") is ExitCode.DONE
    assert machine.forge.requests[asked:] == ["release duo latest"], "what was found equal is not fetched again"


@pytest.mark.parametrize("kind", ["elf", "script"])
def test_rollback_and_remove(machine: MachineSim, kind: str) -> None:
    machine.publish("2", kind=kind)
    assert machine.code(Verb.UPGRADE, "duo") is ExitCode.DONE
    assert machine.code(Verb.ROLLBACK, "duo") is ExitCode.DONE
    assert machine.versions() == of("1")
    assert machine.code(Verb.REMOVE, "duo") is ExitCode.DONE
    assert machine.world.state()["services"] == {}
    assert sorted(p.name for p in (machine.root / "bin").iterdir()) == ["duo_second_server"]
    assert not (machine.root / "var/cockpitpm/apps/duo").exists()


def test_a_rollback_can_be_taken_back(machine: MachineSim) -> None:
    machine.publish("2")
    machine.run(Verb.UPGRADE, "duo")
    machine.run(Verb.ROLLBACK, "duo")
    assert machine.code(Verb.UPGRADE, "duo") is ExitCode.REFUSED, "what was rolled back is not offered again"
    assert machine.code(Verb.ROLLBACK, "duo", to=2) is ExitCode.DONE
    assert machine.versions() == of("2")
    assert machine.code(Verb.UPGRADE, "duo") is ExitCode.DONE, "it is what the channel holds, and it is installed"


def test_a_changed_definition_is_registered_and_only_its_service_restarted(machine: MachineSim) -> None:
    before = machine.pids()
    machine.bundle(DUO.replace("kind: admin\n", "kind: admin\n    args: [--loud]\n"))
    assert machine.code(Verb.UPGRADE, "duo") is ExitCode.DONE
    after = machine.pids()
    assert after["duo_server"] == before["duo_server"]
    assert after["duo_admin"] != before["duo_admin"]
    assert machine.status().apps[0].generation == 2
    assert machine.code(Verb.UPGRADE, "duo") is ExitCode.DONE
    assert machine.pids() == after, "once is enough"


def test_a_definition_that_does_not_work_is_taken_back(machine: MachineSim) -> None:
    machine.bundle(DUO.replace("wrapper: duo_second_server", "wrapper: not_there"))
    assert machine.code(Verb.UPGRADE, "duo") is ExitCode.ROLLED_BACK
    assert machine.versions() == of("1")
    machine.bundle(DUO)
    assert machine.code(Verb.UPGRADE, "duo") is ExitCode.DONE, "no build was to blame, so none is blocked"


def test_one_changed_binary_restarts_only_what_runs_it(machine: MachineSim) -> None:
    before = machine.pids()
    machine.publish("1")
    same = machine.forge.releases["duo", "latest"].assets[0]
    machine.publish("2")
    machine.forge.change("duo", "latest", same, machine.forge.releases["duo", "latest"].assets[1])
    assert machine.code(Verb.UPGRADE, "duo") is ExitCode.DONE
    after = machine.pids()
    assert after["duo_admin"] != before["duo_admin"]
    assert {s: after[s] for s in ("duo_server", "duo_second_server")} == {
        s: before[s] for s in ("duo_server", "duo_second_server")
    }


def test_what_an_operator_stopped_stays_stopped(machine: MachineSim) -> None:
    stop(machine.host(), "duo_admin")
    machine.publish("2")
    assert machine.code(Verb.UPGRADE, "duo") is ExitCode.DONE
    assert machine.versions() == {**of("2"), "duo_admin": ""}
    assert machine.code(Verb.CONVERGE, "duo") is ExitCode.DONE
    assert machine.versions()["duo_admin"] == ""
    assert machine.code(Verb.START, "duo_admin") is ExitCode.DONE
    assert machine.versions() == of("2")


def test_a_lost_start_half_is_only_not_finished(machine: MachineSim) -> None:
    machine.world.fault("lose-start")
    machine.publish("2")
    assert machine.code(Verb.UPGRADE, "duo") is ExitCode.DONE
    assert machine.versions() == of("2")


def test_converge_mends_what_an_operator_skipped(machine: MachineSim) -> None:
    machine.world.reboot()
    assert {s.process.value for a in machine.status().apps for s in a.services} == {"nothing"}
    assert machine.code(Verb.CONVERGE) is ExitCode.DONE
    assert machine.versions() == of("1")


def test_restart_gives_new_processes_on_the_same_bytes(machine: MachineSim) -> None:
    before = machine.pids()
    assert machine.code(Verb.RESTART, "duo_admin") is ExitCode.DONE
    after = machine.pids()
    assert after["duo_admin"] != before["duo_admin"]
    assert after["duo_server"] == before["duo_server"]


@pytest.mark.parametrize("kind", ["elf", "script"])
def test_a_service_that_restarted_by_itself_goes_back_too(machine: MachineSim, kind: str) -> None:
    """The second service dies while the first is watched and comes back on the bytes that are about to be left."""
    machine.publish("2", kind=kind)
    machine.run(Verb.UPGRADE, "duo")
    machine.publish("3", "sick", kind)
    report = machine.run(Verb.UPGRADE, "duo", during=lambda: machine.world.crash("duo_second_server"))
    assert report.outcomes[0].exit_code is ExitCode.ROLLED_BACK
    assert machine.versions() == of("2")


def test_a_supervisor_that_is_down_changes_nothing(machine: MachineSim) -> None:
    machine.world.fault("down")
    machine.publish("2")
    assert machine.code(Verb.UPGRADE, "duo") is ExitCode.SUPERVISOR
    assert machine.versions() == of("1")
    assert not list(machine.host().layout.journal.glob("*"))


def test_together_stops_all_before_any_new_one_runs(root: Path) -> None:
    machine = MachineSim(root, DUO + "activation: together\n")
    machine.publish("1")
    assert machine.code(Verb.INSTALL, "duo") is ExitCode.DONE
    machine.publish("2")
    assert machine.code(Verb.UPGRADE, "duo") is ExitCode.DONE
    assert machine.versions() == of("2")
    machine.publish("3", "crashes")
    assert machine.code(Verb.UPGRADE, "duo") is ExitCode.ROLLED_BACK
    assert machine.versions() == of("2")


def test_a_first_install_that_fails_leaves_nothing(root: Path) -> None:
    machine = MachineSim(root)
    machine.publish("1", "sick")
    assert machine.code(Verb.INSTALL, "duo") is ExitCode.ROLLED_BACK
    assert machine.world.state()["services"] == {}
    assert sorted(p.name for p in (machine.root / "bin").iterdir()) == ["duo_second_server"]
    assert not (machine.root / "var/cockpitpm/apps/duo").exists()
    assert not list((machine.root / "var/cockpitpm/store").iterdir())
    assert not (machine.root / "var/cockpitpm/state/duo.json").exists()
    assert machine.code(Verb.INSTALL, "duo") is ExitCode.ROLLED_BACK, "whoever asks for it again may try again"


def test_naming_the_app_beside_its_service_means_all_of_it(machine: MachineSim) -> None:
    before = machine.pids()
    assert machine.code(Verb.RESTART, "duo_admin", "duo") is ExitCode.DONE
    assert not set(before.values()) & set(machine.pids().values())
