"""What changes a machine by JSON-RPC: orders become jobs, jobs end as the command line would."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from cockpitpm.app import change as changing
from cockpitpm.app import job_run
from cockpitpm.app.change import exit_code
from cockpitpm.app.report import to_json
from cockpitpm.model.plan import Request
from cockpitpm.model.receipt import Verb
from cockpitpm.record import jobs
from cockpitpm.record.lock import Holder, locked
from tests.sim.machine import SERVICES, MachineSim
from tests.sim.world import program
from tests.unit.rpc.scene import Scene

UNKNOWN_NAME, REFUSED, LOCKED, STALE, UNKNOWN_JOB, KEY_TAKEN, PLAN = (
    -31007,
    -31002,
    -31006,
    -31001,
    -31008,
    -31009,
    -31010,
)
ORDERS = ("install_service", "upgrade_service", "rollback", "remove", "adopt", "start", "restart", "converge")
NAMED = (*ORDERS, "stop", "logs", "receipts", "history", "explain", "verify", "unhold", "refresh")


def more(method: str) -> dict[str, Any]:
    """What a method needs beside the name."""
    return (
        {"reason": "by hand"} if method in ("adopt", "hold") else {"channel": "beta"} if method == "set_channel" else {}
    )


def ended(scene: Scene, method: str, **params: Any) -> dict[str, Any]:
    """A job, looked at when it has ended."""
    job = scene.call(f"cockpit.{method}", **params)["job"]
    found: dict[str, Any] = scene.call("cockpit.job", id=job["id"])
    return found


@pytest.mark.parametrize("name", ["duo", "duo_admin", "duo_server", "duo_second_server"])
def test_any_name_upgrades_the_app_it_leads_to(scene: Scene, name: str) -> None:
    job = ended(scene, "upgrade_service", service=name)
    assert (job["state"], job["apps"], job["asked_from"]) == ("done", ["duo"], name)
    assert set(scene.machine.versions().values()) == {"2-duo_server", "2-duo_admin"}


def test_the_result_of_a_job_is_what_the_command_line_prints(root: Path) -> None:
    def made(folder: Path) -> Scene:
        scene = Scene(folder)
        scene.machine.publish("1")
        return scene

    by_rpc = made(root / "a")
    by_rpc.actor = "test"
    job = ended(by_rpc, "install_service", service="duo")
    (root / "a").rename(root / "gone")
    by_hand = made(root / "a")
    report = changing.change(
        by_hand.engine.host("test"), Request(verb=Verb.INSTALL, names=("duo",), actor="test"), lambda _: True
    )
    told = to_json(report, exit_code(report, everything=False))
    assert untimed(job["result"]) == untimed(told)
    assert job["exit_code"] == told["exit_code"] == 0


def untimed(tree: Any) -> Any:
    """Without the random part of a transaction's name."""
    if isinstance(tree, dict):
        return {key: "" if key == "transaction" else untimed(value) for key, value in tree.items()}
    return [untimed(one) for one in tree] if isinstance(tree, list) else tree


def test_a_named_app_that_is_held_ends_as_on_the_command_line(scene: Scene) -> None:
    scene.call("cockpit.hold", service="duo", reason="demo")
    job = ended(scene, "upgrade_service", service="duo")
    assert (job["state"], job["exit_code"]) == ("refused", 21)
    everything = ended(scene, "upgrade_all")
    assert (everything["state"], everything["exit_code"]) == ("done", 0), "one that waits is no failure of all"


def test_a_build_that_does_not_come_up_is_rolled_back(scene: Scene) -> None:
    scene.machine.publish("3", "sick")
    job = ended(scene, "upgrade_service", service="duo", reason="try it")
    assert (job["state"], job["exit_code"], job["reason"]) == ("rolled_back", 20, "try it")
    ways = {step["phase"]: step["state"] for step in job["steps"]}
    assert (ways["restart"], ways["undo"], ways["record"]) == ("failed", "done", "done")
    assert [event["kind"] for event in job["events"]][-1] == "end"
    later = scene.call("cockpit.job", id=job["id"], after=job["last"] - 1)
    assert [event["n"] for event in later["events"]] == [job["last"]]


def test_who_asked_is_in_the_history(scene: Scene) -> None:
    scene.actor = "mik"
    ended(scene, "restart", service="duo_admin")
    line = scene.call("cockpit.history", limit=1)["history"][0]
    assert (line["actor"], line["verb"], line["app"]) == ("mik", "restart", "duo")


def test_one_service_is_started_and_not_its_siblings(scene: Scene) -> None:
    assert scene.call("cockpit.stop", service="duo") == {"stopped": list(SERVICES), "dry_run": False}
    assert ended(scene, "start", service="duo_admin")["state"] == "done"
    assert {name for name, version in scene.machine.versions().items() if version} == {"duo_admin"}


def test_a_service_is_another_order_than_its_sibling(scene: Scene) -> None:
    scene.going = False
    first = scene.call("cockpit.restart", service="duo_admin")
    other = scene.call("cockpit.restart", service="duo_server")
    again = scene.call("cockpit.restart", service="duo_admin")
    assert (first["new"], other["new"], again["new"]) == (True, True, False)
    assert first["job"]["id"] == again["job"]["id"] != other["job"]["id"]


def test_stop_may_be_tried_first(scene: Scene) -> None:
    before = scene.machine.pids()
    assert scene.call("cockpit.stop", service="duo_admin", dry_run=True) == {"stopped": ["duo_admin"], "dry_run": True}
    assert scene.machine.pids() == before


def test_the_same_key_is_the_same_job(scene: Scene) -> None:
    first = scene.call("cockpit.upgrade_service", service="duo", key="k1")
    again = scene.call("cockpit.upgrade_service", service="duo", key="k1")
    assert (first["new"], again["new"]) == (True, False) and again["job"]["id"] == first["job"]["id"]
    assert again["job"]["state"] == "done"
    assert len(scene.call("cockpit.jobs")["jobs"]) == 1
    fault = scene.fault("cockpit.remove", service="duo", key="k1")
    assert fault["code"] == KEY_TAKEN and not fault["data"]["retryable"]
    assert scene.call("cockpit.upgrade_service", service="duo", key="k2")["new"]


def test_a_key_holds_after_its_app_is_gone(scene: Scene) -> None:
    ended(scene, "remove", service="duo", key="k")
    (scene.machine.folder / "bundles" / "base" / "duo.yaml").unlink()
    assert not scene.call("cockpit.remove", service="duo", key="k")["new"]
    assert scene.fault("cockpit.remove", service="duo")["code"] == UNKNOWN_NAME


def test_dry_run_plans_and_changes_nothing(scene: Scene) -> None:
    before = scene.machine.pids()
    found = scene.call("cockpit.upgrade_service", service="duo_admin", dry_run=True)
    assert [app["decision"]["is"] for app in found["plan"]["apps"]] == ["upgrade"]
    assert scene.machine.pids() == before and scene.call("cockpit.jobs") == {"jobs": []}
    same = scene.call("cockpit.plan", verb="upgrade", services=["duo_admin"])
    assert same["digest"] == found["digest"]


def test_a_plan_is_carried_out_by_its_digest(scene: Scene) -> None:
    digest = scene.call("cockpit.plan", verb="upgrade", services=["duo"])["digest"]
    job = ended(scene, "apply", digest=digest, key="k")
    assert (job["state"], job["plan"], job["actor"]) == ("done", digest, "rpc")
    assert not scene.call("cockpit.apply", digest=digest, key="k")["new"], "the same key, although the plan is past"
    fault = scene.fault("cockpit.apply", digest=digest)
    assert (fault["code"], fault["data"]["code_name"]) == (STALE, "stale_plan")


def test_a_plan_that_is_under_way_is_its_job(scene: Scene) -> None:
    scene.going = False
    digest = scene.call("cockpit.plan", verb="upgrade", services=["duo"])["digest"]
    first = scene.call("cockpit.apply", digest=digest)
    assert not scene.call("cockpit.apply", digest=digest)["new"]
    assert scene.call("cockpit.upgrade_service", service="duo_admin")["job"]["id"] == first["job"]["id"]


def test_a_stale_plan_orders_nothing(scene: Scene) -> None:
    digest = scene.call("cockpit.plan", verb="upgrade", services=["duo"])["digest"]
    scene.machine.publish("3")
    pids = scene.machine.pids()
    fault = scene.fault("cockpit.apply", digest=digest)
    assert fault["code"] == STALE and "changed" in fault["message"]
    assert scene.call("cockpit.jobs") == {"jobs": []} and scene.machine.pids() == pids
    assert scene.fault("cockpit.apply", digest="a" * 64)["code"] == STALE


@pytest.mark.parametrize("method", [*NAMED, "hold", "set_channel"])
def test_an_unknown_name_is_refused_before_anything_is_done(root: Path, method: str) -> None:
    scene = Scene(root)
    scene.owner = True
    shutil.rmtree(scene.root)
    fault = scene.fault(f"cockpit.{method}", service="nobody", **more(method))
    assert (fault["code"], fault["data"]["code_name"]) == (UNKNOWN_NAME, "unknown_name")
    assert not scene.root.exists(), "not even a root was made"


@pytest.mark.parametrize("method", [*NAMED, "hold", "set_channel"])
def test_an_admin_bundle_is_to_a_tester_as_if_there_were_none(root: Path, method: str) -> None:
    with_it, without = (Scene(root / folder) for folder in ("with", "without"))
    with_it.owner = without.owner = True
    with_it.machine.bundle(ADMIN, "secret_app", "admin")
    for name in ("secret_app", "secret_server", "secret_rider"):
        assert name in Scene(root / "with", env_role="admin").engine.host().catalog.names
        told = [scene.fault(f"cockpit.{method}", service=name, **more(method)) for scene in (with_it, without)]
        assert told[0] == told[1] and told[0]["code"] == UNKNOWN_NAME


ADMIN = """# yaml-language-server: $schema=../../schema/bundle.schema.json
name: secret_app
title: Secret
summary: Only for the admin role.
category: core
repo: secret
targets: [linux-musl-x86_64]
binaries:
  - name: secret_server
    kind: server
    sockets: [{name: rpc, path: secret/rpc.sock}]
    probe: {kind: http, socket: rpc, path: /health}
restart_only:
  - {name: secret_rider, runs: secret_server}
"""


def test_who_holds_the_machine_is_named(scene: Scene) -> None:
    me = scene.engine.host().processes.now()
    holder = Holder(pid=1, start_ticks=0, boot_id=me[0], command="cockpitpm upgrade", since="2026-06-12T08:00:00Z")
    with locked(scene.engine.host().layout.lock, holder):
        for method in ("stop", "hold", "set_channel", "unhold", "refresh"):
            fault = scene.fault(f"cockpit.{method}", service="duo", **more(method))
            assert fault["code"] == LOCKED and fault["data"]["retryable"], method
            assert "cockpitpm upgrade" in fault["message"]
        scene.going = False
        assert scene.call("cockpit.upgrade_service", service="duo")["job"]["state"] == "waiting"
    job_run.run(scene.engine.host, 1)
    assert scene.call("cockpit.job", id=1)["state"] == "done"


def test_ways_through_are_for_the_owner_and_need_a_reason(scene: Scene) -> None:
    for method in ("install_service", "upgrade_service"):
        fault = scene.fault(f"cockpit.{method}", service="duo", allow_downgrade=True, reason="because")
        assert fault["code"] == REFUSED and "--allow-downgrade" in fault["data"]["hint"]
    assert scene.fault("cockpit.plan", verb="adopt", reason="because", services=["duo"])["code"] == REFUSED
    scene.owner = "yes"
    assert scene.fault("cockpit.adopt", service="duo", reason="because")["code"] == REFUSED
    scene.owner = True
    assert scene.fault("cockpit.adopt", service="duo", reason="  ")["code"] == -32602
    digest = scene.call("cockpit.upgrade_service", service="duo", allow_downgrade=True, reason="r", dry_run=True)[
        "digest"
    ]
    scene.owner = None
    assert scene.fault("cockpit.apply", digest=digest)["code"] == REFUSED, "a plan is no way around it"
    scene.owner = True
    job = ended(scene, "upgrade_service", service="duo", allow_downgrade=True, reason="because")
    assert job["state"] == "done"
    assert scene.call("cockpit.history", limit=1)["history"][0]["reason"] == "because"


def test_bytes_made_by_hand_are_adopted(scene: Scene) -> None:
    scene.owner = True
    entry = scene.root / "bin" / "duo_admin"
    entry.unlink()
    entry.write_bytes(program("by hand"))
    entry.chmod(0o755)
    assert ended(scene, "adopt", service="duo", reason="a fix")["state"] == "done"


def test_a_job_that_waits_can_be_cancelled_and_one_that_ended_cannot(scene: Scene) -> None:
    scene.going = False
    job = scene.call("cockpit.upgrade_service", service="duo")["job"]
    assert scene.call("cockpit.cancel_job", id=job["id"])["job"]["state"] == "cancelled"
    fault = scene.fault("cockpit.cancel_job", id=job["id"])
    assert fault["code"] == PLAN and "has ended" in fault["message"]
    for method in ("job", "cancel_job"):
        assert scene.fault(f"cockpit.{method}", id=99)["code"] == UNKNOWN_JOB


def test_jobs_are_listed_newest_first_by_whichever_server(scene: Scene) -> None:
    for _ in range(3):
        ended(scene, "restart", service="duo_admin")
    other = Scene(scene.machine.folder)
    assert [job["id"] for job in other.call("cockpit.jobs")["jobs"]] == [3, 2, 1]
    assert [job["id"] for job in other.call("cockpit.jobs", limit=1)["jobs"]] == [3]
    assert jobs.numbers(other.engine.host().layout) == (1, 2, 3)


def test_an_older_generation_comes_back_and_an_app_goes(scene: Scene) -> None:
    ended(scene, "upgrade_service", service="duo")
    assert ended(scene, "rollback", service="duo", to=1)["state"] == "done"
    assert "1-duo_server" in scene.machine.versions().values()
    assert ended(scene, "remove", service="duo_admin")["state"] == "done"
    assert scene.call("cockpit.list_services") == []


def test_a_machine_that_cannot_be_read_says_so(scene: Scene) -> None:
    settings = scene.engine.host().layout.settings
    settings.parent.mkdir(parents=True, exist_ok=True)
    settings.write_text("role: [")
    assert scene.fault("cockpit.list_services")["code"] == -31011
    assert scene.fault("cockpit.upgrade_service", service="duo")["code"] == -31011


def test_what_is_not_installed_cannot_be_stopped(bare: Scene) -> None:
    assert bare.fault("cockpit.stop", service="duo")["code"] == PLAN
    assert json.dumps(bare.fault("cockpit.logs", service="duo"))


def test_the_machine_of_the_simulators_is_that_of_the_command_line(scene: Scene) -> None:
    """Command line and server agree, whoever changed what."""
    machine = MachineSim(scene.machine.folder)
    machine.forge = scene.forge
    machine.run(Verb.UPGRADE, "duo")
    assert {row["build"]["commit"] for row in scene.call("cockpit.list_services")} == {
        receipt["commit"] for receipt in scene.call("cockpit.receipts")["receipts"]
    }
    ended(scene, "rollback", service="duo")
    assert {s.receipt.commit for a in machine.status().apps for s in a.services if s.receipt} == {
        row["build"]["commit"] for row in scene.call("cockpit.list_services")
    }
