"""The watcher asks services beside its looks, and tells those that do not answer or do not last."""

from __future__ import annotations

from threading import Event
from typing import Any

from attrs import evolve

from cockpitpm.app.engine import Engine
from cockpitpm.model.receipt import Verb
from cockpitpm.model.service import Health, ProbeTarget
from tests.sim.ports import ProberSim
from tests.unit.serve.conftest import Sim
from tests.unit.serve.watching import Scene, watched
from tests.waiting import until


def silenced(scene: Scene, service: str = "duo_admin") -> None:
    with scene.sim.world.changing() as state:
        state["processes"][str(state["services"][service]["pid"])]["behaviour"] = "sick"


def asked(scene: Scene, seconds: float) -> list[tuple[str, Any]]:
    """A turn that asks, and what the one after it tells."""
    scene.turn(seconds)
    until(lambda: not scene.watcher._asking or not scene.watcher._asking.is_alive())
    return scene.turn(1.0)


def test_a_service_that_does_not_answer_is_told(scene: Scene) -> None:
    silenced(scene)
    scene.turn()
    asked(scene, 31)
    found = asked(scene, 11)
    assert [d["words"] for k, d in found if k == "app"] == ["Not answering"]
    scene.sim.world.crash("duo_admin")
    assert [d["words"] for k, d in scene.turn() if k == "app"] == ["Current"]


def test_nobody_is_asked_without_viewers(scene: Scene) -> None:
    scene.turn()
    scene.hub.leave(scene.viewer)
    scene.turn(60)
    assert scene.watcher._asking is None


def test_questions_do_not_hold_up_the_looks(sim: Sim) -> None:
    go = Event()

    class Slow(ProberSim):
        def probe(self, target: ProbeTarget) -> Health:
            assert go.wait(10)
            return super().probe(target)

    sim.engine = Engine(sim.invocation, evolve(sim.ports, prober=Slow(sim.world)))
    sim.machine.publish("1")
    sim.machine.run(Verb.INSTALL, "duo")
    scene = watched(sim)
    try:
        scene.turn()
        scene.turn(31)
        asking = scene.watcher._asking
        assert asking and asking.is_alive()
        sim.world.die("duo_admin")
        assert [d["words"] for k, d in scene.turn() if k == "app"] == ["Failed"]
        scene.turn(20)
        assert scene.watcher._asking is asking, "one round at a time"
    finally:
        go.set()
        scene.watcher.stop(5)
    assert not asking.is_alive()


def test_a_service_that_keeps_restarting_is_told(scene: Scene) -> None:
    scene.turn()
    told: list[str] = []
    for _ in range(4):
        scene.sim.world.crash("duo_admin")
        told += [d["words"] for k, d in scene.turn(2) if k == "app"]
    assert told == ["Keeps restarting"]
