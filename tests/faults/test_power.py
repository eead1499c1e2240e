"""F4: the power cut at calls that change files, on real file systems: what was told stays, all else comes right."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cockpitpm.app.host import Host
from cockpitpm.app.secrets import secrets_of
from cockpitpm.app.settings import set_hold, set_pin
from tests.faults.order import disordered, named
from tests.faults.power import MUTANTS, cut
from tests.faults.scenes import SCENES
from tests.faults.score import Score
from tests.faults.shim import built, program, scored, skipped
from tests.faults.test_syscalls import CALLS
from tests.faults.volume import VolumeSweep, lacking

QUICK = 9


def ready(kind: str) -> str:
    """The kind of file system, if one can be mounted here; else the test is skipped by name."""
    if reason := lacking(kind):
        skipped("F4", f"power cut on {kind}: {reason}")
    return kind


def test_power_cut(folder: Path) -> None:
    kind = ready("ext4")
    with Score("F4", f"power cut at calls of upgrade on {kind}, one of {QUICK}") as score:
        scored(score, program("tests.faults.power", built(folder), "upgrade", folder, kind, 2, QUICK))
    score.hold(at_least=CALLS["upgrade"] * 9 // 10 // QUICK)


@pytest.mark.slow
@pytest.mark.parametrize("name", SCENES)
@pytest.mark.parametrize("kind", ["ext4", "xfs"])
def test_power_cut_at_every_call(folder: Path, name: str, kind: str) -> None:
    ready(kind)
    with Score("F4", f"power cut at every call of {name} on {kind}") as score:
        scored(score, program("tests.faults.power", built(folder), name, folder, kind, 0, 1))
    # How often a run looks whether a service is up, and writes that down, varies by a few calls.
    score.hold(at_least=CALLS[name] * 9 // 10, most_missed=0.1)


@pytest.fixture
def sweep(folder: Path) -> Iterator[VolumeSweep]:
    """A machine on a disk of its own, version 1 installed and 2 published."""
    made = VolumeSweep(folder, SCENES["upgrade"], ready("ext4"))
    yield made
    made.close()


SETTINGS: dict[str, tuple[Callable[[Host], object], Callable[[Host], bool]]] = {
    "hold": (lambda host: set_hold(host, "duo", "", "because"), lambda host: "duo" in host.settings.holds),
    "pin": (lambda host: set_pin(host, "duo", "v1"), lambda host: host.settings.pins.get("duo") == "v1"),
    "secret": (
        lambda host: secrets_of(host.layout).set("duo", "KEY", "value"),
        lambda host: secrets_of(host.layout).context("duo").get("KEY") == "value",
    ),
}
"""How each is changed, and whether it is so."""


def lost(sweep: VolumeSweep, name: str) -> list[str]:
    """What is wrong after a power cut right behind the change."""
    change, there = SETTINGS[name]
    change(sweep.machine().host())
    cut(sweep.volume.at)
    return [] if there(sweep.after_a_cut().host()) else [f"I4: the {name} is gone"]


def test_what_was_told_is_there_after_a_power_cut(sweep: VolumeSweep) -> None:
    with Score("F4", "power cut right after a setting was told") as score:
        for name in SETTINGS:
            score.point(name, lost(sweep, name))
    score.hold(at_least=len(SETTINGS))


def made(folder: Path, name: str, mutant: str = "") -> list[str]:
    """The calls of one run of the scene."""
    [told] = program("tests.faults.order", built(folder), name, folder, *filter(None, [mutant]))
    return list(told["calls"])


some = [n if n in ("install", "upgrade", "remove") else pytest.param(n, marks=pytest.mark.slow) for n in SCENES]
ordinary = pytest.mark.parametrize("name", some)


@ordinary
def test_bytes_and_names_are_synced_before_they_are_told(folder: Path, name: str) -> None:
    calls = made(folder, name)
    with Score("F4", f"what is synced before it is told, {name}") as score:
        for line in named(calls):
            score.point(line, [])
        score.found += disordered(calls)
    score.hold()


def caught(what: str, found: list[str]) -> None:
    """A build of ours that forgets something: if no sweep shows it, it is worth nothing."""
    with Score("F6", f"a build without {what} is caught") as score:
        score.point(what, [] if found else ["nothing shows it"])
    score.hold()


class TestMutants:
    @pytest.mark.parametrize("name", SETTINGS)
    def test_a_setting_whose_folder_is_not_synced(
        self, sweep: VolumeSweep, monkeypatch: pytest.MonkeyPatch, name: str
    ) -> None:
        monkeypatch.setattr(os, "fsync", MUTANTS["no-folder-sync"])
        caught(f"the sync of the folder of a {name}", lost(sweep, name))

    @ordinary
    def test_a_build_that_does_not_sync_folders(self, folder: Path, name: str) -> None:
        """A power cut shows it only right after the end: ext4 writes names down with the next file that is synced."""
        found = list(disordered(made(folder, name, "no-folder-sync")))
        caught(f"syncs of folders, {name}", [one for one in found if "at the end" in one])
        caught(f"syncs of folders in the middle, {name}", [one for one in found if "goes on" in one or name == "stop"])

    @ordinary
    def test_a_build_that_does_not_sync_files_in_order(self, folder: Path, name: str) -> None:
        found = list(disordered(made(folder, name, "no-file-sync")))
        caught(f"syncs of files, {name}", [one for one in found if "before its bytes" in one])

    @pytest.mark.slow
    @pytest.mark.parametrize("name", ["install", "upgrade"])
    def test_a_folder_that_is_not_synced_loses_what_was_told(self, folder: Path, name: str) -> None:
        lines = program("tests.faults.power", built(folder), name, folder, ready("ext4"), 0, 999, "no-folder-sync")
        told = next(line for line in lines if line["at"].endswith("told"))
        caught(f"syncs of folders, {name} and a power cut", told["wrong"])

    def test_a_build_that_does_not_sync_files(self, folder: Path) -> None:
        lines = program("tests.faults.power", built(folder), "upgrade", folder, ready("ext4"), 1, 9, "no-file-sync")
        caught("syncs of files, upgrade and power cuts", [line["at"] for line in lines if line["wrong"]])
