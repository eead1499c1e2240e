"""Cockpit upgrades itself again and again; every fifth build is broken, and every fifth job killed where it stands.

Whatever happens it is back soon: after the job has ended, or after the first command that somebody gives. SELF_KILLS in
the environment says how many times (one takes 15 to 30 s), SEED how the dice fall.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from cockpitpm.errors import CockpitPmError, ExitCode
from cockpitpm.record import generations, history, jobs
from cockpitpm.sandbox.daemons import Behaviour
from cockpitpm.sandbox.packed import APP
from cockpitpm.sandbox.world import World
from tests.acceptance.cockpit import ENDS, SILENCE, Cockpit, exchange, left_behind
from tests.acceptance.serving import kill
from tests.faults.score import Score
from tests.waiting import until

pytestmark = [pytest.mark.real, pytest.mark.slow]
TIMES = int(os.environ.get("SELF_KILLS", "8"))
SEED = int(os.environ.get("SEED", "4711"))
BACK_WITHIN = 20.0 if "PYTEST_XDIST_WORKER" in os.environ else 10.0
"""Seconds. The promise is 10, held alone on the machine; beside other tests it takes its turn."""
BROKEN = (Behaviour.NEVER_ANSWERS, Behaviour.FAILS_PROBE, Behaviour.NEVER_STARTS, Behaviour.CRASHES)
TRIES = 5
LASTS = 90.0
"""Seconds that one upgrade may take on a busy machine."""


@pytest.fixture(scope="module")
def cockpit(place: Path) -> Iterator[Cockpit]:
    with World() as world:
        made = Cockpit(place, world)
        with made.machine:
            made.install()
            yield made


def health(cockpit: Cockpit) -> str:
    """The version that answers; empty while nobody does, or nobody well."""
    try:
        found = exchange(cockpit.socket, "GET", "/health")
        return str(found["version"]) if found["status"] == "ok" else ""
    except (*SILENCE, KeyError):
        return ""


def ordered(cockpit: Cockpit) -> int:
    number = cockpit.call("cockpit.upgrade_service", service=APP)["job"]["id"]
    assert isinstance(number, int)
    return number


def process_of(cockpit: Cockpit, number: int) -> int:
    def found() -> int:
        process = jobs.read(cockpit.layout, number).process
        return process.pid if process else 0

    until(found, LASTS)
    return found()


def state(cockpit: Cockpit, number: int) -> str:
    """How the job stands, by what is on disk: nobody may serve just now."""
    try:
        return jobs.read(cockpit.layout, number).state.value
    except CockpitPmError:
        return ""


def killed(cockpit: Cockpit, number: int, moment: float) -> bool:
    """Kill the process of the job, then do what a person would: give the next command. Whether it was in the middle."""
    pid = process_of(cockpit, number)
    time.sleep(moment)
    if state(cockpit, number) not in ENDS:  # else its number may be another's already
        with suppress(ProcessLookupError):
            kill(pid)
    in_the_middle = state(cockpit, number) not in ENDS

    def recovered() -> bool:
        done = cockpit.command(str(cockpit.root / "bin/hero_cockpit"), "recover")
        assert done.returncode in (ExitCode.DONE, ExitCode.LOCKED), done.stdout + done.stderr
        return done.returncode == ExitCode.DONE

    until(recovered, LASTS)
    return in_the_middle


def back(cockpit: Cockpit) -> float:
    """Seconds until Cockpit answers well, the build that is in place; at most what is allowed."""
    begun = time.monotonic()
    while time.monotonic() - begun < BACK_WITHIN:
        if health(cockpit):
            break
        time.sleep(0.02)
    return time.monotonic() - begun


def wrong(cockpit: Cockpit, number: int, versions: dict[str, str], away: float) -> Iterator[str]:
    """`versions` are the old and the new one, and which the job has to have brought where it was left alone."""
    if away >= BACK_WITHIN:
        yield f"Cockpit was not back within {BACK_WITHIN:g} s"
        return
    with suppress(AssertionError):
        until(lambda: state(cockpit, number) in ENDS, LASTS)
    serves, in_place, ends = health(cockpit), cockpit.serves(), state(cockpit, number)
    if serves != in_place or serves not in (versions["old"], versions["new"]):
        yield f"{serves or 'nobody'} serves, {in_place} is in place, it was an upgrade of {versions}"
    if (versions["due"] or serves) != serves:
        yield f"{serves} serves instead of {versions['due']}"
    if ends not in ENDS or (ends == "done") != (serves == versions["new"]):
        yield f"the job ended as {ends or 'nothing'}, and {serves} serves"
    yield from (f"left behind: {what}" for what in left_behind(cockpit))
    yield from told(cockpit)


def told(cockpit: Cockpit) -> Iterator[str]:
    """The history, against what is in place."""
    entries: list[Any] = [line.entry for line in history.read(cockpit.layout.history)]
    current = generations.number_of(generations.current_live(cockpit.layout, APP))
    done = [e.to_generation for e in entries if e.outcome.value == "committed"]
    if done[-1] != current or len({e.transaction for e in entries}) != len(entries):
        yield f"the history says generation {done[-1]}, current is {current}"


def test_it_comes_back_whatever_happens(cockpit: Cockpit) -> None:
    with Score("F16", f"self-upgrades, {SEED=}") as score:
        play(cockpit, score)
    score.hold(at_least=TIMES, most_missed=0.5)


def play(cockpit: Cockpit, score: Score) -> None:
    """One self-upgrade after the other. A kill that came when the job was over is tried again, sooner."""
    dice, aways, hits = random.Random(SEED), [], 0
    ordinary = 3.0
    for turn in range(TIMES):
        bad = BROKEN[turn // 5 % len(BROKEN)] if turn % 5 == 3 else None
        moment = dice.random() * ordinary
        for kills in [moment / 2**n for n in range(TRIES)] if turn % 5 == 1 else [None]:
            versions = {"old": cockpit.version, "new": cockpit.publish(bad), "due": ""}
            started, number = time.monotonic(), ordered(cockpit)
            hit = killed(cockpit, number, kills) if kills else ended(cockpit, number)
            ordinary = ordinary if bad or kills else time.monotonic() - started
            if not (kills and hit):
                versions["due"] = versions["old"] if bad else versions["new"]
            aways.append(back(cockpit))
            what = f"turn {turn}" + (f", killed after {kills:.3f} s" if kills else f", {bad}" if bad else "")
            score.point(what, list(wrong(cockpit, number, versions, aways[-1])), struck=hit)
            cockpit.version = health(cockpit) or cockpit.version
            hits += bool(kills and hit)
            if hit:
                break
    print(f"\n{hits} jobs killed in the middle; back at most {max(aways):.1f} s after the end or the recovery")
    assert hits == sum(turn % 5 == 1 for turn in range(TIMES)), "a kill never came while its job was at work"


def ended(cockpit: Cockpit, number: int) -> bool:
    """Wait for the end of a job that is left alone."""
    until(lambda: state(cockpit, number) in ENDS, LASTS)
    return True
