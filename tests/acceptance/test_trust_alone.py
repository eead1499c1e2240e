"""A machine whose forge has gone lives on what it has; one bad file does not hide the others."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from cockpitpm.errors import ExitCode
from cockpitpm.model.receipt import Verb
from tests.acceptance.kernel import picture
from tests.acceptance.requests import no_privilege
from tests.acceptance.scene import COMPUTE, ROWS, VOICE, Scene, spoken

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def builds(scene: Scene) -> Iterator[tuple[str, str]]:
    """The commits of two generations of Compute; a third build is published, and then the forge stops."""
    scene.install(COMPUTE, VOICE)
    first, second = scene.commits()[COMPUTE_ROW], scene.publish(COMPUTE)
    assert scene.code(Verb.UPGRADE, COMPUTE) is ExitCode.DONE
    scene.publish(COMPUTE)
    scene.world.__exit__(None, None, None)
    yield first, second


COMPUTE_ROW = next(iter(ROWS))


def told(scene: Scene, *words: str, **settings: Any) -> dict[str, Any]:
    done = scene.cli(*words, "--json", **settings)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert isinstance(found, dict)
    return found


def rows(status: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {s["name"]: s for a in status["apps"] for s in a["services"]}


def test_an_upgrade_says_that_nobody_answers_and_leaves_everything(scene: Scene, builds: tuple[str, str]) -> None:
    pids, before = scene.pids(), picture(scene.root)
    address = (scene.root / "cfg/cockpitpm/machine.yaml").read_text().partition("http://")[2].partition("'")[0]
    for words in (("upgrade", COMPUTE), ("upgrade", "--all")):
        end = spoken(scene.cli(*words, "--yes", "--json"))
        assert end.code is ExitCode.FORGE and address in end.message and "no connection" in end.message, end
        assert end.hint and "Traceback" not in end.message
    assert scene.pids() == pids and scene.commits() == dict.fromkeys(ROWS, builds[1])
    assert picture(scene.root) == before


def test_status_and_rollback_need_no_forge(scene: Scene, builds: tuple[str, str]) -> None:
    first, second = builds
    seen = rows(told(scene, "status"))
    assert {seen[row]["build"]["commit"] for row in ROWS} == {second} and all(seen[row]["pid"] for row in ROWS)
    (ended,) = told(scene, "rollback", COMPUTE, "--yes")["outcomes"]
    assert (ended["app"], ended["ended"]) == (COMPUTE, "done")
    assert scene.commits() == dict.fromkeys(ROWS, first)
    again = rows(told(scene, "status"))
    assert {again[row]["build"]["commit"] for row in ROWS} == {first}
    assert {again[row]["truths"]["process"]["is"] for row in ROWS} == {"current"}
    assert scene.code(Verb.CONVERGE, COMPUTE) is ExitCode.DONE


def test_a_file_that_cannot_be_read_is_unknown_and_the_others_are_told(scene: Scene, builds: tuple[str, str]) -> None:
    """Somebody installed a file of their own over our link, for their own eyes."""
    entry, pids = scene.root / "bin" / VOICE, scene.pids(VOICE)
    entry.unlink()
    entry.write_text("#!/bin/sh\n")
    entry.chmod(0)
    seen = rows(told(scene, "status", preexec_fn=no_privilege))
    assert seen[VOICE]["truths"]["file"] == {"is": "unknown", "sha256": None, "commit": None}
    assert seen[VOICE]["truths"]["process"]["is"] == "current", "what runs is known all the same"
    (note,) = seen[VOICE]["notes"]
    assert note["note"] == "unverified" and "Permission denied" in note["evidence"]
    assert {seen[row]["truths"]["file"]["is"] for row in ROWS} == {"recorded"}
    assert "unknown" in scene.cli("status", VOICE, preexec_fn=no_privilege).stdout
    assert subprocess.run(note["next"], shell=True, cwd=scene.root, check=False).returncode == 0
    assert [n["note"] for n in scene.services(VOICE)[VOICE]["notes"]] == ["drifted"], "it is gone, and that is mended"
    assert scene.code(Verb.ROLLBACK, VOICE, to=1) is ExitCode.DONE
    assert scene.notes(VOICE) == [] and scene.pids(VOICE) == pids
