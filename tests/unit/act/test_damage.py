"""Records that were changed by hand or by a failing disk: told, never believed, and with a way out that works."""

from __future__ import annotations

from pathlib import Path

import pytest

from cockpitpm.errors import CockpitPmError, ExitCode, StoreError
from cockpitpm.model.receipt import Verb
from cockpitpm.model.status import Note
from tests.sim.machine import MachineSim


def flip_a_bit(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def test_a_damaged_generation_is_told_and_installed_again(machine: MachineSim) -> None:
    flip_a_bit(machine.host().layout.generation("duo", 1))
    assert [r.note for r in machine.status().apps[0].remarks] == [Note.DAMAGED]
    (told,) = machine.run(Verb.UPGRADE, "duo").outcomes
    assert told.exit_code is ExitCode.STORE
    assert "damaged" in told.detail and "cockpitpm install duo" in told.hint
    assert machine.code(Verb.INSTALL, "duo") is ExitCode.DONE
    assert set(machine.versions().values()) == {"1-duo_server", "1-duo_admin"}
    assert not machine.status().apps[0].remarks


def test_a_damaged_state_names_the_way_out(machine: MachineSim) -> None:
    path = machine.host().layout.state / "duo.json"
    flip_a_bit(path)
    with pytest.raises(StoreError) as told:
        machine.run(Verb.UPGRADE, "duo")
    assert str(path) in told.value.message
    assert f"mv {path}" in told.value.hint
    path.unlink()
    assert machine.code(Verb.UPGRADE, "duo") is ExitCode.DONE


def test_damaged_history_stops_nothing_but_its_own_verb(machine: MachineSim) -> None:
    flip_a_bit(machine.host().layout.history)
    machine.publish("2")
    assert machine.code(Verb.UPGRADE, "duo") is ExitCode.DONE
    assert machine.status().apps[0].generation == 2


def test_a_journal_without_an_intent_stops_and_is_kept(machine: MachineSim) -> None:
    path = machine.host().layout.journal / "x.journal"
    path.write_bytes(b"nonsense\n")
    machine.publish("2")
    with pytest.raises(CockpitPmError) as told:
        machine.run(Verb.UPGRADE, "duo")
    assert str(path) in told.value.message
    assert path.exists()
    assert set(machine.versions().values()) == {"1-duo_server", "1-duo_admin"}
