"""21 apps on an admin machine, real processes: what `upgrade --all` asks for, and how it ends when one fails."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from cockpitpm.app.status import status, to_json
from cockpitpm.errors import ExitCode
from cockpitpm.model.receipt import Verb
from cockpitpm.sandbox.daemons import Behaviour
from tests.acceptance.kernel import picture
from tests.acceptance.scene import VOICE, Scene

pytestmark = pytest.mark.real
DB, BIZ = "hero_db", "hero_biz"


@pytest.fixture(scope="module")
def scene(place: Path) -> Iterator[Scene]:
    """Some forty services: each is watched for a shorter while than elsewhere."""
    with Scene(place, stays_ready=0.05) as made:
        yield made


@pytest.fixture(scope="module", autouse=True)
def installed(scene: Scene) -> None:
    apps = [b.name for b in scene.world.catalog.bundles]
    assert len(apps) == 21
    for app in apps:
        scene.publish(app)
    assert scene.code(Verb.INSTALL, *apps) is ExitCode.DONE


def everything(scene: Scene) -> tuple[int, dict[str, dict[str, Any]]]:
    """`upgrade --all` on the command line: its exit code, and how each app ended."""
    done = scene.cli("upgrade", "--all", "--yes", "--json")
    assert "Traceback" not in done.stderr
    return done.returncode, {o["app"]: o for o in json.loads(done.stdout)["outcomes"]}


def services(scene: Scene) -> dict[str, dict[str, Any]]:
    """Every service of the machine, as `status --json` gives it."""
    return {s["name"]: s for app in to_json(status(scene.host()))["apps"] for s in app["services"]}


def all_pids(scene: Scene) -> dict[str, int | None]:
    return {name: service["pid"] for name, service in services(scene).items()}


def files(scene: Scene) -> dict[str, str]:
    """Everything on disk but what is remembered of each app, where the time of the last look at its channel stands."""
    return {path: what for path, what in picture(scene.root).items() if "/cockpitpm/state" not in path}


def asked(scene: Scene, since: int) -> list[str]:
    """The paths of the requests that the forge got since."""
    return [r.path for r in list(scene.world.state.requests)[since:]]


def other_than(ended: Mapping[str, dict[str, Any]], word: str) -> dict[str, str]:
    return {app: o["ended"] for app, o in ended.items() if o["ended"] != word}


def test_nothing_changed_then_three_of_which_one_fails(scene: Scene) -> None:
    """One test, because some forty services are started for it."""
    one_request_a_repository_and_nothing_else(scene)
    two_done_one_taken_back(scene)
    the_next_run_repeats_nothing(scene)


def one_request_a_repository_and_nothing_else(scene: Scene) -> None:
    pids, since, before = all_pids(scene), len(scene.world.state.requests), files(scene)
    assert len(pids) > 40 and all(pids.values()), len(pids)
    code, ended = everything(scene)
    assert (code, len(ended), other_than(ended, "nothing")) == (ExitCode.DONE, 21, {})
    repos = [scene.repo(b.name).full_name for b in scene.world.catalog.bundles]
    per_repo = Counter(repo for path in asked(scene, since) for repo in repos if f"/repos/{repo}/" in path)
    assert per_repo == dict.fromkeys(repos, 1) and len(asked(scene, since)) == 21, asked(scene, since)
    assert not [path for path in asked(scene, since) if "/download/" in path or "/attachments/" in path]
    assert all_pids(scene) == pids
    assert files(scene) == before


def two_done_one_taken_back(scene: Scene) -> None:
    old, before = scene.health(f"{VOICE}/rpc.sock")["commit"], all_pids(scene)
    good = {app: scene.publish(app) for app in (DB, BIZ)}
    scene.publish(VOICE, Behaviour.FAILS_PROBE)
    code, ended = everything(scene)
    assert code == ExitCode.ROLLED_BACK
    assert other_than(ended, "nothing") == {DB: "done", BIZ: "done", VOICE: "rolled_back"}
    assert ended[VOICE]["exit_code"] == ExitCode.ROLLED_BACK and "500" in ended[VOICE]["detail"]
    assert ended[VOICE]["hint"] and f"cockpitpm logs {VOICE}" in ended[VOICE]["hint"]
    said = {app: scene.health(f"{app}/rpc.sock")["commit"] for app in (DB, BIZ, VOICE)}
    assert said == {**good, VOICE: old}
    after = all_pids(scene)
    restarted = {name for name in after if after[name] != before[name]}
    mine = {s.name for app in (DB, BIZ, VOICE) for s in scene.world.bundle(app).services}
    assert restarted == mine and all(after.values())


def the_next_run_repeats_nothing(scene: Scene) -> None:
    since, before = len(scene.world.state.requests), all_pids(scene)
    code, ended = everything(scene)
    assert code == ExitCode.REFUSED
    assert other_than(ended, "nothing") == {VOICE: "skipped"}
    assert ended[VOICE]["decision"]["is"] == "refused" and ended[VOICE]["decision"]["reason"] == "blocked_build"
    assert not [path for path in asked(scene, since) if "/download/" in path or "/attachments/" in path]
    assert all_pids(scene) == before, "no further work for the two, no second attempt of the third"
    assert {n["note"] for service in services(scene).values() for n in service["notes"]} <= {"behind"}
