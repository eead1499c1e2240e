"""F18: a thousand upgrades in one process: descriptors, threads, memory and disk stay as they were."""

from __future__ import annotations

import gc
import os
import threading
from pathlib import Path

import pytest

from cockpitpm.errors import ExitCode
from cockpitpm.model.receipt import Verb
from tests.faults.look import look
from tests.faults.scenes import SWIFT, installed
from tests.faults.score import Score
from tests.sim.machine import MachineSim
from tests.sim.world import program

WARM = 20
"""Upgrades after which everything that is kept once is there: modules, caches, as many generations as are kept."""
EVERY = 10
"""Of so many upgrades a look follows one. The tenth has the same number of files as the tenth before."""
MEMORY = 24 * 1024 * 1024
"""Bytes that the process may grow by: the allocator keeps some, and history is read whole to add a line."""


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def held(root: Path) -> dict[str, int]:
    """What a process and a machine hold. Of the files not the history, which has a line for each upgrade."""
    gc.collect()
    files = [p for p in root.rglob("*") if p.is_file() and not p.is_symlink() and p.name != "history.jsonl"]
    return {
        "descriptors": descriptors(),
        "threads": threading.active_count(),
        "files": len(files),
        "pages of files": sum(p.stat().st_size for p in files) // 4096,
    }


def upgraded(machine: MachineSim, number: int) -> None:
    """To a build whose one binary is new every time, and the other every tenth time."""
    version = f"{number:06d}"
    builds = {"duo_server": program(f"{version}-duo_server"), "duo_admin": program(f"{number // 10:06d}-duo_admin")}
    machine.forge.bytes.clear()
    machine.forge.requests.clear()
    machine.publish(builds)
    assert machine.code(Verb.UPGRADE, "duo") is ExitCode.DONE
    machine.heard.clear()
    with machine.world.changing() as state:
        state["starts"] = []  # what was heard and the world's own memory are not the machine's


@pytest.mark.parametrize("upgrades", [100, pytest.param(1000, marks=pytest.mark.slow)])
def test_nothing_grows(folder: Path, upgrades: int) -> None:
    machine = MachineSim(folder, SWIFT)
    installed(machine)
    for number in range(1, WARM + 1):
        upgraded(machine, number)
    before, memory = held(machine.root), resident()
    with Score("F18", f"looks in the course of {upgrades} upgrades in one process") as score:
        for number in range(WARM + 1, upgrades + 1):
            upgraded(machine, number)
            if number % EVERY == 0:
                score.point(f"upgrade {number}", grown(before, held(machine.root), memory))
    score.hold(at_least=(upgrades - WARM) // EVERY)
    assert look(machine).services["duo_server"].runs == f"{upgrades:06d}-duo_server"


def grown(before: dict[str, int], now: dict[str, int], memory: int) -> list[str]:
    wrong = [f"I7: {what} were {before[what]}, are {many}" for what, many in now.items() if many > before[what]]
    more = resident() - memory
    return [*wrong, f"I7: memory grew by {more >> 20} MiB"] if more > MEMORY else wrong


def test_what_grows_is_seen(folder: Path) -> None:
    machine = MachineSim(folder, SWIFT)
    installed(machine)
    before = held(machine.root)
    with (folder / "root/left").open("w"):
        wrong = grown(before, held(machine.root), resident() - MEMORY - 4096)
    assert [one.split()[1] for one in wrong] == ["descriptors", "files", "memory"]
