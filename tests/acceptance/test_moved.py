"""A machine that is moved while it runs, and the first command that anybody gives it there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cockpitpm.errors import ExitCode
from cockpitpm.processes import LinuxProcesses
from cockpitpm.sandbox.machine import SandboxMachine
from tests.acceptance.scene import CHAIN, COMPUTE, Scene
from tests.acceptance.test_stopped_and_copied import Copy, answering, foreign
from tests.conftest import members
from tests.waiting import until

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def scene(place: Path) -> Iterator[Scene]:
    with Scene(place) as made:
        made.install(COMPUTE)
        yield made


def test_its_services_run_in_the_new_place_whatever_the_first_command_is(scene: Scene) -> None:
    there, before = scene.root.with_name("n"), members(scene.root)
    scene.root.rename(there)
    try:
        moved = Copy(scene, there)
        moved.machine = SandboxMachine(scene.world.url, scene.role, root=there)
        assert moved.cli("hold", COMPUTE, "--reason", "moved").returncode == ExitCode.DONE
        assert not [pid for pid in before if LinuxProcesses().identify(pid)]
        until(lambda: answering(moved))
        pids = moved.pids()
        assert all(pids.values()), pids
        assert not [told for pid in pids.values() for told in foreign(pid, scene.root)]
        assert moved.cli("doctor", "--offline").returncode == ExitCode.DONE
    finally:
        there.rename(scene.root)
    assert scene.cli("stop", CHAIN).returncode == ExitCode.DONE
    until(lambda: all(pid for name, pid in scene.pids().items() if name != CHAIN))
    assert scene.pids()[CHAIN] is None
