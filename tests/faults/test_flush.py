"""F8: a disk whose flush fails once: an error of a sync is told, never passed over, and the machine comes right.

The file system gives up and becomes read-only in the middle of it, so not even the way back can be written down.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from attrs import evolve

from tests.faults.device import exported, failing_flush, missing
from tests.faults.lines import in_child
from tests.faults.oracle import Told
from tests.faults.power import wrong
from tests.faults.scenes import SCENES, told
from tests.faults.score import Score
from tests.faults.shim import skipped
from tests.faults.volume import VolumeSweep
from tests.sim.machine import MachineSim

MOST = 120


@pytest.fixture
def sweep(folder: Path, request: pytest.FixtureRequest) -> Iterator[VolumeSweep]:
    if reason := missing():
        skipped("F8", f"a flush that fails: {reason}")
    made = VolumeSweep(folder, SCENES[request.param], "ext4")
    yield made
    made.close()


def flushed(sweep: VolumeSweep, number: int) -> tuple[Told, MachineSim] | None:
    """What the work told while this flush failed, and the machine after it was started anew on a disk that works.

    None for one of the first flushes, which belong to the mount.
    """
    machine = sweep.machine()
    sweep.volume.unmount()
    disk = sweep.volume.image
    with exported(disk, failing_flush(number)) as shown:
        sweep.volume.image = shown
        try:
            try:
                sweep.volume.mount()
            except RuntimeError:
                return None
            machine.world.moved()
            status, answer = in_child(lambda: told(lambda: sweep.scene.work(machine)))
            assert status == 0, f"the work ended with {status}"
            sweep.volume.unmount()
        finally:
            sweep.volume.image = disk
    return answer, sweep.after_a_cut()


def swept(sweep: VolumeSweep, step: int) -> None:
    assert sweep.promise
    failures = 0
    with Score("F8", f"flushes that fail, {sweep.scene.name}") as score:
        for number in range(1, MOST, step):
            if (struck := flushed(sweep, number)) is None:
                continue
            answer, machine = struck
            failures += answer.failed
            found = wrong(sweep, machine, answer if answer.code == 0 else evolve(answer, code=None))
            bug = [f"it was told as a bug: {answer.text[-300:]}"] if answer.code == 1 else []
            score.point(f"{sweep.scene.name}, flush {number}", found + bug)
            if failures and not answer.failed:
                break  # the work is done before so many flushes
    score.hold(at_least=3)
    assert failures, "no flush of the work failed"


@pytest.mark.parametrize("sweep", ["upgrade"], indirect=True)
def test_a_flush_fails(sweep: VolumeSweep) -> None:
    swept(sweep, 6)


@pytest.mark.slow
@pytest.mark.parametrize("sweep", ["install", "upgrade", "rollback"], indirect=True)
def test_every_flush_fails(sweep: VolumeSweep) -> None:
    swept(sweep, 1)
