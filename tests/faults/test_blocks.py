"""F5: what a disk may hold after a power cut, write by write: every prefix of what it got, and any part of the rest."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from attrs import frozen

from tests.faults.blocks import Write, cuts, disk, flushed, read_log
from tests.faults.device import exported, logging, missing
from tests.faults.lines import in_child
from tests.faults.oracle import Told
from tests.faults.power import MUTANTS, wrong
from tests.faults.scenes import SCENES, told
from tests.faults.score import Score
from tests.faults.shim import skipped
from tests.faults.volume import VolumeSweep

ROW = "F5"


@frozen
class Recorded:
    """One run of the work: what the disk got until it was told, and what was told."""

    start: Path
    writes: tuple[Write, ...]
    told: Told


@pytest.fixture
def sweep(folder: Path, request: pytest.FixtureRequest) -> Iterator[VolumeSweep]:
    if reason := missing():
        skipped(ROW, f"writes of a disk: {reason}")
    made = VolumeSweep(folder, SCENES[request.param], "ext4")
    yield made
    made.close()


def recorded(sweep: VolumeSweep) -> Recorded:
    """The work done once on a disk that logs. The world is then as the work left it."""
    assert sweep.promise
    machine = sweep.machine()
    sweep.volume.unmount()
    image = sweep.volume.image
    start, log = image.with_name("start.img"), image.with_name("writes.log")
    disk(image, (), start)
    layer, more = logging(log)
    with exported(image, layer, more) as shown:
        sweep.volume.image = shown
        try:
            sweep.volume.mount()
            machine.world.moved()
            before = len(read_log(log))
            status, answer = in_child(lambda: told(lambda: sweep.scene.work(machine)))
            assert status == 0
            writes = read_log(log)
            assert len(writes) > before + 10, "the log holds next to nothing"
            sweep.volume.unmount()
        finally:
            sweep.volume.image = image
    return Recorded(start, writes, answer)


def judged(sweep: VolumeSweep, run: Recorded, writes: list[Write], what: Told) -> list[str]:
    """The broken promises of a machine whose disk holds the start and these writes."""
    sweep.volume.unmount()
    disk(run.start, writes, sweep.volume.image)
    sweep.volume.mount()
    return wrong(sweep, sweep.after_a_cut(), what)


def swept(sweep: VolumeSweep, number: int, seed: int) -> None:
    with Score(ROW, f"what a disk may hold, {sweep.scene.name}") as score:
        run = recorded(sweep)
        assert run.told.code == 0
        for name, writes in cuts(run.writes, number, seed):
            score.point(f"{sweep.scene.name}, {name}", judged(sweep, run, writes, Told()))
        score.point("told", judged(sweep, run, flushed(run.writes), run.told))
    score.hold(at_least=number)


@pytest.mark.parametrize("sweep", ["upgrade"], indirect=True)
def test_what_a_disk_may_hold(sweep: VolumeSweep) -> None:
    swept(sweep, 8, 0)


@pytest.mark.slow
@pytest.mark.parametrize("sweep", ["install", "upgrade", "rollback", "remove"], indirect=True)
def test_all_that_a_disk_may_hold(sweep: VolumeSweep) -> None:
    swept(sweep, 250, 1)


@pytest.mark.slow
@pytest.mark.parametrize("sweep", ["upgrade"], indirect=True)
def test_a_build_that_does_not_sync_files_is_caught(sweep: VolumeSweep, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", MUTANTS["no-file-sync"])
        run = recorded(sweep)
    assert run.told.code == 0
    found = (judged(sweep, run, writes, Told()) for _, writes in cuts(run.writes, 60, 2))
    assert any(found), "the log of a disk shows nothing"
