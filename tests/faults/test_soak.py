"""F18: a thousand upgrades in one process: descriptors, threads, memory and disk stay as they were."""

from __future__ import annotations

import gc
import os
import threading
from pathlib import Path

import pytest

from cockpitpm.errors import ExitCode
from cockpitpm.model.receipt import Verb
from tests.faults.oracle import look
from tests.faults.scenes import SWIFT, installed
from tests.faults.score import Score
from tests.sim.machine import MachineSim
from tests.sim.world import program

WARM = 20
"""Upgrades after which everything that is kept once is there: modules, caches, as many generations as are kept."""
MEMORY = 24 * 1024 * 1024
"""Bytes that the process may grow by: the allocator keeps some, and history is read whole to add a line."""


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def taken(root: Path) -> tuple[int, int]:
    """Files, and the bytes of all of them but the history, which has a line for each upgrade."""
    files = [p for p in root.rglob("*") if p.is_file() and not p.is_symlink() and p.name != "history.jsonl"]
    return len(files), sum(p.stat().st_size for p in files) // 4096


def upgraded(machine: MachineSim, number: int) -> None:
    """To a build whose one binary is new every time, and the other every tenth time."""
    version = f"{number:06d}"
    builds = {"duo_server": program(f"{version}-duo_server"), "duo_admin": program(f"{number // 10:06d}-duo_admin")}
    machine.forge.bytes.clear()
    machine.forge.requests.clear()
    machine.forge.publish("duo", "latest", {f"{n}-linux-musl-x86_64": data for n, data in builds.items()})
    assert machine.code(Verb.UPGRADE, "duo") is ExitCode.DONE
    with machine.world.changing() as state:
        state["starts"] = []  # the world's own memory, not the machine's


@pytest.mark.parametrize("upgrades", [100, pytest.param(1000, marks=pytest.mark.slow)])
def test_nothing_grows(folder: Path, upgrades: int) -> None:
    machine = MachineSim(folder, SWIFT)
    installed(machine)
    with Score("F18", f"{upgrades} upgrades in one process") as score:
        for number in range(1, upgrades + 1):
            upgraded(machine, number)
            wrong = []
            if number == WARM:
                gc.collect()
                held = (descriptors(), threading.active_count(), taken(machine.root))
                memory = resident()
            if number in (upgrades // 2 // 10 * 10, upgrades) and number > WARM:
                gc.collect()
                now = (descriptors(), threading.active_count(), taken(machine.root))
                wrong += [f"I7: descriptors, threads, (files, pages) were {held}, are {now}"] if now != held else []
                grown = resident() - memory
                wrong += [f"I7: memory grew by {grown >> 20} MiB"] if grown > MEMORY else []
            score.point(f"upgrade {number}", wrong)
    score.hold(at_least=upgrades)
    assert look(machine).services["duo_server"].runs == f"{upgrades:06d}-duo_server"
