"""What the watcher tells of a machine and of its jobs, turn by turn, and what its thread does by itself."""

from __future__ import annotations

import asyncio
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from cockpitpm.model.job import JobEvent, JobState
from cockpitpm.model.receipt import Verb
from cockpitpm.record import jobs
from cockpitpm.serve.events import PREFIX
from cockpitpm.serve.hub import Hub
from cockpitpm.serve.watch import Pace, Watcher
from tests.sim.steps import later
from tests.unit.serve.conftest import AT, Sim
from tests.unit.serve.watching import EVERYTHING, FACES, Scene, watched
from tests.waiting import until

OTHER = """\
name: other
title: Other
summary: Another one.
category: core
repo: other
targets: [linux-musl-x86_64]
binaries:
  - {name: other_server, kind: server}
"""


def kinds(found: list[tuple[str, Any]]) -> list[str]:
    return [kind for kind, _ in found]


def event(n: int, kind: str, **more: Any) -> JobEvent:
    return JobEvent(n=n, at=AT, kind=kind, app=more.pop("app", "duo"), **more)


def test_the_first_look_tells_every_app_and_the_sum(scene: Scene) -> None:
    found = scene.turn()
    assert kinds(found) == ["app", "summary"]
    app, summary = found[0][1], found[1][1]
    assert (app["app"], app["section"], app["words"]) == ("duo", "in_order", "Current")
    assert f'href="{PREFIX}/apps/duo"' in app["html"] and len(app["digest"]) == 16
    assert summary["counts"]["in_order"] == 1 and summary["jobs"] == 0 and summary["title"] == "Services"
    assert summary["sentence"].startswith("1 of 1 installed app is current")


def test_what_stays_the_same_is_not_told_again(scene: Scene) -> None:
    scene.turn()
    assert scene.turn() == []


def test_a_change_is_told_once(scene: Scene) -> None:
    scene.turn()
    scene.sim.world.die("duo_admin")
    found = scene.turn()
    assert kinds(found) == ["app", "summary"] and found[0][1]["words"] == "Failed"
    assert scene.turn() == []


def test_looks_have_a_pace(scene: Scene) -> None:
    scene.turn()
    scene.sim.world.die("duo_admin")
    assert scene.turn(0.3) == []
    assert kinds(scene.turn(0.8)) == ["app", "summary"]


def test_without_viewers_nobody_looks(scene: Scene) -> None:
    scene.hub.leave(scene.viewer)
    assert scene.watcher.turn() == Pace().idle
    assert scene.hub.seq == 0


def test_an_app_that_is_not_listed_any_more(scene: Scene) -> None:
    scene.turn()
    (scene.sim.machine.folder / "bundles" / "base" / "duo.yaml").rename(scene.sim.machine.folder / "away.yaml")
    scene.sim.machine.bundle(OTHER, "other")
    assert {"app"} <= set(kinds(scene.turn()))


def test_a_job_is_told_from_its_first_line_to_its_end(scene: Scene) -> None:
    scene.turn()
    number = scene.sim.job()
    told = scene.turn()
    assert [d for k, d in told if k == "job"] == [
        {
            "job": number, "app": "duo", "kind": "upgrade", "state": "waiting", "step": 0, "steps": 0, "label": "",
            "started": "", "actor": "mik",
        }
    ]  # fmt: skip
    scene.sim.state(number, JobState.RUNNING)
    scene.sim.tell(number, event(1, "app", text="upgrade"), event(2, "phase", phase="fetch"))
    scene.sim.tell(number, event(3, "fetch", text="x", done=5, total=9), event(4, "step", text="fetched \x1b[2J"))
    told = scene.turn()
    lines = [d for k, d in told if k == "log"]
    assert [(d["n"], d["service"], d["line"]) for d in lines] == [(1, "duo", "upgrade"), (4, "duo", "fetched \\x1b[2J")]
    told += scene.turn()
    step = next(d for k, d in told if k == "step")
    assert (step["n"], step["name"], step["state"], step["bytes"], step["total"]) == (1, "fetch", "now", 5, 9)
    job = [d for k, d in told if k == "job"][-1]
    assert (job["state"], job["step"], job["steps"], job["label"]) == ("running", 1, 5, "fetch duo")
    scene.sim.tell(number, event(5, "end", app="", text="done"))
    jobs.write_result(scene.sim.host.layout, number, {"outcomes": [{"app": "duo", "activation": {"x": 1}}]})
    scene.sim.state(number, JobState.DONE, "went well")
    told = scene.turn()
    ended = {
        "job": number,
        "result": "done",
        "reason": "went well",
        "receipts": ["duo"],
        "url": f"{PREFIX}/jobs/{number}",
    }
    assert [d for k, d in told if k == "end"] == [ended]
    assert [k for k, d in told if k == "job"] == ["job"], "the last word on it is told"
    assert not {"end", "job", "step", "log"} & set(kinds(scene.turn() + scene.turn()))


def test_jobs_and_steps_come_four_times_a_second_and_the_last_one_always(scene: Scene) -> None:
    scene.turn()
    number = scene.sim.job()
    scene.sim.state(number, JobState.RUNNING)
    scene.sim.tell(number, event(1, "phase", phase="fetch"))
    moments: list[float] = []
    newest: dict[str, Any] = {}
    for n in range(2, 42):
        scene.sim.tell(number, event(n, "fetch", text="x", done=n, total=41))
        for kind, data in scene.turn(0.05):
            if kind in ("job", "step"):
                moments.append(scene.now)
                newest = data if kind == "step" else newest
    assert 6 <= len(moments) <= 9
    assert all(b - a >= 0.249 for a, b in pairwise(moments))
    scene.sim.state(number, JobState.DONE)
    found = scene.turn(0.01)
    last = [d for k, d in found if k == "step"][-1]
    assert (last["bytes"], last["state"]) == (41, "done") and newest != last
    assert kinds(found)[-1] == "end"


def test_every_step_is_told_even_if_it_was_quick(scene: Scene) -> None:
    scene.turn()
    number = scene.sim.job()
    scene.sim.state(number, JobState.RUNNING)
    names = ("fetch", "verify", "swap", "restart", "record")
    scene.sim.tell(number, *(event(n, "phase", phase=name) for n, name in enumerate(names, 1)))
    scene.sim.state(number, JobState.DONE)
    found = scene.turn()
    assert [d["name"] for k, d in found if k == "step"] == list(names)


def test_what_had_ended_before_is_history(scene: Scene) -> None:
    number = scene.sim.job()
    scene.sim.state(number, JobState.DONE)
    assert not {"end", "log", "job"} & set(kinds(scene.turn()))


def test_what_ended_while_nobody_listened_is_told_once_somebody_does(scene: Scene) -> None:
    scene.turn()
    scene.hub.leave(scene.viewer)
    number = scene.sim.job()
    scene.sim.tell(number, event(1, "step", text="a line"))
    scene.sim.state(number, JobState.ROLLED_BACK, "did not answer")
    scene.watcher.turn()

    async def back() -> None:
        scene.viewer, missed = scene.hub.subscribe(EVERYTHING, "b00t-2")
        assert missed == ()

    asyncio.run(back())
    found = scene.turn()
    assert [d["result"] for k, d in found if k == "end"] == ["rolled_back"]
    assert [d["line"] for k, d in found if k == "log"] == ["a line"]


def test_a_job_of_an_app_that_the_role_may_not_see_is_not_told(scene: Scene) -> None:
    text = (scene.sim.machine.folder / "bundles" / "base" / "duo.yaml").read_text()
    scene.sim.machine.bundle(text.replace("duo", "trio"), "trio", layer="admin")
    scene.turn()
    scene.sim.job("trio")
    found = [*scene.turn(), *scene.turn()]
    assert "trio" not in str(found).replace("job", "")


def test_a_job_whose_process_never_came_is_ended(scene: Scene) -> None:
    scene.turn()
    number = scene.sim.job()
    scene.turn(6)
    assert jobs.read(scene.sim.host.layout, number).state is JobState.WAITING
    found = [*scene.turn(31), *scene.turn(1)]
    assert [d["result"] for k, d in found if k == "end"] == ["failed"]


def test_a_process_that_only_shows_pages_ends_no_job(sim: Sim) -> None:
    scene = watched(sim, settles=False)
    number = sim.job()
    scene.turn(31)
    scene.turn(31)
    assert jobs.read(sim.host.layout, number).state is JobState.WAITING


def test_an_upgrade_of_ourselves_is_why_we_leave(scene: Scene) -> None:
    scene.turn()
    assert scene.watcher.leaving() == ("stopping", None)
    scene.sim.machine.bundle(OTHER.replace("other", "hero_cockpit"), "hero_cockpit")
    scene.turn()
    number = scene.sim.job("hero_cockpit")
    scene.turn()
    assert scene.watcher.leaving() == ("upgrade", number)


def test_ended_jobs_that_are_forgotten_are_forgotten_here_too(scene: Scene) -> None:
    scene.turn()
    for n in range(60):
        scene.sim.state(scene.sim.job(), JobState.DONE)
        if n % 15 == 14:
            scene.turn(0.5)
    assert len(scene.watcher._jobs) <= 52
    assert len(list(scene.sim.host.layout.jobs.glob("[0-9]*"))) <= 52


# --- the thread


def test_the_thread_looks_as_soon_as_somebody_listens(sim: Sim, caplog: pytest.LogCaptureFixture) -> None:
    async def listen(hub: Hub) -> None:
        hub.subscribe(EVERYTHING)

    hub = Hub("b00t")
    pace = Pace(look=0.02, follow=0.01, settle=1, idle=60)
    watcher = Watcher(hub, sim.engine, FACES, time.monotonic, pace=pace)
    watcher.start()
    watcher.start()
    try:
        time.sleep(0.1)
        assert hub.seq == 0
        asyncio.run(listen(hub))
        until(lambda: hub.seq >= 2)
        settings = sim.machine.root / "cfg" / "cockpitpm" / "machine.yaml"
        settings.parent.mkdir(parents=True, exist_ok=True)
        settings.write_text("nonsense: [")
        until(lambda: "cannot look at the machine" in caplog.text)
        before = hub.seq
        settings.unlink()
        sim.machine.publish("1")
        sim.machine.run(Verb.INSTALL, "duo")
        until(lambda: hub.seq > before)
        assert caplog.text.count("cannot look at the machine") == 1
    finally:
        hub.close("stopping")
        watcher.stop(5)
    assert not watcher._thread.is_alive()


def test_hello(sim: Sim, root: Path) -> None:
    watcher = Watcher(Hub("b00t"), sim.engine, FACES, time.monotonic)
    hello = watcher.hello()
    assert (hello["role"], len(hello["summary_digest"])) == ("tester", 16)
    broken = sim.machine.root / "cfg" / "cockpitpm" / "machine.yaml"
    broken.parent.mkdir(parents=True, exist_ok=True)
    broken.write_text("nonsense: [")
    later(sim, 9)
    assert watcher.hello()["role"] == ""
