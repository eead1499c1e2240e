"""F5: what a disk may hold after a power cut, write by write: every prefix of what it got, and any part of the rest."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen

from tests.faults.blocks import Cut, Write, cuts, disk, flushed, read_log
from tests.faults.device import exported, logging, missing
from tests.faults.lines import in_child
from tests.faults.oracle import Told
from tests.faults.power import MUTANTS
from tests.faults.scenes import SCENES, played
from tests.faults.score import Score
from tests.faults.shim import skipped
from tests.faults.struck import AGAIN
from tests.faults.volume import VolumeSweep
from tests.sim.machine import MachineSim
from tests.sim.world import World

ROW = "F5"
EVERY = 10_000
"""More prefixes than any log has."""


@frozen
class Recorded:
    """One run of the work: what the disk got until it was told, and what was told.

    The simulated world is not on the disk. `worlds` are the states that it was in, each with how long the log was when
    it came to be, in bytes; the first is the one before the work.
    """

    start: Path
    writes: tuple[Write, ...]
    told: Told
    worlds: tuple[tuple[int, dict[str, Any]], ...]

    def world(self, end: int) -> dict[str, Any]:
        """The newest that was there before anything was written after so many writes."""
        length = self.writes[end - 1].logged if end else 0
        return [state for logged, state in self.worlds if logged <= length][-1]


@pytest.fixture
def sweep(folder: Path, request: pytest.FixtureRequest) -> Iterator[VolumeSweep]:
    if reason := missing():
        skipped(ROW, f"writes of a disk: {reason}")
    made = VolumeSweep(folder, SCENES[request.param], "ext4")
    yield made
    made.close()


def recorded(sweep: VolumeSweep) -> Recorded:
    """The work done once on a disk that logs."""
    machine = sweep.machine()
    sweep.volume.unmount()
    image = sweep.volume.image
    start, log, worlds = (image.with_name(name) for name in ("start.img", "writes.log", "worlds"))
    disk(image, (), start)
    with exported(image, logging(log)) as shown:
        sweep.volume.image = shown
        try:
            sweep.volume.mount()
            machine.world.moved()
            before = machine.world.state()
            mounted = len(read_log(log))
            status, answer = in_child(partial(watched, sweep, machine, log, worlds))
            assert status == 0
            writes = read_log(log)
            assert len(writes) > mounted + 10, "the log holds next to nothing"
            sweep.volume.unmount()
        finally:
            sweep.volume.image = image
    later = (json.loads(line) for line in worlds.read_text().splitlines())
    return Recorded(start, writes, answer, ((0, before), *((logged, state) for logged, state in later)))


def watched(sweep: VolumeSweep, machine: MachineSim, log: Path, worlds: Path) -> Told:
    """Do the work; each state of the world is written down, with how long the log is then."""
    save = World._save
    with worlds.open("a") as file:

        def saved(self: World, state: dict[str, Any]) -> None:
            save(self, state)
            file.write(json.dumps([log.stat().st_size, state]) + "\n")

        World._save = saved  # type: ignore[method-assign]
        return played(sweep.scene, machine)


def judged(
    sweep: VolumeSweep,
    run: Recorded,
    cut: Cut,
    what: Told = Told(),  # noqa: B008 - it is frozen
    again: bool = False,
) -> list[str]:
    """The broken promises of a machine whose disk holds the start and these writes, when it has power again."""
    sweep.volume.unmount()
    disk(run.start, cut.writes, sweep.volume.image)
    (sweep.place / "world.json").write_text(json.dumps(run.world(cut.end)))
    return sweep.wrong(sweep.after_a_cut(), what, again=again)


def swept(sweep: VolumeSweep, prefixes: int, subsets: int, seed: int) -> None:
    with Score(ROW, f"what a disk may hold, {sweep.scene.name}") as score:
        run = recorded(sweep)
        assert run.told.code == sweep.scene.code
        for turn, cut in enumerate(cuts(run.writes, prefixes, subsets, seed)):
            found = judged(sweep, run, cut, again=turn % AGAIN == AGAIN - 1)
            score.point(f"{sweep.scene.name}, {cut.name}", found)
        end = Cut("told", len(run.writes), flushed(run.writes))
        score.point("told", judged(sweep, run, end, run.told))
    score.hold(at_least=min(prefixes, len(run.writes)) // 2 + subsets)


@pytest.mark.parametrize("sweep", ["upgrade"], indirect=True)
def test_what_a_disk_may_hold(sweep: VolumeSweep) -> None:
    swept(sweep, 8, 8, 0)


@pytest.mark.slow
@pytest.mark.parametrize("sweep", SCENES, indirect=True)
def test_all_that_a_disk_may_hold(sweep: VolumeSweep) -> None:
    swept(sweep, EVERY, 80, 1)


@pytest.mark.slow
@pytest.mark.parametrize("sweep", ["upgrade"], indirect=True)
def test_a_build_that_does_not_sync_files_is_caught(sweep: VolumeSweep, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", MUTANTS["no-file-sync"])
        run = recorded(sweep)
    assert run.told.code == 0
    found = (judged(sweep, run, cut) for cut in cuts(run.writes, 60, 60, 2))
    assert any(found), "the log of a disk shows nothing"
