"""F10: whatever a network does, an upgrade ends in time: with one clear line and the old build running, or done.

Each mode is done to the real adapter, under a whole upgrade of a simulated machine.
"""

from __future__ import annotations

import gc
import os
import re
import threading
import time
from pathlib import Path

import pytest

from cockpitpm.forges import access, download, part, reach, watch, wire
from tests.faults import bodies, roads
from tests.faults.bodies import DONE, FILE, Mode
from tests.faults.hostile import Fault, Line
from tests.faults.lane import swept
from tests.faults.roads import PROXIES, authority, way
from tests.faults.score import tell

MODES: tuple[Mode, ...] = (*bodies.MODES, *roads.modes())


@pytest.fixture(autouse=True)
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine trusts our authority, and has proxies that are all down."""
    authority().cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    for name in PROXIES:
        monkeypatch.setenv(name, "http://127.0.0.1:9")


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


def threads_of_requests() -> list[str]:
    return [t.name for t in threading.enumerate() if t.name in {"watch", "look-up"}]


# Once in a quick run, four times more by `make faults`.
@pytest.mark.parametrize("time_of", [1, *(pytest.param(n, marks=pytest.mark.slow) for n in range(2, 6))])
def test_no_network_breaks_anything(folder: Path, time_of: int) -> None:
    before, began = open_files(), time.monotonic()
    wrong = swept(folder, MODES)
    seconds = time.monotonic() - began
    tell("F10", "network", len(MODES), len(wrong), seconds)
    assert not wrong, "\n".join(wrong[:40])
    assert len({mode.name for mode in MODES}) == len(MODES) >= 40
    assert len({(repr(way(mode.road)), repr(mode.fault)) for mode in MODES}) == len(MODES), "two are the same"
    # What was given up from outside leaves neither a thread nor a descriptor.
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline and threads_of_requests():
        time.sleep(0.05)
    gc.collect()
    assert not threads_of_requests()
    assert open_files() <= before + 4


@pytest.mark.parametrize(
    "mode",
    [
        Mode(name="a fault elsewhere", told=DONE, fault=Fault(at="/nowhere/", play=Line.fin)),
        Mode(name="a fault that comes too late", told=DONE, fault=Fault(at=FILE, play=Line.fin, skip=9)),
    ],
    ids=lambda mode: mode.name,
)
def test_a_fault_that_nobody_meets_proves_nothing(folder: Path, mode: Mode) -> None:
    assert swept(folder, [mode]) == [f"{mode.name}: nobody met what is bad about {mode.fault and mode.fault.at}"]


class Anywhere(tuple[str, ...]):
    """An origin that is the same as every other."""

    def __eq__(self, _other: object) -> bool:
        return True

    __hash__ = tuple.__hash__


class TestMutants:
    """Builds of ours with one safeguard taken out: if the sweep does not see them, it is worth nothing."""

    def caught(self, folder: Path, names: str) -> bool:
        chosen = [mode for mode in MODES if re.search(names, mode.name)]
        assert chosen
        return bool(swept(folder, chosen))

    @pytest.mark.slow
    def test_no_watch(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(watch.Watch, "guard", lambda *_: None)
        assert self.caught(folder, "api-trickled-head")

    def test_any_place(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(reach.Reach, "refusal", lambda *_: "")
        monkeypatch.setattr(reach.Reach, "admit", lambda *_: None)
        assert self.caught(folder, "redirect-to-another-host")

    def test_a_token_for_everybody(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(access.Access, "header", lambda self, _url: {"Authorization": f"token {self.token}"})
        monkeypatch.setattr(download, "_checked", lambda *_: Anywhere(("http",)))
        assert self.caught(folder, "redirect-to-storage")

    def test_any_rest(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(part.Part, "continued", lambda *_: None)
        assert self.caught(folder, "rest-at-wrong-offset|rest-of-another-upload")

    def test_any_framing(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(wire, "_framed", lambda *_: None)
        assert self.caught(folder, "api-length-double")
