"""The power cut at calls that change files, on real file systems: what was told stays, everything else comes right."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from cockpitpm.app.secrets import secrets_of
from cockpitpm.app.settings import set_hold, set_pin
from tests.faults.power import MUTANTS, cut
from tests.faults.scenes import SCENES
from tests.faults.score import Score
from tests.faults.shim import built, program, scored, skipped
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
    score.hold(at_least=10)


@pytest.mark.slow
@pytest.mark.parametrize("name", SCENES)
@pytest.mark.parametrize("kind", ["ext4", "xfs"])
def test_power_cut_at_every_call(folder: Path, name: str, kind: str) -> None:
    ready(kind)
    with Score("F4", f"power cut at every call of {name} on {kind}") as score:
        scored(score, program("tests.faults.power", built(folder), name, folder, kind, 0, 1))
    score.hold(at_least=20)


@pytest.fixture
def sweep(folder: Path) -> Iterator[VolumeSweep]:
    """A machine on a disk of its own, version 1 installed and 2 published."""
    made = VolumeSweep(folder, SCENES["upgrade"], ready("ext4"))
    yield made
    made.close()


def acknowledged(sweep: VolumeSweep) -> list[str]:
    """What was told as done and is gone after a power cut right behind it."""
    said = {
        "hold": lambda host: set_hold(host, "duo", "", "because"),
        "pin": lambda host: set_pin(host, "duo", "v1"),
        "secret": lambda host: secrets_of(host.layout).set("duo", "KEY", "value"),
    }
    there = {
        "hold": lambda host: "duo" in host.settings.holds,
        "pin": lambda host: host.settings.pins.get("duo") == "v1",
        "secret": lambda host: secrets_of(host.layout).context("duo").get("KEY") == "value",
    }
    lost = []
    for name, change in said.items():
        change(sweep.machine().host())
        cut(sweep.volume.at)
        if not there[name](sweep.after_a_cut().host()):
            lost.append(name)
    return lost


def test_what_was_told_is_there_after_a_power_cut(sweep: VolumeSweep) -> None:
    with Score("F4", "power cut right after a setting was told") as score:
        for name in ("hold", "pin", "secret"):
            score.point(name, [f"I4: the {name} is gone"] if name in acknowledged(sweep) else [])
    score.hold(at_least=3)


class TestMutants:
    """Builds of ours that forget something: if a power cut does not show it, the sweep is worth nothing."""

    def test_a_build_that_does_not_sync_folders(self, sweep: VolumeSweep, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(os, "fsync", MUTANTS["no-folder-sync"])
        assert acknowledged(sweep)

    def test_a_build_that_does_not_sync_files(self, folder: Path) -> None:
        lines = program("tests.faults.power", built(folder), "upgrade", folder, ready("ext4"), 1, 9, "no-file-sync")
        assert [line for line in lines if line["wrong"]]
