"""A machine that is stopped in the middle of an upgrade and copied: both end whole, and neither runs the other's files.

Every process stands still at a record of the journal while the root is copied, as a snapshot of a file system or a
paused virtual machine would. Then the original goes on, and the copy is recovered at its new path.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from cockpitpm.errors import ExitCode
from cockpitpm.processes import LinuxProcesses
from cockpitpm.sandbox.daemons import Behaviour
from cockpitpm.sandbox.machine import SandboxMachine
from tests.acceptance.kernel import inode, programs
from tests.acceptance.scene import CHAIN, COMPUTE, ROWS, Scene
from tests.acceptance.stopping import stops
from tests.acceptance.test_kill import violations
from tests.conftest import members
from tests.waiting import until

pytestmark = pytest.mark.real
CYCLES = tuple(f"cycling {name}" for name in ROWS)
FORWARD = ("intent", "staged", "flipped", *CYCLES, "converged", "verdict", "record", "done")
BACK = ("intent", "staged", "flipped", CYCLES[0], "verdict", "flipped_back", CYCLES[0], "record", "done")
SHORT = ("intent", CYCLES[1], "verdict")
DECIDED = ("verdict", "record", "done")
"""From the verdict on, that the build is good, nothing leads back."""


class Copy(Scene):
    """Another machine in the same world, whose root is there already."""

    def __init__(self, of: Scene, root: Path) -> None:
        self.bundles, self.home, self.world, self.role = of.bundles, of.home, of.world, of.role
        self.root = root

    def __enter__(self) -> Copy:
        self.machine = SandboxMachine(self.world.url, self.role, root=self.root)
        return self

    def __exit__(self, *_: object) -> None:
        self.machine.__exit__(None, None, None)


@pytest.fixture(scope="module")
def scene(place: Path) -> Iterator[Scene]:
    with Scene(place) as made:
        made.install(COMPUTE)
        yield made


def copied(scene: Scene, at: tuple[str, ...], ends: ExitCode) -> dict[str, Path]:
    """Upgrade the machine, which must end so; its copies from these moments, each taken while nothing of it moved."""
    found: dict[str, Path] = {}
    words = scene.command("upgrade", COMPUTE, "--yes")[3:]
    for number, record in enumerate(stops(scene.root, scene.environment(), *words, ends=ends), 1):
        if record in at:
            root = scene.root.with_name(f"c{number}")
            still = members(scene.root)
            signals(still, signal.SIGSTOP)
            subprocess.run(("cp", "-a", str(scene.root), str(root)), check=True, timeout=60)
            signals(still, signal.SIGCONT)
            found[f"{number} {record}"] = root
    return found


def signals(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        os.kill(pid, number)


def wrong(scene: Scene, strange: Path | None, commits: list[str]) -> Iterator[str]:
    """What is wrong with a machine, whose files and processes are its own and nothing of the `strange` root."""
    until(lambda: answering(scene))
    yield from violations(scene, commits)
    for words in (("doctor", "--offline"), ("verify",)):
        done = scene.cli(*words)
        if done.returncode != ExitCode.DONE:
            yield f"{words[0]} ends with {done.returncode}: {done.stdout}{done.stderr}"
    for pid in (pid for app in (COMPUTE, "hero_db") for pid in scene.pids(app).values()):
        yield from foreign(pid, strange) if strange else ()
    daemons = [p for p in programs(scene.root, CHAIN).values() if len(p.words) == 1]
    if any(p.inode != inode(scene.machine.layout.bin / CHAIN) for p in daemons) or len(daemons) != len(ROWS):
        yield f"not the machine's own file is executed: {daemons}"


def foreign(pid: int | None, root: Path) -> Iterator[str]:
    """What a process has of another machine: its words, its variables, its folder, its files."""
    here = Path(f"/proc/{pid}")
    strange = f"{root}/".encode()
    texts = {name: here.joinpath(name).read_bytes() + b"/" for name in ("cmdline", "environ", "maps")}
    yield from (f"{pid} has {root} in its {name}" for name, text in texts.items() if strange in text)
    links = [here / "cwd", here / "exe", *here.joinpath("fd").iterdir()]
    yield from (f"{pid} has {link.readlink()}" for link in links if f"{link.readlink()}/".startswith(f"{root}/"))


def answering(scene: Scene) -> bool:
    try:
        return bool(scene.commits())
    except OSError:
        return False


def prove(scene: Scene, at: tuple[str, ...], behaviour: Behaviour) -> None:
    old, new = scene.commits()[CHAIN], scene.publish(COMPUTE, behaviour)
    good = [old, new] if behaviour is Behaviour.WORKS else [old]
    taken = copied(scene, at, ExitCode.DONE if behaviour is Behaviour.WORKS else ExitCode.ROLLED_BACK)
    assert [name.partition(" ")[2] for name in taken] == list(at)
    found = [f"the original: {w}" for w in wrong(scene, None, [good[-1]])]
    ends = []
    for name, root in taken.items():
        with Copy(scene, root) as copy:
            done = copy.cli("recover")
            told = f"this machine was at {scene.root}; its services follow it here"
            if done.returncode != ExitCode.DONE or told not in " ".join(done.stdout.split()):
                found.append(f"{name}: recover ends with {done.returncode}: {done.stdout}{done.stderr}")
            possible = good[-1:] if name.partition(" ")[2] in DECIDED else good
            found += [f"{name}: {w}" for w in wrong(copy, scene.root, possible)]
            found += [f"{name}, the original: {w}" for w in wrong(scene, copy.root, [good[-1]])]
            ends.append("new" if copy.commits()[CHAIN] == new else "old")
    print(f"\ncopied at {len(ends)} records: {ends.count('old')} old, {ends.count('new')} new, {len(found)} wrong")
    assert not found, "\n".join(found)


def test_a_copy_from_three_moments(scene: Scene) -> None:
    prove(scene, SHORT, Behaviour.WORKS)


@pytest.mark.slow
def test_a_copy_from_every_moment_of_an_upgrade(scene: Scene) -> None:
    prove(scene, FORWARD, Behaviour.WORKS)


@pytest.mark.slow
def test_a_copy_from_every_moment_of_an_upgrade_that_goes_back(scene: Scene) -> None:
    prove(scene, BACK, Behaviour.FAILS_PROBE)


def test_a_command_that_does_not_end_as_it_must_is_told(scene: Scene) -> None:
    words = scene.command("status")[3:]
    with pytest.raises(AssertionError, match="ended with 0, not 20"):
        list(stops(scene.root, scene.environment(), *words, ends=ExitCode.ROLLED_BACK))


def test_a_machine_that_is_moved_while_it_runs(scene: Scene) -> None:
    """Its old supervisor is ended with all that it started, though that has the old place in its environment."""
    commit, there = scene.commits()[CHAIN], scene.root.with_name("n")
    before = members(scene.root)
    scene.root.rename(there)
    try:
        moved = Copy(scene, there)
        moved.machine = SandboxMachine(scene.world.url, scene.role, root=there)
        assert moved.cli("recover").returncode == ExitCode.DONE
        left = [pid for pid in before if LinuxProcesses().identify(pid)]
        assert not left, [Path(f"/proc/{pid}/cmdline").read_bytes() for pid in left]
        assert not list(wrong(moved, scene.root, [commit]))
        moved.machine.stop()
    finally:
        there.rename(scene.root)
    assert scene.cli("recover").returncode == ExitCode.DONE
    assert not list(wrong(scene, there, [commit]))
