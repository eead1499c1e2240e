"""A simulated machine whose forge is the real adapter, in front of a server that misbehaves: one upgrade per fault."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue

from cockpitpm.errors import ExitCode
from cockpitpm.forges.forgejo import ForgejoForge
from cockpitpm.forges.patience import Patience
from cockpitpm.model.receipt import Verb
from cockpitpm.model.settings import ForgeSettings
from cockpitpm.sandbox.forge import ForgeState, Publisher
from tests.faults.bodies import DONE, Mode
from tests.faults.roads import WAYS, Road
from tests.sim.machine import MachineSim
from tests.sim.world import program

SHORT = Patience(
    connect=0.8, silence=0.8, answer_within=1.5, fetch_within=2.5, floor=4096, window=0.5, pause=0.01, down_for=0.5
)
LIMIT = 2 * SHORT.answer_within + SHORT.fetch_within + 3
"""Seconds for an upgrade: it asks twice and fetches once; the rest is for a machine that is busy."""
LANES = 10
CANARY = "canary-4b1d"
PADDING = b" " * 60_000


class Lane:
    """A machine, its forge, and one fault after the other."""

    def __init__(self, folder: Path) -> None:
        self.state = ForgeState()
        self.state.token(CANARY)
        self.machine = MachineSim(folder)
        self.version = 0
        self.running = "none"
        self.publish()
        assert self.wrong(Mode(name="install", told=DONE), Verb.INSTALL) == []

    def publish(self) -> None:
        """The next version. Its files are long enough to be cut."""
        self.version += 1
        names = ("duo_server", "duo_admin")
        files = {f"{n}-linux-musl-x86_64": program(f"{self.version}-{n}") + PADDING for n in names}
        Publisher(self.state).publish("owner/duo", "latest", files)

    def wrong(self, mode: Mode, verb: Verb = Verb.UPGRADE) -> list[str]:
        """What is wrong with the machine, and with what was told, after an upgrade under the fault."""
        way, _told = WAYS[mode.road]
        with way.road(self.state, mode.fault) as road:
            self.machine.forge = self._forge(road)
            began = time.monotonic()
            (told,) = self.machine.run(verb, "duo").outcomes
            seconds = time.monotonic() - began
            found = [f"took {seconds:.1f} s"] if seconds > LIMIT else []
            found += _leaks(road)
        done = told.exit_code is ExitCode.DONE
        if done:
            self.running = str(self.version)
            self.publish()
        if done != (mode.told == DONE):
            found.append(f"ended {told.exit_code.name}: {told.detail}")
        elif not done:
            found += _line(mode, told.exit_code, told.detail)
        return [*found, *self._machine()]

    def _forge(self, road: Road) -> ForgejoForge:
        settings = ForgeSettings(kind="forgejo", url=road.url, owner="owner", storage=road.storage)
        return ForgejoForge("default", settings, CANARY, warn=lambda _: None, patience=SHORT, resolve=road.resolve)

    def _machine(self) -> Iterator[str]:
        layout = self.machine.host().layout
        for folder in (layout.incoming, layout.journal):
            if left := [p.name for p in folder.glob("*")]:
                yield f"left in {folder.name}: {left}"
        versions = self.machine.versions()
        if versions["duo_server"] != f"{self.running}-duo_server":
            yield f"{versions['duo_server']!r} runs instead of {self.running}"
        for name, binary in {"duo_second_server": "duo_server", "duo_admin": "duo_admin"}.items():
            if versions[name] != f"{self.running}-{binary}":
                yield f"{name} runs {versions[name]!r}"


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
    if CANARY in detail:
        yield "the token was told"


def swept(folder: Path, modes: Sequence[Mode]) -> list[str]:
    """Every violation of the modes. Most of the time is waiting, so several machines wait at once."""
    lanes: SimpleQueue[Lane] = SimpleQueue()
    for number in range(min(LANES, len(modes))):
        place = folder / str(number)
        place.mkdir()
        lanes.put(Lane(place))

    def point(mode: Mode) -> list[str]:
        lane = lanes.get()
        try:
            return [f"{mode.name}: {wrong}" for wrong in lane.wrong(mode)]
        except Exception as error:  # noqa: BLE001 - whatever comes out of an upgrade is a violation
            return [f"{mode.name}: {type(error).__name__}: {error}"]
        finally:
            lanes.put(lane)

    with ThreadPoolExecutor(LANES) as pool:
        return [wrong for found in pool.map(point, modes) for wrong in found]
