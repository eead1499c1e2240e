"""`doctor` on a real machine: it finds what was done to it, says the way out, and mends what is safe."""

from __future__ import annotations

import json
import os
import signal
from typing import Any

import pytest

from cockpitpm.app.doctor import examine
from cockpitpm.errors import ExitCode
from cockpitpm.sandbox.forge.fault import Fault
from tests.acceptance.scene import CHAIN, COMPUTE, VOICE, Scene
from tests.waiting import until

pytestmark = pytest.mark.real


@pytest.fixture(scope="module", autouse=True)
def installed(scene: Scene) -> None:
    scene.install(COMPUTE, VOICE)


def asked(scene: Scene, *options: str) -> tuple[int, dict[str, Any]]:
    done = scene.cli("doctor", "--json", *options)
    assert "Traceback" not in done.stderr
    return done.returncode, json.loads(done.stdout)


def checks(found: dict[str, Any]) -> set[str]:
    return {one["check"] for one in found["symptoms"]}


def test_a_machine_that_is_well(scene: Scene) -> None:
    code, found = asked(scene)
    assert (code, found["symptoms"]) == (0, []), found
    assert len(found["looked_at"]) == 15
    assert "15 checks, nothing is wrong" in scene.cli("doctor").stdout


def test_a_supervisor_that_was_killed_is_brought_back(scene: Scene) -> None:
    pids = [p for p in scene.pids().values() if p]
    supervisord = int((scene.machine.layout.supervisor / "supervisord.pid").read_text())
    os.kill(supervisord, signal.SIGKILL)
    until(lambda: "supervisor" in checks(asked(scene)[1]))
    code, found = asked(scene)
    assert code == ExitCode.MACHINE and checks(found) == {"supervisor"}
    code, found = asked(scene, "--fix")
    assert code == 0 and [one["check"] for one in found["mended"]] == ["supervisor"]
    until(lambda: all(scene.pids().values()))
    assert not set(pids) & {p for p in scene.pids().values() if p}


def test_modes_that_let_others_in_are_set_right(scene: Scene) -> None:
    layout = scene.machine.layout
    program, private = layout.binary(CHAIN).resolve(), layout.supervisor / "conf.d" / f"{CHAIN}.conf"
    program.chmod(0o777)
    private.chmod(0o644)
    told = scene.cli("doctor")
    assert told.returncode == ExitCode.MACHINE
    assert "others may change it" in told.stdout and "others may read it" in told.stdout
    assert "chmod 0755" in told.stdout and "doctor --fix" in told.stdout
    mended = scene.cli("doctor", "--fix")
    assert mended.returncode == 0 and mended.stdout.count("mended") == 2
    assert (program.stat().st_mode & 0o777, private.stat().st_mode & 0o777) == (0o755, 0o600)


def test_a_forge_that_is_gone_is_told_and_stops_nothing(scene: Scene) -> None:
    scene.world.state.faults.append(Fault(path="/", reset=True))
    try:
        code, found = asked(scene)
        offline, silent = asked(scene, "--offline")
    finally:
        scene.world.state.faults.clear()
    assert checks(found) == {"forge"} and code == ExitCode.MACHINE
    assert (offline, silent["symptoms"]) == (0, [])


def test_examining_writes_nothing(scene: Scene) -> None:
    """Nothing comes, goes or changes. Only logs may, which others write, and sockets, which are of others too."""
    supervisor = scene.machine.layout.supervisor
    left_out = (scene.root / "var/sockets", supervisor / "logs", supervisor / "supervisord.log")

    def picture() -> dict[str, tuple[int, int, int]]:
        paths = (p for p in scene.root.rglob("*") if not any(p.is_relative_to(one) for one in left_out))
        found = {str(p): p.lstat() for p in paths}
        return {path: (stat.st_mode, stat.st_ino, stat.st_mtime_ns) for path, stat in found.items()}

    before = picture()
    examine(scene.host())
    assert len(before) > 20
    assert picture() == before
