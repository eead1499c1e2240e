"""What every supervisor does, real or simulated. A rig is one supervisor with programs that it can run."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cockpitpm.clock import SystemClock
from cockpitpm.errors import SupervisorError
from cockpitpm.model.process import ProcessId
from cockpitpm.model.service import Definition, ServiceState, Wanted
from cockpitpm.ports import Processes, Supervisor
from cockpitpm.processes import LinuxProcesses
from cockpitpm.supervisors.supervisord import Supervisord
from tests.sim.ports import ProcessesSim, SupervisorSim
from tests.sim.world import World, program
from tests.waiting import until


class Rig(Protocol):
    """A supervisor under test.

    `program(behaviour)` is the command of a program that is: `steady` (runs until it is asked to end), `family` (a
    wrapper that ends at once when asked, over a child that ignores it), `parent` (the same, but the wrapper ends when
    it is killed and leaves its child), `talker` (prints `one`, `two`, `three` and runs), `missing` (not there).
    """

    supervisor: Supervisor
    processes: Processes
    directory: str

    def __init__(self, root: Path) -> None: ...
    def program(self, behaviour: str) -> tuple[str, ...]: ...
    def kill(self, pid: int) -> None: ...
    def close(self) -> None: ...


PROGRAMS = {
    "steady": "exec sleep 600",
    "family": "sh -c 'trap \"\" TERM; while :; do sleep 0.05; done' &\nwait",
    "parent": "sh -c 'trap \"\" TERM; while :; do sleep 0.05; done' &\nwait",
    "talker": "echo one\necho two >&2\necho three\nexec sleep 600",
}


class SupervisordRig:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.directory = str(root)
        self.processes = LinuxProcesses()
        folder = root / "var/cockpitpm/supervisord"
        self.supervisor = Supervisord(folder, self.processes, SystemClock(), {"HOME": str(root)})

    def program(self, behaviour: str) -> tuple[str, ...]:
        path = self.root / behaviour
        if behaviour in PROGRAMS:
            path.write_text(f"#!/bin/sh\n{PROGRAMS[behaviour]}\n")
            path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return (str(path),)

    def kill(self, pid: int) -> None:
        os.kill(pid, signal.SIGKILL)

    def close(self) -> None:
        self.supervisor.shutdown()


class SimRig:
    """The supervisor that transactions are tested on: what it does here is what they may rely on there."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.directory = str(root)
        self.world = World(root)
        self.processes = ProcessesSim(self.world)
        self.supervisor = SupervisorSim(self.world)

    def program(self, behaviour: str) -> tuple[str, ...]:
        says = ("one", "two", "three") if behaviour == "talker" else ()
        (self.root / "inner").write_bytes(program("1"))
        if behaviour in ("family", "parent"):
            (self.root / behaviour).write_bytes(b"#!wrap child inner")
        elif behaviour != "missing":
            (self.root / behaviour).write_bytes(program("1", says=says))
        return (str(self.root / behaviour),)

    def kill(self, pid: int) -> None:
        self.world.kill(pid)

    def close(self) -> None:
        """Nothing is left running."""


RIGS = [pytest.param(SupervisordRig, id="supervisord", marks=pytest.mark.real), pytest.param(SimRig, id="sim")]
"""Every supervisor under this contract."""


@pytest.fixture(params=RIGS)
def rig(request: pytest.FixtureRequest, root: Path) -> Iterator[Rig]:
    made: Rig = request.param(root)
    yield made
    made.close()


def service(rig: Rig, behaviour: str = "steady", **fields: object) -> Definition:
    fields = {"name": "s", "stop_timeout": 0.3, "directory": rig.directory, **fields}
    return Definition(command=rig.program(behaviour), **fields)  # type: ignore[arg-type]


def running(rig: Rig, behaviour: str = "steady") -> ProcessId:
    rig.supervisor.define(service(rig, behaviour))
    rig.supervisor.start("s")
    return process(rig)


def process(rig: Rig) -> ProcessId:
    pid = rig.supervisor.status("s").pid
    assert pid is not None
    found = rig.processes.identify(pid)
    assert found is not None
    return found


# ---- definitions


def test_a_definition_is_set_aside_once_until_it_is_dropped(rig: Rig) -> None:
    first, second = service(rig, env=(("A", "1 ; '\""),)), service(rig, env=(("A", "2"),))
    rig.supervisor.drop_aside("s")
    rig.supervisor.set_aside("s")
    assert rig.supervisor.aside("s") is None
    rig.supervisor.define(first)
    rig.supervisor.set_aside("s")
    rig.supervisor.define(second)
    rig.supervisor.set_aside("s")
    assert (rig.supervisor.aside("s"), rig.supervisor.definition("s")) == (first, second)
    assert [s.name for s in rig.supervisor.list()] == ["s"]
    rig.supervisor.forget("s")
    assert rig.supervisor.aside("s") == first
    rig.supervisor.drop_aside("s")
    rig.supervisor.drop_aside("s")
    assert rig.supervisor.aside("s") is None


@pytest.mark.parametrize("wanted", [(), ("s",)])
def test_what_was_not_defined_is_absent(rig: Rig, wanted: tuple[str, ...]) -> None:
    for _ in wanted:
        rig.supervisor.define(service(rig))
    assert rig.supervisor.status("nobody").state is ServiceState.ABSENT
    assert rig.supervisor.definition("nobody") is None
    assert [s.name for s in rig.supervisor.list()] == list(wanted)


@pytest.mark.parametrize("verb", ["start", "stop", "logs", "cycle"])
def test_a_verb_on_an_unknown_service_is_an_error(rig: Rig, verb: str) -> None:
    arguments = {"logs": (3,), "cycle": (None,)}.get(verb, ())
    with pytest.raises(SupervisorError, match="nobody"):
        getattr(rig.supervisor, verb)("nobody", *arguments)


def test_a_defined_service_is_stopped_and_has_no_process(rig: Rig) -> None:
    rig.supervisor.define(service(rig))
    status = rig.supervisor.status("s")
    assert (status.state, status.pid) == (ServiceState.STOPPED, None)
    assert status.wanted is not Wanted.STOPPED, "nobody asked for that"
    assert rig.supervisor.list() == (status,)


TEXTS = st.text(st.characters(exclude_characters="\0"), max_size=12)
NASTY = (
    "",
    " ",
    "a b",
    "it's",
    'say "x"',
    "'\"",
    '"quoted"',
    "50%",
    "%(here)s",
    "%%",
    "x ;y #z",
    "ünï→",
    "two\nlines",
    "$HOME `id`",
    "\\",
)


@given(
    arguments=st.lists(TEXTS | st.sampled_from(NASTY), max_size=4),
    env=st.dictionaries(st.from_regex(r"[A-Za-z_]\w{0,8}", fullmatch=True), TEXTS | st.sampled_from(NASTY), max_size=3),
    stop_timeout=st.floats(0, 60),
)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_definition_comes_back_as_it_went_in(
    rig: Rig, arguments: list[str], env: dict[str, str], stop_timeout: float
) -> None:
    definition = Definition(
        name="s",
        command=("/bin/true", *arguments),
        env=tuple(sorted(env.items())),
        directory=rig.directory,
        stop_timeout=stop_timeout,
    )
    rig.supervisor.define(definition)
    assert rig.supervisor.definition("s") == definition


def test_the_same_definition_again_has_no_effect(rig: Rig) -> None:
    before = running(rig)
    rig.supervisor.define(service(rig))
    assert process(rig) == before


def test_another_definition_stops_the_service(rig: Rig) -> None:
    before = running(rig)
    rig.supervisor.define(service(rig, env=(("A", "b"),)))
    assert not rig.processes.alive(before)
    status = rig.supervisor.status("s")
    assert (status.state, status.wanted) == (ServiceState.STOPPED, Wanted.RUNNING)


def test_a_forgotten_service_is_gone(rig: Rig) -> None:
    before = running(rig)
    rig.supervisor.forget("s")
    assert not rig.processes.alive(before)
    assert rig.supervisor.status("s").state is ServiceState.ABSENT
    assert rig.supervisor.definition("s") is None
    rig.supervisor.forget("s")
    rig.supervisor.define(service(rig))
    assert rig.supervisor.status("s").state is ServiceState.STOPPED


# ---- start and stop


def test_a_started_service_runs_its_program(rig: Rig) -> None:
    found = running(rig)
    status = rig.supervisor.status("s")
    assert (status.state, status.wanted, status.pid) == (ServiceState.RUNNING, Wanted.RUNNING, found.pid)
    assert rig.processes.tree(found.pid)


def test_starting_a_running_service_does_nothing(rig: Rig) -> None:
    before = running(rig)
    rig.supervisor.start("s")
    assert process(rig) == before


def test_a_stopped_service_has_no_process_and_stays_so(rig: Rig) -> None:
    before = running(rig)
    rig.supervisor.stop("s")
    assert rig.processes.tree(before.pid) == ()
    rig.supervisor.stop("s")
    status = rig.supervisor.status("s")
    assert (status.state, status.wanted, status.pid) == (ServiceState.STOPPED, Wanted.STOPPED, None)


def test_a_stop_right_after_a_start_is_not_lost(rig: Rig) -> None:
    rig.supervisor.define(service(rig, stop_timeout=20.0))
    began = time.monotonic()
    for _ in range(10):
        rig.supervisor.start("s")
        rig.supervisor.stop("s")
    assert time.monotonic() - began < 5.0


@pytest.mark.parametrize("verb", ["stop", "forget", "cycle"])
def test_the_whole_group_ends_with_its_leader(rig: Rig, verb: str) -> None:
    before = running(rig, "family")
    until(lambda: len(rig.processes.tree(before.pid)) >= 2)
    rig.supervisor.cycle("s", before) if verb == "cycle" else getattr(rig.supervisor, verb)("s")
    assert rig.processes.tree(before.pid) == ()


def test_children_that_a_dead_leader_left_end_too(rig: Rig) -> None:
    before = running(rig, "parent")
    until(lambda: len(rig.processes.tree(before.pid)) >= 2)
    rig.kill(before.pid)
    until(lambda: not rig.processes.alive(before))
    assert rig.processes.tree(before.pid), "the child is still there"
    rig.supervisor.stop("s")
    assert rig.processes.tree(before.pid) == ()


def test_a_crashed_service_comes_back_as_another_process(rig: Rig) -> None:
    before = running(rig)
    rig.kill(before.pid)
    until(lambda: rig.supervisor.status("s").pid not in (None, before.pid))
    assert rig.supervisor.status("s").wanted is Wanted.RUNNING
    assert process(rig) != before


def test_a_program_that_is_not_there_is_an_error_and_never_runs(rig: Rig) -> None:
    rig.supervisor.define(service(rig, "missing"))
    with pytest.raises(SupervisorError, match="cannot be started"):
        rig.supervisor.start("s")
    status = rig.supervisor.status("s")
    assert (status.pid, status.wanted) == (None, Wanted.RUNNING)
    assert status.state is not ServiceState.RUNNING


# ---- cycle


def test_a_cycle_gives_a_new_process(rig: Rig) -> None:
    before = running(rig)
    rig.supervisor.cycle("s", before)
    assert not rig.processes.alive(before)
    assert process(rig) != before


def test_a_cycle_for_another_process_does_nothing(rig: Rig) -> None:
    first = running(rig)
    rig.supervisor.cycle("s", first)
    second = process(rig)
    rig.supervisor.cycle("s", first)
    rig.supervisor.cycle("s", None)
    assert process(rig) == second


def test_a_cycle_starts_a_service_that_has_no_process(rig: Rig) -> None:
    before = running(rig)
    rig.supervisor.stop("s")
    rig.supervisor.cycle("s", before)
    assert rig.supervisor.status("s").pid is None, "it is not the process that was meant"
    rig.supervisor.cycle("s", None)
    assert rig.supervisor.status("s").wanted is Wanted.RUNNING
    assert process(rig) != before


# ---- logs


def test_the_last_lines_of_both_streams(rig: Rig) -> None:
    running(rig, "talker")
    until(lambda: rig.supervisor.logs("s", 10).splitlines() == ["one", "two", "three"])
    assert rig.supervisor.logs("s", 2) == "two\nthree\n"
    assert rig.supervisor.logs("s", 0) == ""


def test_a_machine_that_was_moved_runs_its_programs_where_they_are_now(rig: Rig) -> None:
    here = rig.directory
    there = f"{here}/elsewhere"
    before = running(rig)
    rig.supervisor.define(service(rig, env=(("AT", f"{here}/x"), ("NEAR", f"{here}x"))))
    rig.supervisor.set_aside("s")
    rig.supervisor.start("s")
    Path(there).mkdir()
    for name in ("steady", "inner"):
        if Path(here, name).exists():
            shutil.copy2(Path(here, name), there)
    rig.supervisor.moved(here, there)
    assert not rig.processes.alive(before) and rig.supervisor.status("s").pid is None
    rig.supervisor.ensure_running()
    until(lambda: rig.supervisor.status("s").pid)
    now = rig.supervisor.definition("s")
    assert now and now.command == (f"{there}/steady",) and now.directory == there
    assert now.env == (("AT", f"{there}/x"), ("NEAR", f"{here}x"))
    assert rig.supervisor.aside("s") == now
    rig.supervisor.drop_aside("s")


def test_two_supervisors_do_not_see_each_other(rig: Rig, root: Path) -> None:
    before = running(rig)
    other_root = root / "o"
    other_root.mkdir()
    other = type(rig)(other_root)
    try:
        theirs = running(other)
        rig.supervisor.stop("s")
        assert other.processes.alive(theirs) and not rig.processes.alive(before)
        rig.supervisor.start("s")
        ours = process(rig)
        other.supervisor.forget("s")
        assert rig.processes.alive(ours)
    finally:
        other.close()
        shutil.rmtree(other_root)
    assert rig.processes.alive(ours)
