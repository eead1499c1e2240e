"""F19: an allocation of memory that fails, anywhere in an upgrade: whatever ends by it, recovery makes it right."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from tests.faults.lines import in_child
from tests.faults.oracle import Told
from tests.faults.scenes import SCENES, played
from tests.faults.score import Score
from tests.faults.sweep import Sweep
from tests.sim.machine import MachineSim

POINTS, QUICK = 500, 15
MOST = 8_000_000


def starved(sweep: Sweep, number: int) -> tuple[MachineSim, Told, int]:
    """The machine after this allocation of the work failed, what was told, and the exit status of its process."""
    memory: Any = importlib.import_module("_testcapi")
    machine = sweep.machine()

    def work() -> Told:
        memory.set_nomemory(number, number + 1)
        try:
            return played(sweep.scene, machine)
        except MemoryError:  # while the first one was being told
            return Told(code=1, text="MemoryError")
        finally:
            memory.remove_mem_hooks()

    status, answer = in_child(work)
    return machine, answer if status == 0 else Told(), status


def allocations(sweep: Sweep) -> int:
    """How many there are, about: the first power of two that the work does not reach, halved until it does."""
    low, high = 0, 1024
    while high < MOST and _reached(sweep, high):
        low, high = high, high * 2
    while high - low > 2000:
        middle = (low + high) // 2
        low, high = (middle, high) if _reached(sweep, middle) else (low, middle)
    return low


def _reached(sweep: Sweep, number: int) -> bool:
    return any(starved(sweep, number + shift)[1].code != sweep.scene.code for shift in (0, 1, 7))


@pytest.mark.parametrize(
    ("name", "points"),
    [
        ("upgrade", QUICK),
        pytest.param("upgrade", POINTS, marks=pytest.mark.slow),
        pytest.param("taken back", POINTS // 2, marks=pytest.mark.slow),
    ],
)
def test_an_allocation_fails(folder: Path, name: str, points: int) -> None:
    pytest.importorskip("_testcapi", reason="this Python has no _testcapi")
    sweep = Sweep(folder, SCENES[name])
    promised = evolve(sweep.promise, bugs=True)
    last = allocations(sweep)
    with Score("F19", f"an allocation of {name} fails") as score:
        for turn, number in enumerate(range(1, last, max(1, last // points))):
            machine, what, status = starved(sweep, number)
            where = f"allocation {number} of {last}, told {what.code}, status {status}"
            # Some are made for what can be done without, and nobody notices: that proves nothing.
            noticed = what.code != sweep.scene.code
            score.point(where, sweep.wrong(machine, what, promised, again=turn % 4 == 0), struck=noticed)
    score.hold(at_least=points // 2, most_missed=0.5)
