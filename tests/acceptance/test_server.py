"""`cockpitpm serve` on real processes: what it orders goes on without it, and nobody who listens misses anything."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cockpitpm.errors import ExitCode
from cockpitpm.model.role import Role
from cockpitpm.sandbox.daemons import Behaviour
from tests.acceptance.scene import CHAIN, COMPUTE, ROWS, Scene
from tests.acceptance.serving import Poller, Server, Viewer, kill
from tests.waiting import until

pytestmark = pytest.mark.real

MAIN = "my_compute_zos_main_server"
NAMING = ("install_service", "upgrade_service", "rollback", "remove", "explain", "logs", "stop", "refresh")
LINES = ("step", "warning", "app")
SLOWEST = 1.0
"""Seconds that a list of services may take while the machine is being changed."""


@pytest.fixture(scope="module")
def server(scene: Scene) -> Iterator[Server]:
    """An admin machine that installed its first apps over the socket."""
    for app in ("hero_db", COMPUTE):
        scene.publish(app)
    with Server(scene) as made:
        first = made.ended(made.order("install_service", service=COMPUTE))
        assert (first["state"], first["exit_code"]) == ("done", 0), first
        yield made


def numbered(events: list[dict[str, Any]]) -> bool:
    """Whether they count from one without gap or repeat."""
    return [event["n"] for event in events] == list(range(1, len(events) + 1))


def shape(tree: Any) -> Any:
    """The keys and kinds of a tree."""
    if isinstance(tree, dict):
        return {key: shape(value) for key, value in tree.items()}
    return [shape(one) for one in tree] if isinstance(tree, list) else type(tree).__name__


def untimed(report: dict[str, Any]) -> dict[str, Any]:
    """Without how long the upgrades before it took, for the first of a machine knows nothing of that."""
    return {**report, "plan": {**report["plan"], "apps": [{**a, "interruption": 0} for a in report["plan"]["apps"]]}}


def command(server: Server, *words: str) -> subprocess.CompletedProcess[str]:
    """The same on the command line, as soon as the server's own clock, which now and then writes, lets go."""
    done: list[subprocess.CompletedProcess[str]] = []

    def free() -> bool:
        done.append(server.scene.cli(*words, "--yes", "--json"))
        locked = done[-1].returncode == ExitCode.LOCKED
        assert not locked or "(cockpitpm serve " in done[-1].stderr, done[-1].stderr
        return not locked

    until(free)
    return done[-1]


def test_what_there_is_and_what_runs(server: Server) -> None:
    apps = {one["app"]: one for one in server.call("list_catalog")["apps"]}
    assert len(apps) == 21
    assert {name for name, one in apps.items() if one["installed"]} == {"hero_db", COMPUTE}
    rows = {row["name"]: row for row in server.call("list_services")}
    assert {name for name, row in rows.items() if row["app"] == COMPUTE} >= set(ROWS)
    commits = server.scene.commits()
    assert {name: rows[name]["build"]["commit"] for name in ROWS} == commits
    assert all(rows[name]["truths"]["process"]["is"] == "current" for name in ROWS)


def test_an_upgrade_from_one_of_three_rows(server: Server) -> None:
    scene = server.scene
    before, asked = scene.pids(), len(scene.world.downloads())
    commit = scene.publish(COMPUTE)
    job = server.ended(server.order("upgrade_service", service=MAIN))
    after = scene.pids()
    assert (job["state"], job["apps"], job["asked_from"]) == ("done", [COMPUTE], MAIN)
    assert set(scene.commits().values()) == {commit}
    assert all(before[name] and after[name] and before[name] != after[name] for name in ROWS)
    assert len(scene.world.downloads()[asked:]) == 1
    assert numbered(job["events"]) and job["events"][-1]["kind"] == "end"
    scene.publish(COMPUTE)
    told = command(server, "upgrade", MAIN)
    assert told.returncode == job["exit_code"] == 0
    assert shape(untimed(job["result"])) == shape(untimed(json.loads(told.stdout)))


def test_a_job_ends_with_what_the_command_line_prints(server: Server) -> None:
    told = command(server, "upgrade", COMPUTE)
    assert told.returncode == ExitCode.DONE, told.stderr
    job = server.ended(server.order("upgrade_service", service=COMPUTE))
    assert (job["result"], job["exit_code"]) == (json.loads(told.stdout), told.returncode)


def test_a_broken_build_is_taken_back(server: Server) -> None:
    scene = server.scene
    before = scene.commits()
    scene.publish(COMPUTE, Behaviour.CRASHES)
    job = server.ended(server.order("upgrade_service", service=COMPUTE))
    assert (job["state"], job["exit_code"]) == ("rolled_back", ExitCode.ROLLED_BACK)
    assert scene.commits() == before
    states = {step["phase"]: step["state"] for step in job["steps"]}
    assert (states["restart"], states["undo"]) == ("failed", "done")


def test_the_same_key_is_the_same_order(server: Server) -> None:
    first = server.call("restart", service=CHAIN, key="once")
    again = server.call("restart", service=CHAIN, key="once")
    assert (first["new"], again["new"]) == (True, False)
    assert server.ended(first["job"]["id"])["state"] == "done"
    before = server.scene.pids()
    late = server.call("restart", service=CHAIN, key="once")
    assert (late["new"], late["job"]["id"]) == (False, first["job"]["id"])
    assert server.scene.pids() == before


def test_the_command_line_is_told_of_a_job_under_way(server: Server) -> None:
    server.scene.publish(COMPUTE)
    number = server.order("upgrade_service", service=COMPUTE)
    server.reached(number, "restart")
    told = server.scene.cli("upgrade", "hero_db", "--yes")
    assert told.returncode == ExitCode.LOCKED
    assert f"process {server.process_of(number)} " in told.stderr and f"jobs run {number}" in told.stderr
    assert server.ended(number)["state"] == "done"


def test_a_job_waits_for_the_command_line(server: Server) -> None:
    scene = server.scene
    commit = scene.publish(COMPUTE)
    asked = len(scene.world.downloads())
    command = subprocess.Popen(
        scene.command("upgrade", COMPUTE, "--yes"),
        env=scene.environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    until(lambda: len(scene.world.downloads()) > asked)
    number = server.order("restart", service="hero_db")
    until(lambda: server.job(number)["progress"]["text"].startswith("waiting: "))
    assert f"process {command.pid} " in server.job(number)["progress"]["text"]
    assert command.wait(30) == 0
    assert server.ended(number)["state"] == "done"
    assert set(scene.commits().values()) == {commit}


def test_a_job_outlives_its_server(server: Server) -> None:
    scene = server.scene
    commit = scene.publish(COMPUTE)
    number = server.order("upgrade_service", service=COMPUTE)
    server.reached(number, "restart")
    before = server.job(number)["events"]
    server.end(signal.SIGKILL)
    server.start()
    job = server.ended(number)
    assert (job["state"], set(scene.commits().values())) == ("done", {commit})
    assert numbered(job["events"]) and job["events"][: len(before)] == before
    assert [event["kind"] for event in job["events"]].count("end") == 1


def test_a_job_whose_process_was_killed_is_brought_to_an_end(server: Server) -> None:
    scene = server.scene
    commits = {scene.commits()[CHAIN], scene.publish(COMPUTE)}
    number = server.order("upgrade_service", service=COMPUTE)
    viewer = Viewer(server, number)
    server.reached(number, "restart")
    kill(server.process_of(number))
    job = server.ended(number)
    viewer.wait()
    assert job["state"] in ("done", "rolled_back"), job
    assert len(set(scene.commits().values())) == 1 and set(scene.commits().values()) <= commits
    assert [event["kind"] for event in job["events"]].count("end") == 1 and numbered(job["events"])
    assert [end["result"] for end in viewer.of("end")] == [job["state"]]
    assert not [step for step in job["steps"] if step["state"] == "now"]
    assert scene.notes() == []


def test_nobody_misses_anything_and_nobody_waits(server: Server) -> None:
    commit = server.scene.publish(COMPUTE)
    number = server.call("jobs", limit=1)["jobs"][0]["id"] + 1
    viewers = [Viewer(server, number) for _ in range(20)]
    pollers = [Poller(server) for _ in range(8)]
    assert server.order("upgrade_service", service=MAIN) == number
    job = server.ended(number)
    for viewer in viewers:
        viewer.wait()
    for poller in pollers:
        poller.stop()
    assert (job["state"], set(server.scene.commits().values())) == ("done", {commit})
    lines = [event["n"] for event in job["events"] if event["kind"] in LINES]
    for viewer in viewers:
        numbers = viewer.numbers
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
        assert [line["n"] for line in viewer.of("log")] == lines
        assert [end["result"] for end in viewer.of("end")] == ["done"]
        assert not viewer.of("reset")
    assert [poller.trouble for poller in pollers] == [[]] * 8
    took = sorted(seconds for poller in pollers for seconds in poller.took)
    print(f"\n{len(took)} lists, the slowest {took[-1]:.3f} s, the middle {took[len(took) // 2]:.4f} s")
    assert took[-1] < SLOWEST


def test_a_tester_is_told_nothing_of_the_admin_layer(place: Path) -> None:
    """What it is answered about an app of that layer is what it is answered where there is no such app."""
    folder = place / "t"
    folder.mkdir()
    with Scene(folder, Role.TESTER) as scene, Server(scene) as server:
        assert len(server.call("list_catalog")["apps"]) == 17
        hidden = {method: server.answer(method, service=COMPUTE) for method in NAMING}
        assert {method for method in NAMING if "result" in hidden[method]} == set()
        shutil.rmtree(scene.bundles / "admin")
        assert hidden == {method: server.answer(method, service=COMPUTE) for method in NAMING}
        assert {one["error"]["code"] for one in hidden.values()} == {
            server.answer(method, service="nonsense")["error"]["code"] for method in NAMING
        }
        assert server.call("jobs")["jobs"] == []
