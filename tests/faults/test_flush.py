"""F8: a disk whose flush fails once: an error of a sync is told, never passed over, and the machine comes right.

The file system gives up and becomes read-only in the middle of it, so not even the way back can be written down.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
from attrs import evolve, frozen

from cockpitpm.record.journal import Journal, unfinished
from tests.faults.blocks import read_log
from tests.faults.device import exported, failing_flush, missing
from tests.faults.lines import in_child
from tests.faults.look import look
from tests.faults.oracle import Told
from tests.faults.scenes import SCENES, played
from tests.faults.score import Score
from tests.faults.shim import skipped
from tests.faults.struck import AGAIN
from tests.faults.volume import VolumeSweep
from tests.sim.machine import MachineSim

LAST = 3
"""The flushes of one sync, the last: with it the journal goes, and nobody needs to know that it may come back."""


@pytest.fixture
def sweep(folder: Path, request: pytest.FixtureRequest) -> Iterator[VolumeSweep]:
    if reason := missing():
        skipped("F8", f"a flush that fails: {reason}")
    made = VolumeSweep(folder, SCENES[request.param], "ext4")
    yield made
    made.close()


@frozen
class Flushed:
    """What the work told while a flush failed, the machine after it was started anew on a disk that works, and which
    of all flushes were the work's."""

    told: Told
    machine: MachineSim
    own: range


def flushed(sweep: VolumeSweep, number: int) -> Flushed | None:
    """Fail this flush. None for one without which the disk cannot be mounted."""
    machine = sweep.machine()
    sweep.volume.unmount()
    disk = sweep.volume.image
    log = disk.with_name("flushes.log")
    log.unlink(missing_ok=True)
    with exported(disk, failing_flush(number, log)) as shown:
        sweep.volume.image = shown
        try:
            try:
                sweep.volume.mount()
            except RuntimeError:
                return None
            machine.world.moved()
            begun = flushes(log)
            status, answer = in_child(lambda: played(sweep.scene, machine))
            assert status == 0, f"the work ended with {status}"
            own = range(begun + 1, flushes(log) + 1)
            sweep.volume.unmount()
        finally:
            sweep.volume.image = disk
    return Flushed(answer, sweep.after_a_cut(), own)


def flushes(log: Path) -> int:
    """How many have been asked for."""
    return sum(write.flushes for write in read_log(log))


def over(machine: MachineSim) -> bool:
    """Whether there is a journal, and it says that its transaction is over: it could not be removed for good."""
    left = [Journal.read(path) for path in unfinished(machine.host().layout.journal)]
    return bool(left) and all(journal.last("done") for journal in left)


def judged(sweep: VolumeSweep, struck: Flushed, again: bool) -> list[str]:
    """The broken promises. A journal that came back and says that all is done makes no success untrue."""
    if struck.told.code != sweep.scene.code or not over(struck.machine):
        return sweep.wrong(struck.machine, struck.told, again=again)
    lost = [] if look(struck.machine) == sweep.promise.after else ["I4: success was told, and it is not so"]
    return lost + sweep.wrong(struck.machine, evolve(struck.told, code=None))


def swept(sweep: VolumeSweep, step: int) -> None:
    """Fail one flush of the work after the other, until it makes no more."""
    passed_over = 0
    with Score("F8", f"flushes that fail, {sweep.scene.name}") as score:
        for number in itertools.count(1, step):
            struck = flushed(sweep, number)
            if struck and number >= struck.own.stop:
                break
            if struck and number in struck.own:
                passed_over += struck.told.code == sweep.scene.code
                at = f"{sweep.scene.name}, flush {number} of {struck.own}, told {struck.told.code}"
                score.point(at, judged(sweep, struck, again=number % AGAIN == 0))
    assert struck
    score.hold(at_least=len(struck.own) // step)
    assert passed_over <= LAST, f"{passed_over} of {score.points} errors were not told"


@pytest.mark.parametrize("sweep", ["upgrade"], indirect=True)
def test_a_flush_fails(sweep: VolumeSweep) -> None:
    swept(sweep, 7)


@pytest.mark.slow
@pytest.mark.parametrize("sweep", SCENES, indirect=True)
def test_every_flush_fails(sweep: VolumeSweep) -> None:
    swept(sweep, 1)
