"""Bytes that no receipt knows: never overwritten, and kept by whoever asks for it, without a restart."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cockpitpm.decide.definition import definition_of
from cockpitpm.errors import ExitCode
from cockpitpm.model.plan import OLDER, Reason, Refused
from cockpitpm.model.receipt import Verb
from cockpitpm.model.release import CommitSource
from cockpitpm.record import generations
from tests.sim.machine import DUO, MachineSim
from tests.sim.world import program


def patch(machine: MachineSim, how: str) -> bytes:
    data = program("mine-duo_server")
    path = machine.root / "bin" / "duo_server"
    if how == "cp":
        path.write_bytes(data)
    else:
        fresh = path.with_name("duo_server.fresh")
        fresh.write_bytes(data)
        fresh.chmod(0o644)
        os.rename(fresh, path)
    return data


@pytest.mark.parametrize("how", ["cp", "mv"])
def test_adopted_and_brought_back_by_a_rollback(machine: MachineSim, how: str) -> None:
    mine = patch(machine, how)
    machine.publish("2")
    (told,) = machine.run(Verb.UPGRADE, "duo").outcomes
    assert isinstance(told.decision, Refused) and told.decision.reason is Reason.UNKNOWN_LOCAL
    assert "cockpitpm adopt duo" in told.decision.way_out
    before = machine.pids()
    assert machine.code(Verb.ADOPT, "duo") is ExitCode.DONE
    assert machine.pids() == before, "nothing is restarted"
    assert (machine.root / "bin/duo_server").read_bytes() == mine
    receipt = generations.read(machine.host().layout, "duo", 2).receipt("duo_server")
    assert receipt and receipt.commit_known_by is CommitSource.MANUAL and receipt.md5
    assert machine.code(Verb.ADOPT, "duo") is ExitCode.DONE, "once is enough"
    assert machine.code(Verb.ROLLBACK, "duo", to=1) is ExitCode.DONE
    assert machine.versions()["duo_server"] == "1-duo_server"
    assert machine.code(Verb.ROLLBACK, "duo", to=2) is ExitCode.DONE
    assert (machine.root / "bin/duo_server").read_bytes() == mine
    assert machine.versions()["duo_server"] == "mine-duo_server"
    assert generations.numbers(machine.host().layout, "duo") == (1, 2)


def test_what_was_adopted_is_not_upgraded_by_accident(machine: MachineSim) -> None:
    patch(machine, "mv")
    machine.run(Verb.ADOPT, "duo")
    machine.publish("2")
    (told,) = machine.run(Verb.UPGRADE, "duo").outcomes
    assert isinstance(told.decision, Refused) and told.decision.reason is Reason.UNKNOWN_COMMIT
    assert "made by hand" in told.decision.evidence
    assert machine.code(Verb.UPGRADE, "duo", allow=OLDER) is ExitCode.DONE
    assert machine.versions()["duo_server"] == "2-duo_server"
    machine.publish("3")
    assert machine.code(Verb.UPGRADE, "duo") is ExitCode.DONE, "the next one is an upgrade like any other"


def test_a_process_that_runs_the_patched_bytes_goes_on(machine: MachineSim) -> None:
    patch(machine, "mv")
    machine.world.crash("duo_server")
    assert machine.versions()["duo_server"] == "mine-duo_server"
    before = machine.pids()
    assert machine.code(Verb.ADOPT, "duo") is ExitCode.DONE
    assert machine.pids() == before
    assert machine.service("duo_server").process.value == "current"


def test_a_downgrade_is_refused_and_allowed_with_a_reason(machine: MachineSim) -> None:
    machine.publish("2")
    assert machine.code(Verb.UPGRADE, "duo") is ExitCode.DONE
    machine.publish("1")
    (told,) = machine.run(Verb.UPGRADE, "duo").outcomes
    assert isinstance(told.decision, Refused) and told.decision.reason is Reason.DOWNGRADE
    assert machine.versions()["duo_server"] == "2-duo_server"
    report = machine.run(Verb.UPGRADE, "duo", allow=OLDER, reason="the new one eats disks")
    record = report.outcomes[0].activation
    assert record and record.reason == "the new one eats disks" and "downgrade" in record.allowed
    assert machine.versions()["duo_server"] == "1-duo_server"
    machine.publish("2")
    assert machine.code(Verb.UPGRADE, "duo") is ExitCode.DONE, "the way up is open again"


def test_an_install_takes_over_equal_bytes_without_a_restart(root: Path) -> None:
    """A machine whose services run already: by hand installed, registered as we would."""
    machine = MachineSim(root)
    machine.publish("1")
    host = machine.host()
    bundle = host.catalog.bundle("duo")
    assert bundle
    for binary in ("duo_server", "duo_admin"):
        (machine.root / "bin" / binary).write_bytes(program(f"1-{binary}"))
    for service in bundle.services:
        host.supervisor.define(definition_of(service, str(host.layout.root), host.socket_root))
        host.supervisor.start(service.name)
    before = machine.pids()
    assert all(before.values())
    assert machine.code(Verb.INSTALL, "duo") is ExitCode.DONE
    assert machine.pids() == before
    assert (machine.root / "bin/duo_server").is_symlink()
    receipt = generations.read(machine.host().layout, "duo", 1).receipt("duo_server")
    assert receipt and receipt.asset == "duo_server-linux-musl-x86_64" and receipt.md5
    assert {s.process.value for a in machine.status().apps for s in a.services} == {"current"}


def test_an_install_never_overwrites_other_bytes(root: Path) -> None:
    machine = MachineSim(root)
    machine.publish("1")
    mine = program("mine-duo_server")
    (machine.root / "bin" / "duo_server").write_bytes(mine)
    (told,) = machine.run(Verb.INSTALL, "duo").outcomes
    assert isinstance(told.decision, Refused) and told.decision.reason is Reason.UNKNOWN_LOCAL
    assert (machine.root / "bin" / "duo_server").read_bytes() == mine
    assert not (machine.root / "bin" / "duo_admin").exists()


def test_adopting_stops_nothing_even_where_services_restart_together(root: Path) -> None:
    machine = MachineSim(root)
    machine.bundle(DUO + "activation: together\n")
    machine.publish("1")
    assert machine.code(Verb.INSTALL, "duo") is ExitCode.DONE
    patch(machine, "mv")
    before = machine.pids()
    assert machine.code(Verb.ADOPT, "duo") is ExitCode.DONE
    assert machine.pids() == before and all(before.values())
