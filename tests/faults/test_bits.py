"""F17: every bit of what we write down is flipped: it is told, nothing is deleted, nothing is taken for another."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cockpitpm.app.doctor import examine
from cockpitpm.app.recover import recover
from cockpitpm.app.verify import verify
from cockpitpm.errors import CockpitPmError, StoreError
from cockpitpm.model.receipt import Verb
from cockpitpm.record import generations, history, home, journal, state
from cockpitpm.record.layout import Layout
from tests.faults.look import look, picture
from tests.faults.oracle import told
from tests.faults.scenes import SCENES, Scene
from tests.faults.score import Score
from tests.faults.sweep import Copies, Sweep
from tests.sim.machine import MachineSim

RECORDS: dict[str, Callable[[Layout], Any]] = {
    "apps/duo/1.json": lambda layout: generations.read(layout, "duo", 1),
    "apps/duo/2.json": lambda layout: generations.read(layout, "duo", 2),
    "state/duo.json": lambda layout: state.read(layout, "duo"),
    "history.jsonl": lambda layout: history.read(layout.history),
    "root": home.read,
}
"""The sealed files of a machine, and who reads them."""
QUICK = 23
"""Of so many bits a quick run flips one; no multiple of two, or it would be the same bit of each byte."""


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
    score.hold(at_least=40)


@pytest.mark.parametrize("name", RECORDS)
def test_some_bits(machine: MachineSim, name: str) -> None:
    read_at(machine, name, QUICK)


@pytest.mark.slow
@pytest.mark.parametrize("name", RECORDS)
def test_every_bit(machine: MachineSim, name: str) -> None:
    read_at(machine, name, 1)


def waiting(machine: MachineSim) -> None:
    """Version 2 runs, and 3 is published: who upgrades comes to the cleaning."""
    SCENES["rollback"].ready(machine)
    machine.publish("3")


def upgraded(machine: MachineSim) -> object:
    return machine.run(Verb.UPGRADE, "duo")


@pytest.mark.parametrize("name", RECORDS)
def test_a_whole_machine_tells_it(folder: Path, name: str) -> None:
    """It is told, no verb deletes anything or ends in a traceback, and services are upgraded or left alone."""
    copies = Copies(folder, Scene(name=name, ready=waiting, work=upgraded))
    size = (copies.place / "root/var/cockpitpm" / name).stat().st_size
    reached = 0
    with Score("F17", f"verbs with a bit of {name} flipped") as score:
        for bit in (*range(3, 8 * size, 8 * size // 3 + 1), 8 * size - 6):
            machine = copies.machine()
            path = machine.host().layout.var / name
            flip(path, bit)
            score.point(f"{name}, bit {bit}", told_and_kept(machine, path))
            reached += machine.versions()["duo_server"].startswith("3")
    score.hold(at_least=4)
    assert reached == (0 if name in WITHOUT else score.points), f"{reached} upgrades came to their cleaning"


WITHOUT = ("apps/duo/2.json", "state/duo.json")
"""Records without which nobody changes the app."""


def flip(path: Path, bit: int) -> None:
    changed = bytearray(path.read_bytes())
    changed[bit // 8] ^= 1 << bit % 8
    path.write_bytes(changed)


def told_and_kept(machine: MachineSim, path: Path) -> list[str]:
    """What is wrong with a machine one of whose records was changed."""
    name, before, running = str(path.relative_to(machine.root)), picture(machine.root), machine.pids()
    damaged = path.read_bytes()
    wrong = [] if any(str(path) in one.told for one in examine(machine.host()).symptoms) else ["I1: nobody tells it"]
    if path.parent.name == "duo" or path.suffix == ".jsonl":
        wrong += [] if any(one.differs for one in verify(machine.host())) else ["I1: verify does not see it"]
    for work in (machine.status, lambda: upgraded(machine), lambda: recover(machine.host())):
        end = told(work)
        wrong += [f"I5: a traceback: {end.text[-200:]}"] if end.code == 1 else []
    # Copies of a build that was left are made anew whenever it comes back.
    gone = {one for one in before.keys() - picture(machine.root).keys() if "/duo/live/" not in one}
    wrong += [f"I7: {sorted(gone)} were deleted"] if gone else []
    wrong += [] if path.read_bytes().startswith(damaged[:-1]) or name in MENDED else [f"I7: {name} was written over"]
    versions = {version.partition("-")[0] for version in machine.versions().values()}
    if not (versions == {"3"} or (versions == {"2"} and machine.pids() == running)):
        wrong.append(f"I6: {versions} run, and processes were {running}, are {machine.pids()}")
    return wrong


MENDED = ("var/cockpitpm/root",)
"""What is known anew at any time."""


def journals(folder: Path) -> tuple[Sweep, Path]:
    """A machine that was killed in the middle of an upgrade, and its journal."""
    sweep = Sweep(folder)
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
    journal_at(folder, 15)


@pytest.mark.slow
def test_every_bit_of_a_journal(folder: Path) -> None:
    journal_at(folder, 1)


@pytest.mark.parametrize("part", [0, *(pytest.param(n, marks=pytest.mark.slow) for n in (1, 2, 3))])
def test_recovered_from_a_changed_journal(folder: Path, part: int) -> None:
    """Recovery goes one way or the other, or says that it cannot and changes nothing."""
    sweep, path = journals(folder)
    name, data = path.relative_to(sweep.place), path.read_bytes()
    kept, end = sweep.keep("killed"), data.rindex(b"}") + 2
    with Score("F17", f"recovery with a bit of its journal flipped, part {part + 1} of 4") as score:
        for turn, bit in enumerate(range(17 * part, 8 * end, 8 * end // 20)):
            machine = sweep.restored(kept)
            flip(sweep.place / name, bit)
            score.point(f"journal, bit {bit}", after_recovery(sweep, machine, again=turn % 4 == 0))
    score.hold(at_least=15)


def after_recovery(sweep: Sweep, machine: MachineSim, again: bool) -> list[str]:
    before, running = look(machine), machine.pids()
    try:
        refused = [one.error for one in recover(machine.host()) if one.error]
    except CockpitPmError as error:
        refused = [error]
    if refused:
        untouched = look(machine) == before and machine.pids() == running
        return [] if untouched else [f"I7: recovery refused ({refused[0]}) and yet changed something"]
    return sweep.wrong(machine, again=again)
