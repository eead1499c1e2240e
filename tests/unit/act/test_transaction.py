"""A transaction on simulators: what an operator relies on."""

from __future__ import annotations

from pathlib import Path

import pytest

from cockpitpm.errors import ExitCode
from cockpitpm.model.receipt import Verb
from tests.sim.machine import SERVICES, MachineSim


@pytest.fixture
def machine(root: Path) -> MachineSim:
    made = MachineSim(root)
    made.publish("1")
    assert made.code(Verb.INSTALL, "duo") is ExitCode.DONE
    return made


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
