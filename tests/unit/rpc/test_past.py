"""Going past a hold or a failed build by JSON-RPC: for any operator, for a named app, as on the command line."""

from __future__ import annotations

from typing import Any

import pytest

from cockpitpm.app import job_run
from cockpitpm.app.settings import hold_of
from cockpitpm.record import jobs
from tests.sim.steps import version
from tests.unit.rpc.scene import Scene

STALE, USAGE = -31001, -32602


@pytest.fixture
def held(scene: Scene) -> Scene:
    """Duo is held at build 1; its channel has build 2."""
    scene.actor = "mik"
    scene.call("cockpit.hold", service="duo", reason="the fair")
    return scene


@pytest.fixture
def failed(scene: Scene) -> Scene:
    """The channel has a build that did not come up here, because the machine was ill."""
    scene.machine.world.fault("ill")
    scene.machine.publish("3", "frail")
    assert ended(scene, "upgrade_service", service="duo")["state"] == "rolled_back"
    return scene


def ended(scene: Scene, method: str, **params: Any) -> dict[str, Any]:
    job = scene.call(f"cockpit.{method}", **params)["job"]
    found: dict[str, Any] = scene.call("cockpit.job", id=job["id"])
    return found


def test_a_held_app_is_upgraded_once(held: Scene) -> None:
    refused = ended(held, "upgrade_service", service="duo_admin")
    assert (refused["state"], refused["allowed"]) == ("refused", [])
    assert "--past-hold" in str(refused["result"])
    job = ended(held, "upgrade_service", service="duo_admin", past_hold=True, reason="the fix cannot wait")
    assert (job["state"], job["allowed"], version(held.machine)) == ("done", ["hold"], "2")
    line = held.call("cockpit.history", limit=1)["history"][0]
    assert (line["actor"], line["reason"], line["allowed"]) == ("mik", "the fix cannot wait", ["hold"])
    hold = hold_of(held.engine.host(), "duo")
    assert hold is not None and hold.reason == "the fair"
    held.machine.publish("4")
    assert ended(held, "upgrade_service", service="duo")["state"] == "refused"


def test_the_job_that_waits_keeps_what_it_goes_past(held: Scene) -> None:
    held.going = False
    number = held.call("cockpit.upgrade_service", service="duo", past_hold=True, retry_failed=True)["job"]["id"]
    again = held.call("cockpit.upgrade_service", service="duo", past_hold=True, retry_failed=True)
    assert not again["new"], "the same order is the same job"
    assert held.call("cockpit.upgrade_service", service="duo")["new"], "another one is another"
    kept = jobs.read(held.engine.host().layout, number)
    assert [reason.value for reason in kept.order.request.allow] == ["hold", "blocked_build"]
    job_run.run(held.engine.host, number)
    assert version(held.machine) == "2"


def test_a_failed_build_is_tried_once_more_and_blocked_again(failed: Scene) -> None:
    assert ended(failed, "upgrade_service", service="duo")["state"] == "refused"
    job = ended(failed, "upgrade_service", service="duo", retry_failed=True)
    assert (job["state"], job["allowed"], version(failed.machine)) == ("rolled_back", ["blocked_build"], "1")
    assert ended(failed, "upgrade_service", service="duo")["state"] == "refused"
    failed.machine.world.mended("ill")
    assert ended(failed, "upgrade_service", service="duo", retry_failed=True)["state"] == "done"
    assert version(failed.machine) == "3"


def test_exactly_the_plan_that_was_shown(failed: Scene) -> None:
    plan = {"verb": "upgrade", "services": ["duo"], "retry_failed": True}
    shown = failed.call("cockpit.plan", **plan)
    (past,) = shown["plan"]["apps"][0]["past"]
    assert past["reason"] == "blocked_build" and "and is tried once more" in past["told"]
    assert failed.call("cockpit.upgrade_service", service="duo", retry_failed=True, dry_run=True) == {
        **shown,
        "made_at": failed.call("cockpit.plan", **plan)["made_at"],
    }
    failed.engine.host().clock.sleep(3600)
    assert ended(failed, "upgrade_service", service="duo", retry_failed=True)["state"] == "rolled_back"
    fault = failed.fault("cockpit.apply", digest=shown["digest"])
    assert fault["code"] == STALE, "it failed again since"
    failed.machine.world.mended("ill")
    assert ended(failed, "apply", digest=failed.call("cockpit.plan", **plan)["digest"])["state"] == "done"
    assert version(failed.machine) == "3"


@pytest.mark.parametrize("word", ["past_hold", "retry_failed"])
def test_it_is_for_apps_that_are_named(held: Scene, word: str) -> None:
    assert held.fault("cockpit.plan", verb="upgrade", **{word: True})["code"] == USAGE
    assert held.fault("cockpit.upgrade_all", **{word: True})["code"] == USAGE
    assert version(held.machine) == "1"


def test_what_is_for_the_owner_stays_so_beside_it(held: Scene) -> None:
    fault = held.fault("cockpit.upgrade_service", service="duo", past_hold=True, allow_downgrade=True, reason="r")
    assert fault["data"]["code_name"] == "refused" and "--allow-downgrade" in fault["data"]["hint"]
