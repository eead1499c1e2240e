"""An admin machine stays one: whoever registers again without the variable, and a supervisor that is started anew."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from cockpitpm.errors import ExitCode
from tests.acceptance.scene import VOICE, Scene

pytestmark = pytest.mark.real
COCKPIT, SERVER = "hero_cockpit", "hero_cockpit_server"
ROLE = "COCKPIT_MACHINE_ROLE"
ADMIN, TESTER = 21, 17
"""How many apps each role sees."""


@pytest.fixture(scope="module", autouse=True)
def installed(scene: Scene) -> None:
    scene.install(COCKPIT, VOICE)


def cli(scene: Scene, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """A command whose environment has exactly these variables beside the usual ones."""
    env = scene.environment() | environ
    assert set(env) & {ROLE} == set(environ) & {ROLE}
    return subprocess.run(
        scene.command(*words),
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
        stdin=subprocess.DEVNULL,
        check=False,
    )


def told(scene: Scene, *words: str, **environ: str) -> Any:
    done = cli(scene, *words, "--json", **environ)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def value(scene: Scene) -> str:
    """What the kernel says of the variable in the running service."""
    pid = scene.pids(COCKPIT)[SERVER]
    entries = Path(f"/proc/{pid}/environ").read_bytes().decode().split("\0")
    return dict(e.split("=", 1) for e in entries if e)[ROLE]


def is_admin(scene: Scene, **environ: str) -> bool:
    """What catalog and status say of this machine; they must agree."""
    catalog, status = told(scene, "catalog", **environ), told(scene, "status", **environ)
    said = {catalog["role"], status["role"]}
    assert len(said) == 1
    admin = said == {"admin"}
    assert len(catalog["apps"]) == (ADMIN if admin else TESTER)
    return admin


def test_the_role_and_the_exported_value_outlive_registrations_and_the_supervisor(scene: Scene) -> None:
    assert is_admin(scene) and value(scene) == "tester", "what a machine is for is not what a service is told"
    kept = told(scene, "register", SERVER, COCKPIT_MACHINE_ROLE="admin")["exported"]
    assert kept == {SERVER: [ROLE]} and value(scene) == "admin"
    before = scene.pids(COCKPIT)
    assert told(scene, "register", COCKPIT)["exported"][SERVER] == [ROLE]
    assert (scene.pids(COCKPIT), value(scene)) == (before, "admin"), "nothing was lost and nothing restarted"
    scene.machine.stop()
    assert scene.machine.running() == ()
    assert is_admin(scene), "told without a supervisor as well"
    assert cli(scene, "converge", COCKPIT).returncode == 0
    after = scene.pids(COCKPIT)
    assert all(after.values()) and not set(after.values()) & set(before.values())
    assert value(scene) == "admin" and is_admin(scene)
    assert told(scene, "register", COCKPIT)["exported"][SERVER] == [ROLE]
    assert (scene.pids(COCKPIT), value(scene)) == (after, "admin")


def test_the_stored_role_decides_whatever_the_environment_says(scene: Scene) -> None:
    assert is_admin(scene, COCKPIT_MACHINE_ROLE="tester") and is_admin(scene, COCKPIT_MACHINE_ROLE="")


def test_a_tester_cannot_be_made_of_a_machine_with_admin_apps(scene: Scene) -> None:
    pids, before = scene.pids(VOICE), value(scene)
    refused = cli(scene, "role", "set", "tester")
    assert refused.returncode == ExitCode.MACHINE and VOICE in refused.stderr and "Traceback" not in refused.stderr
    assert is_admin(scene) and scene.pids(VOICE) == pids
    words = refused.stderr.partition("Remove them first: cockpitpm ")[2].strip(".`\n").split()
    assert words == ["remove", VOICE], "the command that it prints"
    assert cli(scene, *words, "--yes").returncode == 0
    assert cli(scene, "role", "set", "tester").returncode == 0
    assert not is_admin(scene) and not is_admin(scene, COCKPIT_MACHINE_ROLE="admin")
    assert value(scene) == before, "what a service was told is its own"
