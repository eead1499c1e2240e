"""F6: the checker is checked. Each promise is broken by hand, and it must name it; a whole machine it lets pass."""

from __future__ import annotations

import fcntl
import os
import shutil
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from attrs import evolve

from cockpitpm.app.recover import recover
from cockpitpm.errors import SupervisorError
from cockpitpm.model.receipt import Verb
from cockpitpm.model.service import Wanted
from cockpitpm.model.state import BlockedBuild
from cockpitpm.record import journal, layout, state
from tests.faults import oracle
from tests.faults.lines import Tracer
from tests.faults.look import PLACES, picture
from tests.faults.oracle import Told, held, promise
from tests.faults.scenes import SCENES, SECRET, Scene
from tests.faults.score import Score
from tests.faults.sweep import Copies, Sweep
from tests.sim.machine import MachineSim
from tests.sim.ports import SupervisorSim
from tests.sim.world import begin

VAR = "root/var/cockpitpm"
Damage = Callable[[MachineSim], object]


def written(name: str, text: str = "") -> Damage:
    """A file somewhere in the machine's folder."""

    def damage(machine: MachineSim) -> None:
        path = machine.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    return damage


def without_its_last_line(machine: MachineSim) -> None:
    path = machine.host().layout.history
    path.write_bytes(path.read_bytes().splitlines(keepends=True)[0])


def with_another_line(machine: MachineSim) -> None:
    """Somebody restarted the app meanwhile, which restores as many processes as it starts."""
    machine.run(Verb.RESTART, "duo")


def rotten(machine: MachineSim) -> None:
    path = next(iter(machine.host().layout.store.iterdir()))
    path.chmod(0o644)
    path.write_bytes(path.read_bytes() + b"?")


def double(machine: MachineSim) -> None:
    with machine.world.changing() as world:
        begin(world, world["services"]["duo_admin"])


def of_nobody(machine: MachineSim) -> None:
    with machine.world.changing() as world:
        world["services"].pop("duo_admin")


def meant_to_stop(machine: MachineSim) -> None:
    known = state.read(machine.host().layout, "duo")
    state.write(machine.host().layout, evolve(known, wanted={**known.wanted, "duo_admin": Wanted.STOPPED}))


def blamed(machine: MachineSim) -> None:
    known = state.read(machine.host().layout, "duo")
    build = BlockedBuild(build="0" * 64, uuids=(), tag="latest", commit="", reason="none", at="")
    state.write(machine.host().layout, evolve(known, blocked=(build,)))


DAMAGES: dict[str, tuple[str, Damage]] = {
    "the history is gone": ("I4", lambda m: m.host().layout.history.unlink()),
    "the history has lost a line": ("I4", without_its_last_line),
    "the history has a line more": ("I4", with_another_line),
    "bytes of the store are others": ("I3", rotten),
    "a service runs twice": ("I6", double),
    "a process is nobody's": ("I6", of_nobody),
    "a service was restarted once more": ("I6", lambda m: m.world.crash("duo_admin")),
    "a service is meant to stop": ("I4", meant_to_stop),
    "a build is blocked": ("I4", blamed),
    "bytes lie aside": ("I4", written(f"{VAR}/aside/20260612T080000-abcdef-duo_server")),
    "an unknown file of a job": ("I7", written(f"{VAR}/jobs/1/other")),
    "an unknown plan": ("I7", written(f"{VAR}/plans/other.json")),
    "an unknown file of the clock": ("I7", written(f"{VAR}/schedule/other")),
    "an unknown file of the supervisor": ("I7", written(f"{VAR}/supervisord/other")),
    "an unknown socket": ("I7", written("root/var/sockets/other")),
    "a folder beside the root": ("I9", lambda m: (m.folder / "other").mkdir()),
    "a link beside the root": ("I9", lambda m: (m.folder / "other").symlink_to("nowhere")),
    "another mode beside the root": ("I9", lambda m: (m.folder / "bundles").chmod(0o700)),
    "a file in the home": ("I9", lambda m: Path("~/.other").expanduser().touch()),
    "a folder in the temporary folder": ("I9", lambda m: Path(os.environ["TMPDIR"], "other").mkdir()),
    "a secret on the disk": ("I10", written(f"{VAR}/plans/{'0' * 64}.json", SECRET)),
    "a secret that recovery tells": ("I10", lambda m: m.heard.append(SECRET)),
}


@pytest.fixture(scope="module")
def once(shared: Path) -> Sweep:
    return Sweep(shared)


@pytest.fixture
def sweep(once: Sweep) -> Iterator[Sweep]:
    yield once
    once.forge.broken.clear()
    for name in PLACES:
        shutil.rmtree(once.place.parent / name)
        (once.place.parent / name).mkdir()


def upgraded(sweep: Sweep) -> MachineSim:
    machine = sweep.machine()
    sweep.scene.work(machine)
    return machine


def test_a_whole_machine_passes(sweep: Sweep) -> None:
    assert held(upgraded(sweep), sweep.promise, Told(code=0)) == []
    assert held(sweep.machine(), sweep.promise, Told(code=9)) == []


@pytest.mark.parametrize("name", DAMAGES)
def test_what_is_broken_is_named(sweep: Sweep, name: str) -> None:
    number, damage = DAMAGES[name]
    machine = upgraded(sweep)
    damage(machine)
    wrong = [one.removeprefix("before recovery, ") for one in held(machine, sweep.promise, Told(code=0))]
    assert [one for one in wrong if one.startswith(f"{number}: ")], wrong


@pytest.mark.parametrize("name", ["lock", "jobs/.lock", "schedule/.lock"])
def test_a_lock_that_is_held(sweep: Sweep, name: str) -> None:
    machine = upgraded(sweep)
    path = machine.folder / VAR / name
    path.parent.mkdir(exist_ok=True)
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert f"I8: var/cockpitpm/{name} is locked" in "".join(oracle.broken(machine, sweep.promise))


@pytest.mark.parametrize(("code", "number"), [(1, "I5"), (9, "I5"), (10, "I5")])
def test_words_that_are_not_true(sweep: Sweep, code: int, number: str) -> None:
    assert any(number in one for one in held(upgraded(sweep), sweep.promise, Told(code=code)))
    assert any("I4" in one for one in held(sweep.machine(), sweep.promise, Told(code=0)))
    assert any("I10" in one for one in held(sweep.machine(), sweep.promise, Told(text=SECRET)))


def test_success_of_a_build_that_does_not_work_is_no_success(folder: Path) -> None:
    sweep = Sweep(folder, SCENES["taken back"])
    assert held(upgraded(sweep), sweep.promise, Told(code=20)) == []
    assert any("I4" in one for one in held(upgraded(sweep), sweep.promise, Told(code=0)))


@pytest.mark.parametrize(
    "deed",
    [
        lambda m: m.world.crash("duo_admin"),
        lambda m: (m.root / "bin/duo_admin").touch(),
        lambda m: m.world.die("duo_admin"),
    ],
    ids=["restarts", "writes", "stops"],
)
def test_a_second_recovery_that_does_something(sweep: Sweep, monkeypatch: pytest.MonkeyPatch, deed: Damage) -> None:
    machine, times = upgraded(sweep), []

    def restless(host: object) -> object:
        times.append(host)
        if len(times) == 2:
            deed(machine)
        return recover(machine.host())

    monkeypatch.setattr(oracle, "recover", restless)
    assert any("I11" in one for one in held(machine, sweep.promise, Told(code=0)))


def test_a_command_that_does_not_work_again(sweep: Sweep) -> None:
    machine = sweep.machine()
    sweep.forge.broken.add("duo_server-linux-musl-x86_64")
    assert "I5: done again, it ended with 6" in "".join(sweep.wrong(machine, again=True))


@pytest.mark.parametrize(
    ("work", "why"), [(lambda m: m.status(), "changes nothing"), (lambda m: 1 / 0, "ended with 1")]
)
def test_a_scene_that_proves_nothing_is_none(folder: Path, work: Damage, why: str) -> None:
    copies = Copies(folder, Scene(name="none", ready=SCENES["upgrade"].ready, work=work))
    with pytest.raises(AssertionError, match=why):
        promise(copies.machine(), work)


def test_a_promise_leaves_the_machine_alone_that_it_judges(sweep: Sweep) -> None:
    """The very first point of a sweep too."""
    last = [p for p in sweep.points() if p[0].endswith("transaction.py")][-20]
    machine = sweep.kill(last)
    before = picture(machine.root)
    assert journal.unfinished(machine.host().layout.journal) and sweep.promise.starts is not None
    assert picture(machine.root) == before


def test_a_fault_that_does_not_come_is_no_point(sweep: Sweep) -> None:
    file, line, _ = sweep.points()[0]
    with Score("F6", "a fault that never comes") as score:
        assert not list(sweep.killed([(file, line, 10_000)], score))
    assert (score.points, score.missed) == (0, 1)
    with Score("F6", "many faults that never come") as score:
        for number in range(20):
            score.point(number, [], struck=number > 2)
    with pytest.raises(AssertionError, match="too few came"):
        score.hold()


def test_lines_of_several_threads_are_all_counted() -> None:
    tracer = Tracer()

    def work() -> None:
        for _ in range(2000):
            layout.plain("name")

    def together() -> None:
        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    old = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        tracer.run(together)
    finally:
        sys.setswitchinterval(old)
    assert set(tracer.counts.values()) == {8000}


def test_a_world_that_refused_something_can_be_changed(folder: Path) -> None:
    machine = MachineSim(folder)
    with pytest.raises(SupervisorError) as refused:
        SupervisorSim(machine.world).stop("nobody")
    with machine.world.file.with_suffix(".lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # though somebody still holds the error
    assert "nobody" in str(refused.value)
