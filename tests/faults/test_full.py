"""A disk that fills up, before the work or in the middle of it: what is told is true, and what runs goes on.

The disk is a tmpfs. An upgrade that finds too little room at its beginning refuses; so for the middle, somebody else
takes the room when the first download begins, and leaves more of it each time.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Lock
from typing import Any, cast

import pytest

from cockpitpm.model.release import Asset
from cockpitpm.ports import Sink
from tests.faults.lines import in_child
from tests.faults.oracle import Told, done_again
from tests.faults.scenes import SCENES, Scene, told
from tests.faults.score import Score
from tests.faults.shim import skipped
from tests.faults.sweep import Sweep
from tests.faults.volume import run
from tests.sim.forge import ForgeSim
from tests.sim.machine import MachineSim

ROOMY = "64m"
PAGE = 4096


class TmpfsSweep(Sweep):
    """A sweep whose root is a tmpfs; `limit` says how much it may hold beside what it holds."""

    def __init__(self, folder: Path, scene: Scene) -> None:
        self.root = folder / "work" / "root"
        self.root.mkdir(parents=True)
        run("mount", "-t", "tmpfs", "-o", f"size={ROOMY},mode=755", "tmpfs", self.root)
        try:
            super().__init__(folder, scene)
        except BaseException:
            self.close()
            raise

    def machine(self) -> MachineSim:
        self.limit(None)
        for place in (self.root, self.place):
            for path in place.iterdir():
                if path != self.root:
                    shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
        shutil.copytree(self._start, self.place, symlinks=True, dirs_exist_ok=True)
        machine = MachineSim(self.place, self.scene.bundle)
        machine.world.moved()
        machine.forge = self.forge
        return machine

    def limit(self, pages: int | None) -> None:
        """So many pages more than it holds now; None for as many as anybody needs."""
        for attempt in range(9):
            space = os.statvfs(self.root)
            used = (space.f_blocks - space.f_bfree) * space.f_frsize
            size = ROOMY if pages is None else str(used + pages * PAGE)
            try:
                run("mount", "-o", f"remount,size={size}", self.root)
            except RuntimeError:
                if attempt == 8:
                    raise  # another download took more meanwhile, and a tmpfs does not shrink below what it holds
            else:
                return

    def close(self) -> None:
        run("umount", self.root)


@pytest.fixture
def sweep(folder: Path, request: pytest.FixtureRequest) -> Iterator[TmpfsSweep]:
    if os.geteuid() != 0:
        skipped("F7", "a full disk: mounting takes root")
    made = TmpfsSweep(folder, SCENES[request.param])
    yield made
    made.close()


class FillingForge:
    """The same forge; when it is first asked for bytes, the room on the disk goes away."""

    def __init__(self, forge: ForgeSim, fill: Callable[[], None]) -> None:
        self._forge = forge
        self._fill = fill
        self._lock = Lock()
        self._filled = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._forge, name)

    def fetch(self, asset: Asset, sink: Sink) -> None:
        with self._lock:
            if not self._filled:
                self._fill()
            self._filled = True
        self._forge.fetch(asset, sink)


def filled(sweep: TmpfsSweep, pages: int, later: bool) -> tuple[Told, list[str]]:
    """What the work told with so little room, and the promises that it broke, now and once there is room again."""
    machine = sweep.machine()
    if later:
        machine.forge = cast("ForgeSim", FillingForge(sweep.forge, lambda: sweep.limit(pages)))
    else:
        sweep.limit(pages)
    status, answer = in_child(lambda: told(lambda: sweep.scene.work(machine)))
    assert status == 0, f"the work ended with {status}"
    sweep.limit(None)
    machine.forge = sweep.forge
    wrong = sweep.wrong(machine, answer)
    if answer.code == 1:
        wrong.append(f"it was told as a bug: {answer.text[-300:]}")
    if answer.failed:
        wrong += done_again(machine, sweep.promise, sweep.scene.work)
    return answer, wrong


def swept(sweep: TmpfsSweep, sizes: range, later: bool) -> None:
    codes = set()
    assert sweep.promise  # made before the first fault, on the same disk
    with Score(
        "F7", f"a disk that {'fills up' if later else 'is full'}, {len(sizes)} sizes, {sweep.scene.name}"
    ) as score:
        for pages in sizes:
            answer, wrong = filled(sweep, pages, later)
            codes.add(answer.code)
            score.point(f"{sweep.scene.name}, {pages} pages", wrong)
    score.hold(at_least=4)
    assert 0 in codes and len(codes) > 1, f"only {codes}: it was never full, or never had room"


@pytest.mark.parametrize("sweep", ["upgrade"], indirect=True)
def test_a_disk_that_fills_up(sweep: TmpfsSweep) -> None:
    swept(sweep, range(0, 40, 4), later=True)


@pytest.mark.slow
@pytest.mark.parametrize("sweep", ["install", "upgrade", "prune"], indirect=True)
def test_a_disk_that_fills_up_at_every_size(sweep: TmpfsSweep) -> None:
    swept(sweep, range(40), later=True)


@pytest.mark.slow
@pytest.mark.parametrize("sweep", ["rollback", "remove", "adopt"], indirect=True)
def test_a_full_disk(sweep: TmpfsSweep) -> None:
    swept(sweep, range(0, 6_000, 200), later=False)
