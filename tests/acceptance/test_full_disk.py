"""A disk that fills up in the middle: nothing half done is called done, and nothing that was done is called undone."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from cockpitpm.app.recover import recover
from cockpitpm.errors import ExitCode
from cockpitpm.model.receipt import Verb
from cockpitpm.ports import Reporter
from cockpitpm.sandbox.daemons import Behaviour
from tests.acceptance.kernel import picture
from tests.acceptance.scene import CHAIN, COMPUTE, Scene, Steps

pytestmark = pytest.mark.real
BALLAST = "ballast"


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    """A folder on a disk of its own, of 40 MB."""
    folder = tempfile.mkdtemp(prefix="cp", dir="/tmp")
    mount = ["mount", "-t", "tmpfs", "-o", "size=40m", "cockpitpm", folder]
    if os.geteuid() or subprocess.run(mount, capture_output=True, check=False).returncode:
        os.rmdir(folder)
        pytest.skip("needs root: a small disk of its own")
    yield Path(folder)
    subprocess.run(["umount", "-l", folder], check=True)
    os.rmdir(folder)


@pytest.fixture(scope="module", autouse=True)
def installed(scene: Scene) -> None:
    scene.install(COMPUTE)


@pytest.fixture(autouse=True)
def emptied(scene: Scene) -> Iterator[None]:
    yield
    (scene.root / BALLAST).unlink(missing_ok=True)


def fill(scene: Scene) -> None:
    with (scene.root / BALLAST).open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            return


class Downloads(Reporter):
    """Fills the disk when a download begins."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene

    def fetch_started(self, app: str, asset: str, size: int) -> None:
        fill(self.scene)


@pytest.mark.parametrize("early", [True, False], ids=["before", "during the download"])
def test_full_before_the_flip(scene: Scene, early: bool) -> None:
    pids = scene.pids()
    scene.publish(COMPUTE)
    before = picture(scene.root)
    if early:
        fill(scene)
    end = scene.attempt(Verb.UPGRADE, COMPUTE, reporter=Downloads(scene))
    (scene.root / BALLAST).unlink()
    assert end.code is ExitCode.STORE and "No space left" in end.message and "space" in end.hint
    assert picture(scene.root) == before and scene.pids() == pids
    assert scene.code(Verb.UPGRADE, COMPUTE) is ExitCode.DONE


@pytest.mark.parametrize("behaviour", [Behaviour.WORKS, Behaviour.CRASHES])
def test_full_after_the_flip(scene: Scene, behaviour: Behaviour) -> None:
    """The verdict and the way back need no space; what could not be written down is finished by `recover`."""
    old, commit = scene.commits(), scene.publish(COMPUTE, behaviour)
    expected = old if behaviour is Behaviour.CRASHES else dict.fromkeys(old, commit)
    full = Steps(f"restarting {CHAIN}", lambda: fill(scene))
    end = scene.attempt(Verb.UPGRADE, COMPUTE, reporter=full)
    assert scene.commits() == expected, "the services are where the verdict put them"
    (scene.root / BALLAST).unlink()
    left = [one.error for one in recover(scene.host()) if one.error]
    assert left == [] and scene.commits() == expected and scene.notes() == []
    assert os.listdir(scene.machine.layout.journal) == []
    assert end.code is ExitCode.TRANSACTION and "recover" in end.hint, f"it is not finished, yet it said: {end}"
