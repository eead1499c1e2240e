"""SIGKILL at random moments of a real upgrade: recovery ends old or new, whole, and leaves nothing behind."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cockpitpm.app.recover import recover
from cockpitpm.errors import ExitCode
from cockpitpm.model.receipt import Outcome
from cockpitpm.record import generations, history
from cockpitpm.sandbox.daemons import Behaviour
from tests.acceptance.kernel import inode, programs
from tests.acceptance.scene import CHAIN, COMPUTE, ROWS, Scene
from tests.waiting import until

pytestmark = pytest.mark.real
KILLS = 20
SEED = 4711


@pytest.fixture(scope="module")
def scene(place: Path) -> Iterator[Scene]:
    with Scene(place, stays_ready=0.1) as made:
        made.install(COMPUTE)
        yield made


def upgrade(scene: Scene) -> subprocess.Popen[bytes]:
    """An upgrade in a process of its own, at the moment of its first request to the forge."""
    asked = scene.world.state.count()
    begun = subprocess.Popen(
        scene.command("upgrade", COMPUTE, "--yes"),
        env=scene.environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    until(lambda: scene.world.state.count() > asked or begun.poll() is not None)
    return begun


def test_killed_at_random_moments(scene: Scene) -> None:
    commits = [scene.commits()[CHAIN], scene.publish(COMPUTE)]
    begun = time.monotonic()
    assert upgrade(scene).wait(30) == 0
    lasts = time.monotonic() - begun
    dice, found, ends = random.Random(SEED), [], []
    for number in range(KILLS):
        bad = number % 4 == 3
        commits = [scene.commits()[CHAIN], scene.publish(COMPUTE, Behaviour.CRASHES if bad else Behaviour.WORKS)]
        # The square favours the early moments, when little was written yet.
        process, moment = upgrade(scene), lasts * dice.random() ** 2
        time.sleep(moment)
        os.kill(process.pid, signal.SIGKILL)
        status = process.wait(10)
        assert status in (-signal.SIGKILL, ExitCode.DONE, ExitCode.ROLLED_BACK), "it ended by itself, and not well"
        left = [e.error for e in recover(scene.host()) if e.error]
        wrong = [*map(str, left), *violations(scene, commits[:1] if bad else commits)]
        ends.append("new" if commits[1] in scene.commits().values() else "old")
        found += [f"kill {number} after {moment:.3f} s ({status=}): {w}" for w in wrong]
    print(f"\n{KILLS} kills within {lasts:.2f} s: {ends.count('old')} old, {ends.count('new')} new, {len(found)} wrong")
    assert not found, "\n".join(found)


def violations(scene: Scene, commits: list[str]) -> Iterator[str]:
    said = set(scene.commits().values())
    if len(said) != 1 or not said <= set(commits):
        yield f"the three services are builds {said}"
    layout = scene.machine.layout
    live = generations.current_live(layout, COMPUTE)
    receipt = generations.read(layout, COMPUTE, generations.number_of(live)).receipts[0]
    if hashlib.sha256((layout.bin / CHAIN).read_bytes()).hexdigest() != receipt.sha256 or {receipt.commit} != said:
        yield f"bin/{CHAIN}, its receipt and what runs are not one build"
    daemons = [p for p in programs(scene.root, CHAIN).values() if len(p.words) == 1 and p.words[0].endswith(CHAIN)]
    if len(daemons) != len(ROWS):
        yield f"{len(daemons)} daemons run"
    if any(p.inode != inode(layout.bin / CHAIN) and "python" not in os.readlink(f"/proc/{p.pid}/exe") for p in daemons):
        yield "a daemon executes another file"
    if scene.notes():
        yield f"status has notes: {scene.notes()}"
    yield from left_behind(scene, live)
    yield from told(scene, generations.number_of(live))


def left_behind(scene: Scene, live: str) -> Iterator[str]:
    layout = scene.machine.layout
    for folder in (layout.journal, layout.incoming):
        if names := os.listdir(folder):
            yield f"{folder.name} holds {names}"
    if [f.name for f in generations.lives(layout, COMPUTE)] != [live]:
        yield f"live folders: {[f.name for f in generations.lives(layout, COMPUTE)]}"
    apps = generations.apps(layout)
    named = {
        r.sha256 for a in apps for n in generations.numbers(layout, a) for r in generations.read(layout, a, n).receipts
    }
    if {p.name for p in layout.store.iterdir()} != named:
        yield "the store holds other files than the generations name"
    if strange := list(layout.root.rglob(".*.new")):
        yield f"half-written files: {strange}"


def told(scene: Scene, number: int) -> Iterator[str]:
    lines = [line.entry for line in history.read(scene.machine.layout.history)]
    done = [e for e in lines if e.app == COMPUTE and e.outcome is Outcome.COMMITTED]
    if done[-1].to_generation != number:
        yield f"history says generation {done[-1].to_generation}, current is {number}"
    if len({e.transaction for e in lines}) != len(lines):
        yield "history has a transaction twice"
