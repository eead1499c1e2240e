"""Cockpit upgrades itself through its own socket: packed builds, real processes, nothing of this checkout's Python.

SELF_UPGRADES in the environment says how many times; `make selfupgrade` takes 20.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

from cockpitpm.sandbox.daemons import Behaviour
from cockpitpm.sandbox.packed import APP
from cockpitpm.sandbox.world import World
from tests.acceptance.cockpit import ENDS, SILENCE, Cockpit, exchange, left_behind
from tests.waiting import until

pytestmark = [pytest.mark.real, pytest.mark.slow]
TIMES = int(os.environ.get("SELF_UPGRADES", "2"))
BACK_WITHIN = 20.0 if "PYTEST_XDIST_WORKER" in os.environ else 10.0
"""Seconds. The promise is 10, held alone on the machine (`make selfupgrade`); beside other tests it takes its turn."""
BROKEN = (Behaviour.NEVER_ANSWERS, Behaviour.FAILS_PROBE, Behaviour.NEVER_STARTS, Behaviour.CRASHES)


class Watch:
    """Asks for the health all the time; remembers for how long nobody gave the answer."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stop = Event()
        self._thread = Thread(target=self._look, daemon=True)
        self.longest = 0.0

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _look(self) -> None:
        last = time.monotonic()
        while not self._stop.is_set():
            if self._well():
                last = time.monotonic()
            self.longest = max(self.longest, time.monotonic() - last)
            time.sleep(0.02)

    def _well(self) -> bool:
        try:
            return bool(exchange(self._path, "GET", "/health")["status"] == "ok")
        except (*SILENCE, KeyError):
            return False


@pytest.fixture(scope="module")
def cockpit(place: Path) -> Iterator[Cockpit]:
    with World() as world:
        made = Cockpit(place, world)
        with made.machine:
            made.install()
            yield made


def upgraded(cockpit: Cockpit) -> tuple[Any, float]:
    """Order the upgrade over its own socket; the job as it ended, and for how long the server was away."""
    with Watch(cockpit.socket) as watch:
        number = cockpit.call("cockpit.upgrade_service", service=APP)["job"]["id"]
        until(lambda: (cockpit.job(number) or {}).get("state") in ENDS, within=90)
    return cockpit.job(number), watch.longest


def test_it_comes_back_every_time(cockpit: Cockpit) -> None:
    broken, away = iter(BROKEN * TIMES), []
    for turn in range(TIMES):
        bad = next(broken) if turn % 2 else None
        version = cockpit.publish(bad)
        job, longest = upgraded(cockpit)
        away.append(longest)
        assert job["state"] == ("rolled_back" if bad else "done"), (turn, bad, job["said"])
        assert longest < BACK_WITHIN, (turn, bad, longest)
        cockpit.version = cockpit.version if bad else version
        assert cockpit.serves() == cockpit.version
        assert left_behind(cockpit) == []
    print(f"\n{TIMES} self-upgrades, away for {', '.join(f'{seconds:.1f}' for seconds in away)} s")
