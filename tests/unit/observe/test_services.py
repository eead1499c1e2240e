"""The supervisor's word and the processes behind it become facts; nothing is changed by looking."""

from __future__ import annotations

from pathlib import Path

import pytest

from cockpitpm.model.service import Definition, ServiceState
from cockpitpm.observe.services import look_at, look_at_all
from tests.sim.ports import ProcessesSim, SupervisorSim
from tests.sim.world import World, program


@pytest.fixture
def world(root: Path) -> World:
    (root / "x").write_bytes(program("1"))
    made = World(root)
    supervisor = SupervisorSim(made)
    for name in ("runs", "rests"):
        supervisor.define(Definition(name=name, command=(str(root / "x"),)))
    supervisor.start("runs")
    return made


def test_what_runs_is_told_with_its_process_and_what_it_executes(world: World, root: Path) -> None:
    fact = look_at(SupervisorSim(world), ProcessesSim(world), "runs")
    assert fact.status.state is ServiceState.RUNNING
    assert fact.process is not None and fact.process.pid == fact.status.pid
    assert [image.file.ino for image in fact.images] == [(root / "x").stat().st_ino]
    assert fact.definition is None, "nobody asked for it"


def test_all_at_once_with_definitions_and_what_is_absent(world: World) -> None:
    found = look_at_all(SupervisorSim(world), ProcessesSim(world), ["runs", "rests", "nobody"])
    assert {name: (f.status.state.value, f.process is None, f.definition is None) for name, f in found.items()} == {
        "runs": ("running", False, False),
        "rests": ("stopped", True, False),
        "nobody": ("absent", True, True),
    }


def test_a_process_that_died_since_the_supervisor_looked(world: World) -> None:
    with world.changing() as state:
        state["processes"] = {}
    fact = look_at(SupervisorSim(world), ProcessesSim(world), "runs")
    assert (fact.process, fact.images) == (None, ())
