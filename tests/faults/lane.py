"""A simulated machine whose forge is the real adapter, in front of a server that misbehaves: one upgrade per fault."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import cast

from attrs import evolve, frozen

from cockpitpm.app.change import Report
from cockpitpm.errors import ExitCode
from cockpitpm.forges.forgejo import ForgejoForge
from cockpitpm.forges.patience import Patience
from cockpitpm.model.receipt import Verb
from cockpitpm.model.settings import ForgeSettings
from cockpitpm.sandbox.forge import ForgeState, Publisher
from tests.faults.bodies import DONE, Mode
from tests.faults.oracle import Told
from tests.faults.roads import PLAIN, Road, way
from tests.faults.scenes import Scene
from tests.faults.sweep import Sweep
from tests.sim.forge import ForgeSim
from tests.sim.machine import DUO, MachineSim, builds

SHORT = Patience(
    connect=0.8, silence=0.8, answer_within=1.5, fetch_within=2.5, floor=4096, window=0.5, pause=0.01, down_for=0.5
)
SECONDS = ("connect", "silence", "answer_within", "fetch_within", "window", "down_for")
ORDINARY, MOST = 0.4, 3.0
"""Seconds that a good upgrade may take while the lanes work side by side, before all limits grow with it; and the most
that they grow by: some faults do not last for longer."""
LANES = 6
CANARY = "canary-4b1d"
PADDING = b" " * 60_000


@frozen
class Pace:
    """How much slower this machine is than one on which the limits of SHORT hold."""

    factor: float = 1.0

    @property
    def patience(self) -> Patience:
        """SHORT, that much longer."""
        return evolve(SHORT, **{name: getattr(SHORT, name) * self.factor for name in SECONDS})

    @property
    def limit(self) -> float:
        """Seconds for an upgrade: it asks twice and fetches once; the rest is for a machine that is busy."""
        return (2 * SHORT.answer_within + SHORT.fetch_within + 3) * self.factor


class Lane:
    """A machine on which version 1 runs, a forge that has version 2, and one fault after the other."""

    def __init__(self, folder: Path) -> None:
        self.state = ForgeState()
        self.state.token(CANARY)
        self.pace = Pace(MOST)
        scene = Scene(name="network", ready=self._ready, work=self._work, bundle=DUO, secrets=(CANARY,))
        with PLAIN.road(self.state, None) as self._road:
            self._sweep = Sweep(folder, scene)
        # What a look at the machine asks a forge is of no interest.
        self._sweep.forge = ForgeSim()

    def _ready(self, machine: MachineSim) -> None:
        """The files are long enough to be cut."""
        self._publish("1")
        machine.forge = self._forge()
        machine.run(Verb.INSTALL, "duo")
        self._publish("2")

    def _publish(self, version: str) -> None:
        files = {f"{name}-linux-musl-x86_64": data + PADDING for name, data in builds(version).items()}
        Publisher(self.state).publish("owner/duo", "latest", files)

    def _work(self, machine: MachineSim) -> Report:
        machine.forge = self._forge()
        return machine.run(Verb.UPGRADE, "duo")

    def _forge(self) -> ForgeSim:
        road = self._road
        settings = ForgeSettings(kind="forgejo", url=road.url, owner="owner", storage=road.storage)
        made = ForgejoForge(
            "default", settings, CANARY, warn=lambda _: None, patience=self.pace.patience, resolve=road.resolve
        )
        return cast("ForgeSim", made)

    def good(self) -> float:
        """Seconds of an upgrade by which nothing is bad."""
        machine = self._sweep.machine()
        with PLAIN.road(self.state, None) as self._road:
            began = time.monotonic()
            (told,) = self._work(machine).outcomes
        assert told.exit_code is ExitCode.DONE, told.detail
        return time.monotonic() - began

    def wrong(self, mode: Mode) -> list[str]:
        """What is wrong with the machine, and with what was told, after an upgrade under the fault."""
        machine = self._sweep.machine()
        with way(mode.road).road(self.state, mode.fault) as self._road:
            began = time.monotonic()
            (told,) = self._work(machine).outcomes
            seconds = time.monotonic() - began
            found = [f"took {seconds:.1f} s"] if seconds > self.pace.limit else []
            found += [*_leaks(self._road), *self._road.met()]
        if (told.exit_code is ExitCode.DONE) != (mode.told == DONE):
            found.append(f"ended {told.exit_code.name}: {told.detail}")
        elif mode.told != DONE:
            found += _line(mode, told.exit_code, told.detail)
        machine.forge = self._sweep.forge
        text = "\n".join((*machine.heard, told.detail, told.hint))
        return found + self._sweep.wrong(machine, Told(code=int(told.exit_code), text=text))


def _leaks(road: Road) -> Iterator[str]:
    for other in road.others:
        if any(CANARY.encode() in head or b"authorization" in head.lower() for head in other.heads):
            yield "another host saw the token"
    for head in road.home.heads:
        if b"back=1" in head and CANARY.encode() in head:
            yield "the token came back by a detour"
        if b"accept-encoding: identity\r\n" not in head.lower():
            yield "it did not ask for plain bytes"
    if len(road.home.heads) > 40:
        yield f"asked {len(road.home.heads)} times"


def _line(mode: Mode, code: ExitCode, detail: str) -> Iterator[str]:
    """What is wrong with what an operator is told."""
    if code is not mode.code:
        yield f"ended {code.name}"
    if not re.search(mode.told, detail):
        yield f"told {detail!r}"
    if (
        not detail.isprintable()
        or len(detail) > 400
        or re.search(r"Traceback|urllib3|_ssl|0x[0-9a-f]{6}|\w+Error", detail)
    ):
        yield f"no line for people: {detail!r}"


def swept(folder: Path, modes: Sequence[Mode]) -> list[str]:
    """Every violation of the modes. Most of the time is waiting, so several machines wait at once."""
    lanes: SimpleQueue[Lane] = SimpleQueue()
    places = [folder / str(number) for number in range(min(LANES, len(modes)))]
    for place in places:
        place.mkdir()

    def point(mode: Mode) -> list[str]:
        lane = lanes.get()
        try:
            return [f"{mode.name}: {wrong}" for wrong in lane.wrong(mode)]
        except Exception as error:  # noqa: BLE001 - whatever comes out of an upgrade is a violation
            return [f"{mode.name}: {type(error).__name__}: {error}"]
        finally:
            lanes.put(lane)

    with ThreadPoolExecutor(LANES) as pool:
        made = list(pool.map(Lane, places))
        pace = Pace(min(MOST, max(1.0, max(pool.map(Lane.good, made)) / ORDINARY)))
        for lane in made:
            lane.pace = pace
            lanes.put(lane)
        return [wrong for found in pool.map(point, modes) for wrong in found]
