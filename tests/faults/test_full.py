"""F7: a disk that fills up, before the work or in the middle of it: what is told is true, and what runs goes on.

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
from tests.faults.oracle import Told
from tests.faults.scenes import SCENES, Scene, played
from tests.faults.score import Score
from tests.faults.shim import skipped
from tests.faults.sweep import Sweep
from tests.faults.volume import run
from tests.sim.forge import ForgeSim
from tests.sim.machine import MachineSim

ROOMY = "64m"
PAGE = 4096
MOST, ENOUGH = 400, 3
FETCHING = ("install", "upgrade", "partial", "taken back", "one stopped", "together", "prune")
"""What begins with a look at the room that there is, and refuses before anything is changed."""
SIZES = {**dict.fromkeys(SCENES, 17), **dict.fromkeys(FETCHING, 5), "partial": 3, "stop": 2}
"""With how many sizes each fails at least: until its journal has its room, or both downloads have theirs."""


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
        return self.opened()

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
    status, answer = in_child(lambda: played(sweep.scene, machine))
    assert status == 0, f"the work ended with {status}"
    sweep.limit(None)
    machine.forge = sweep.forge
    return answer, sweep.wrong(machine, answer, again=True)


def swept(sweep: TmpfsSweep, step: int, later: bool) -> None:
    """Size after size, from none, until there was room enough a few times; what did not fail there is no point."""
    enough = 0
    with Score("F7", f"a disk that {'fills up' if later else 'is full'}, {sweep.scene.name}") as score:
        for pages in range(0, MOST, step):
            answer, wrong = filled(sweep, pages, later)
            done = answer.code == sweep.scene.code
            enough = enough + 1 if done else 0
            score.point(f"{sweep.scene.name}, {pages} pages, told {answer.code}", wrong, struck=not done)
            if enough == ENOUGH:
                break
    score.hold(at_least=SIZES[sweep.scene.name] // step, most_missed=0.6)
    assert enough == ENOUGH, "there was never room enough"


@pytest.mark.parametrize("sweep", ["upgrade"], indirect=True)
def test_a_disk_that_fills_up(sweep: TmpfsSweep) -> None:
    swept(sweep, 4, later=True)


@pytest.mark.slow
@pytest.mark.parametrize("sweep", FETCHING, indirect=True)
def test_a_disk_that_fills_up_at_every_size(sweep: TmpfsSweep) -> None:
    swept(sweep, 1, later=True)


@pytest.mark.slow
@pytest.mark.parametrize("sweep", [name for name in SCENES if name not in FETCHING], indirect=True)
def test_a_disk_that_is_full_at_every_size(sweep: TmpfsSweep) -> None:
    swept(sweep, 1, later=False)
