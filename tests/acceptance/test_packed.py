"""A packed program is unpacked before anything stops, and its folder goes when nobody runs from it any more."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from cockpitpm import unpacked
from cockpitpm.errors import ExitCode
from cockpitpm.model.receipt import Verb
from cockpitpm.sandbox import packing
from cockpitpm.sandbox.daemons import Behaviour
from cockpitpm.sandbox.daemons.build import interpreter
from cockpitpm.sandbox.packed import APP, PackedBuilds
from cockpitpm.sandbox.world import World
from tests.acceptance.scene import Scene, Steps
from tests.waiting import until

pytestmark = pytest.mark.real
RPC = "hero_cockpit/rpc.sock"


@pytest.fixture(scope="module")
def builds() -> Iterator[PackedBuilds]:
    """Cockpit with daemons of the sandbox as its services: they start faster than what cockpitpm serves."""
    folder = Path(tempfile.mkdtemp(prefix="cp"))
    yield PackedBuilds(folder, World().bundle(APP))
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def scene(place: Path, builds: PackedBuilds) -> Iterator[Scene]:
    with Scene(place) as made:
        publish(made, builds, "1.0")
        made.install(APP)
        yield made


def publish(scene: Scene, builds: PackedBuilds, version: str) -> Path:
    packed = builds.build(version, Behaviour.WORKS)
    scene.world.publish_packed(packed, version)
    return packed


def folders(scene: Scene) -> list[str]:
    return sorted(os.listdir(scene.machine.layout.unpacked))


def identity(packed: Path) -> str:
    says = unpacked.says(str(packed))
    assert says
    return str(says["id"])


def test_one_folder_serves_all_four_names(scene: Scene, builds: PackedBuilds) -> None:
    assert folders(scene) == [identity(builds.build("1.0", Behaviour.WORKS))]
    assert len(set(scene.pids(APP).values())) == 3 and scene.notes(APP) == []


@pytest.mark.slow
def test_an_upgrade_and_a_rollback_change_the_folder(scene: Scene, builds: PackedBuilds) -> None:
    newer = publish(scene, builds, "1.1")
    told = Steps("unpacking hero_cockpit", lambda: asked.append(scene.health(RPC)["version"]))
    asked: list[str] = []
    assert scene.code(Verb.UPGRADE, APP, reporter=told) is ExitCode.DONE
    assert asked == ["1.0"], "the old build serves while the new one is unpacked"
    assert folders(scene) == [identity(newer)] and scene.health(RPC)["version"] == "1.1"
    assert scene.code(Verb.ROLLBACK, APP) is ExitCode.DONE
    assert folders(scene) == [identity(builds.build("1.0", Behaviour.WORKS))]


@pytest.mark.slow
def test_the_folder_of_whoever_still_runs_stays(scene: Scene, builds: PackedBuilds) -> None:
    """A supervisord, or a job that waits for its turn, may import something at any time."""
    before = folders(scene)
    runs = [str(scene.root / "bin/hero_cockpit"), "-m", "http.server", "--bind", "127.0.0.1", "0"]
    with subprocess.Popen(runs, cwd=scene.root, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as other:
        held = scene.machine.layout.unpacked / before[0]
        until(lambda: held in opened(other.pid))
        newer = publish(scene, builds, "1.2")
        assert scene.code(Verb.UPGRADE, APP) is ExitCode.DONE
        assert folders(scene) == sorted([*before, identity(newer)])
        other.kill()
    publish(scene, builds, "1.3")
    assert scene.code(Verb.UPGRADE, APP) is ExitCode.DONE
    assert folders(scene) == [identity(builds.build("1.3", Behaviour.WORKS))]


def opened(pid: int) -> set[Path]:
    found = set()
    for handle in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed meanwhile
            found.add(handle.readlink())
    return found


def test_a_program_that_does_not_start_at_all_stops_nobody(scene: Scene, builds: PackedBuilds, place: Path) -> None:
    site = place / "site"
    shutil.copytree(builds.folder / "site", site)
    (site / "cockpitpm/cli/packed.py").write_text("raise SystemExit('the wrong half was packed')\n")
    packing.pack(site, place / "broken", interpreter())
    scene.world.publish_packed(place / "broken", "1.4")
    pids, before = scene.pids(APP), folders(scene)
    end = scene.attempt(Verb.UPGRADE, APP)
    assert end.code is ExitCode.PROBE
    assert end.message == "hero_cockpit does not start on this machine: the wrong half was packed"
    assert "nothing was stopped" in end.hint
    assert (scene.pids(APP), folders(scene)) == (pids, before)
    assert os.listdir(scene.machine.layout.journal) == []


@pytest.fixture
def small() -> Iterator[Path]:
    """A folder on a disk of its own, with room for one build and a half."""
    folder = tempfile.mkdtemp(prefix="cp", dir="/tmp")
    mount = ["mount", "-t", "tmpfs", "-o", "size=320m", "cockpitpm", folder]
    if os.geteuid() or subprocess.run(mount, capture_output=True, check=False).returncode:
        os.rmdir(folder)
        pytest.skip("needs root: a small disk of its own")
    yield Path(folder)
    subprocess.run(["umount", "-l", folder], check=True)
    os.rmdir(folder)


@pytest.mark.slow
def test_a_disk_that_fills_up_while_it_is_unpacked(small: Path, builds: PackedBuilds) -> None:
    with Scene(small) as scene:
        publish(scene, builds, "1.0")
        scene.install(APP)
        pids, before = scene.pids(APP), folders(scene)
        publish(scene, builds, "1.1")
        end = scene.attempt(Verb.UPGRADE, APP, reporter=Steps("unpacking", lambda: fill(small / "ballast")))
        assert end.code is ExitCode.STORE
        assert end.message.startswith("hero_cockpit cannot be unpacked: No space left on device")
        assert (scene.pids(APP), folders(scene)) == (pids, before)
        (small / "ballast").unlink()
        assert scene.code(Verb.UPGRADE, APP) is ExitCode.DONE


def fill(path: Path) -> None:
    with path.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(1 << 16))
        except OSError:
            return
