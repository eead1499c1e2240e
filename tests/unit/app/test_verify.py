"""`verify`: whatever is not as it was recorded is found, and nothing else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cockpitpm.app.verify import Kind, Verdict, to_json, verify
from cockpitpm.errors import PlanError
from cockpitpm.model.receipt import Verb
from cockpitpm.record import generations
from tests.sim.machine import MachineSim
from tests.sim.steps import installed


@pytest.fixture
def machine(root: Path) -> MachineSim:
    return installed(root, "1", "2")


def odd(machine: MachineSim) -> list[tuple[Kind, Verdict, str]]:
    return [(one.kind, one.verdict, one.next_step) for one in verify(machine.host()) if one.differs]


def live(machine: MachineSim, binary: str = "duo_server") -> Path:
    return machine.host().layout.binary(binary).resolve()


def blob(machine: MachineSim, number: int) -> Path:
    layout = machine.host().layout
    return layout.blob(generations.read(layout, "duo", number).receipts[0].sha256)


BACK = "cockpitpm rollback duo --to 2"


def test_a_machine_that_nobody_touched(machine: MachineSim) -> None:
    found = verify(machine.host(), ("duo_admin",))
    assert not any(one.differs for one in found)
    kinds = [one.kind for one in found]
    assert {kind: kinds.count(kind) for kind in Kind} == {
        Kind.ENTRY: 2,
        Kind.LIVE: 2,
        Kind.STORE: 4,
        Kind.GENERATION: 2,
        Kind.HISTORY: 1,
    }
    assert to_json(found)["differs"] == 0


def test_bytes_of_a_live_file_that_kept_its_times_and_size(machine: MachineSim) -> None:
    path = live(machine)
    stat, data = path.stat(), path.read_bytes()
    path.chmod(0o755)
    with path.open("r+b") as file:
        file.write(data[:-1] + b" ")

    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert odd(machine) == [(Kind.LIVE, Verdict.DRIFTED, BACK)]
    machine.run(Verb.ROLLBACK, "duo", to=2)
    assert odd(machine) == []


def test_a_live_file_that_is_gone(machine: MachineSim) -> None:
    live(machine).unlink()
    assert odd(machine) == [(Kind.LIVE, Verdict.MISSING, BACK)]


def test_entries_that_are_gone_or_not_ours(machine: MachineSim) -> None:
    layout = machine.host().layout
    layout.binary("duo_admin").unlink()
    layout.binary("duo_server").unlink()
    layout.binary("duo_server").write_bytes(b"patched")
    assert odd(machine) == [(Kind.ENTRY, Verdict.DRIFTED, BACK), (Kind.ENTRY, Verdict.MISSING, BACK)]


def test_an_entry_of_another_app(machine: MachineSim) -> None:
    path = machine.host().layout.binary("duo_server")
    path.unlink()
    path.symlink_to("../var/cockpitpm/apps/other/current/duo_server")
    (found,) = (one for one in verify(machine.host()) if one.differs)
    assert found.told == "it is a link of other"


def test_stored_bytes(machine: MachineSim) -> None:
    old, new = blob(machine, 1), blob(machine, 2)
    for path in (old, new):
        path.chmod(0o644)
    old.unlink()
    new.write_bytes(b"rotten")
    again = "cockpitpm remove duo, then cockpitpm install duo"
    assert odd(machine) == [(Kind.STORE, Verdict.MISSING, ""), (Kind.STORE, Verdict.DAMAGED, again)]


def test_records(machine: MachineSim) -> None:
    layout = machine.host().layout
    layout.generation("duo", 1).write_text("{}")
    layout.history.write_bytes(layout.history.read_bytes().replace(b'"install"', b'"upgrade"', 1))
    assert [(kind, verdict) for kind, verdict, _ in odd(machine)] == [
        (Kind.GENERATION, Verdict.DAMAGED),
        (Kind.HISTORY, Verdict.DAMAGED),
    ]


def test_records_that_are_gone(machine: MachineSim) -> None:
    layout = machine.host().layout
    layout.generation("duo", 2).unlink()
    layout.history.unlink()
    assert odd(machine) == [
        (Kind.GENERATION, Verdict.MISSING, "cockpitpm install duo"),
        (Kind.HISTORY, Verdict.MISSING, ""),
    ]


def test_an_app_that_is_not_here(machine: MachineSim) -> None:
    machine.run(Verb.REMOVE, "duo")
    with pytest.raises(PlanError, match="not installed"):
        verify(machine.host(), ("duo",))
    assert [one.kind for one in verify(machine.host())] == [Kind.HISTORY]
