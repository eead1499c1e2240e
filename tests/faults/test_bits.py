"""F17: every bit of what we write down is flipped: it is told, nothing is deleted, nothing is taken for another."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cockpitpm.app.recover import recover
from cockpitpm.app.verify import verify
from cockpitpm.errors import CockpitPmError, StoreError
from cockpitpm.model.receipt import Verb
from cockpitpm.record import generations, history, journal, state
from cockpitpm.record.layout import Layout
from tests.faults.look import look, picture
from tests.faults.scenes import SCENES, told
from tests.faults.score import Score
from tests.faults.sweep import Sweep
from tests.sim.machine import MachineSim

RECORDS: dict[str, Callable[[Layout], Any]] = {
    "apps/duo/1.json": lambda layout: generations.read(layout, "duo", 1),
    "apps/duo/2.json": lambda layout: generations.read(layout, "duo", 2),
    "state/duo.json": lambda layout: state.read(layout, "duo"),
    "history.jsonl": lambda layout: history.read(layout.history),
}
"""The sealed files of a machine, and who reads them."""
QUICK = 24
"""Of so many bits a quick run flips one."""


@pytest.fixture
def machine(folder: Path) -> MachineSim:
    """Version 2 runs, version 1 can be brought back."""
    made = MachineSim(folder, SCENES["rollback"].bundle)
    SCENES["rollback"].ready(made)
    return made


def flipped(path: Path, step: int = 1, length: int | None = None) -> Iterator[tuple[int, bytes]]:
    """The file with one bit changed, in every place in turn. It is as it was afterwards."""
    data = path.read_bytes()
    try:
        for bit in range(0, 8 * (length or len(data)), step):
            changed = bytearray(data)
            changed[bit // 8] ^= 1 << bit % 8
            path.write_bytes(changed)
            yield bit, data
    finally:
        path.write_bytes(data)


def unseen(read: Callable[[Layout], Any], layout: Layout) -> list[str]:
    """What is wrong if a changed record is read: it must be told, in our own words."""
    try:
        read(layout)
    except StoreError as error:
        return [] if error.hint else [f"I5: it is told without a way out: {error}"]
    except Exception as error:  # noqa: BLE001 - anything else is a traceback
        return [f"I1: {error!r}"]
    return ["I1: it was read as if nothing was"]


def read_at(machine: MachineSim, name: str, step: int) -> None:
    layout = machine.host().layout
    path = layout.var / name
    with Score("F17", f"bits of {name}") as score:
        for bit, _ in flipped(path, step):
            score.point(f"{name}, bit {bit}", unseen(RECORDS[name], layout))
    score.hold(at_least=100)


@pytest.mark.parametrize("name", RECORDS)
def test_some_bits(machine: MachineSim, name: str) -> None:
    read_at(machine, name, QUICK)


@pytest.mark.slow
@pytest.mark.parametrize("name", RECORDS)
def test_every_bit(machine: MachineSim, name: str) -> None:
    read_at(machine, name, 3 if name == "history.jsonl" else 2)


@pytest.mark.parametrize("name", RECORDS)
def test_a_whole_machine_tells_it(machine: MachineSim, name: str) -> None:
    """`verify` and `status` tell it, no verb deletes anything or ends in a traceback, and what runs goes on."""
    layout, running = machine.host().layout, machine.pids()
    with Score("F17", f"verbs with a bit of {name} flipped") as score:
        for bit, _ in flipped(layout.var / name, 8 * (layout.var / name).stat().st_size // 6 + 3):
            wrong, before = [], picture(machine.root)
            if name != "state/duo.json" and not any(one.differs for one in verify(machine.host())):
                wrong.append("I1: verify does not see it")
            for work in (machine.status, lambda: machine.run(Verb.UPGRADE, "duo"), lambda: recover(machine.host())):
                end = told(work)
                wrong += [f"I5: a traceback: {end.text[-200:]}"] if end.code == 1 else []
            if gone := before.keys() - picture(machine.root).keys():
                wrong.append(f"I7: {sorted(gone)} were deleted")
            wrong += ["I6: a service was touched"] if machine.pids() != running else []
            score.point(f"{name}, bit {bit}", wrong)
    score.hold(at_least=5)


def journals(folder: Path) -> tuple[Sweep, Path]:
    """A machine that was killed in the middle of an upgrade, and its journal."""
    sweep = Sweep(folder)
    assert sweep.promise
    last = [p for p in sweep.points() if p[0].endswith("transaction.py")][-20]
    (path,) = journal.unfinished(sweep.kill(last).host().layout.journal)
    return sweep, path


def journal_at(folder: Path, step: int) -> None:
    """A journal is read as far as it is whole: never is a record taken for another one."""
    _, path = journals(folder)
    records, end = journal.Journal.read(path).records, path.read_bytes().rindex(b"}") + 2
    with Score("F17", "bits of a journal") as score:
        for bit, _ in flipped(path, step, end):
            try:
                found = journal.Journal.read(path).records
                wrong = [] if found == records[: len(found)] != records else ["I1: a record is another one now"]
            except StoreError:
                wrong = []
            except Exception as error:  # noqa: BLE001 - a traceback
                wrong = [f"I1: {error!r}"]
            score.point(f"journal, bit {bit}", wrong)
    score.hold(at_least=100)


def test_some_bits_of_a_journal(folder: Path) -> None:
    journal_at(folder, 16)


@pytest.mark.slow
def test_every_bit_of_a_journal(folder: Path) -> None:
    journal_at(folder, 2)


@pytest.mark.parametrize("part", [0, *(pytest.param(n, marks=pytest.mark.slow) for n in (1, 2, 3))])
def test_recovered_from_a_changed_journal(folder: Path, part: int) -> None:
    """Recovery goes one way or the other, or says that it cannot and changes nothing."""
    sweep, path = journals(folder)
    name, data = path.relative_to(sweep.place), path.read_bytes()
    saved, end = folder / "killed", data.rindex(b"}") + 2
    sweep.place.rename(saved)
    with Score("F17", f"recovery with a bit of its journal flipped, part {part + 1} of 4") as score:
        for bit in range(17 * part, 8 * end, 8 * end // 20):
            machine = restored(sweep, saved)
            changed = bytearray(data)
            changed[bit // 8] ^= 1 << bit % 8
            (sweep.place / name).write_bytes(changed)
            score.point(f"journal, bit {bit}", after_recovery(sweep, machine))
    score.hold(at_least=15)


def restored(sweep: Sweep, saved: Path) -> MachineSim:
    shutil.rmtree(sweep.place, ignore_errors=True)
    shutil.copytree(saved, sweep.place, symlinks=True)
    machine = MachineSim(sweep.place, sweep.scene.bundle)
    machine.world.moved()
    return machine


def after_recovery(sweep: Sweep, machine: MachineSim) -> list[str]:
    before, running = look(machine), machine.pids()
    try:
        refused = [one.error for one in recover(machine.host()) if one.error]
    except CockpitPmError as error:
        refused = [error]
    if refused:
        untouched = look(machine) == before and machine.pids() == running
        return [] if untouched else [f"I7: recovery refused ({refused[0]}) and yet changed something"]
    return sweep.wrong(machine)
