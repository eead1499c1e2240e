"""Four things are wrong at once and the supervisor says that all is well: each is told for what it is."""

from __future__ import annotations

from pathlib import Path

from cockpitpm.app.refresh import refresh
from cockpitpm.app.status import status, to_json
from cockpitpm.errors import ExitCode
from cockpitpm.model.receipt import Verb
from tests.sim.machine import MachineSim
from tests.sim.world import program


def test_drifted_pending_behind_and_failed(root: Path) -> None:
    machine = MachineSim(root)
    machine.publish("1")
    assert machine.code(Verb.INSTALL, "duo") is ExitCode.DONE
    server = machine.root / "bin" / "duo_server"
    fresh = server.with_name("fresh")
    fresh.write_bytes(program("mine-duo_server"))
    fresh.rename(server)
    assert machine.code(Verb.ADOPT, "duo") is ExitCode.DONE  # other bytes are in place now, nobody restarted anything
    (machine.root / "bin" / "duo_admin").write_bytes(program("edited-duo_admin"))
    machine.world.die("duo_second_server")
    machine.publish("2")
    assert refresh(machine.host()) == {}
    machine.world.fault("lie")
    (app,) = to_json(status(machine.host(), ("duo",)))["apps"]
    said = {s["name"]: s["supervisor_says"] for s in app["services"]}
    notes = {s["name"]: {n["note"] for n in s["notes"]} for s in app["services"]}
    assert {s["state"] for s in app["services"]} == {"running"}, said
    assert notes == {
        "duo_server": {"pending", "behind"},
        "duo_admin": {"drifted", "behind"},
        "duo_second_server": {"failed", "behind"},
    }
    truths = {s["name"]: {k: v["is"] for k, v in s["truths"].items()} for s in app["services"]}
    assert truths["duo_server"] == {"process": "old", "file": "recorded", "receipt": "recorded", "channel": "behind"}
    assert truths["duo_admin"]["file"] == "drifted"
    assert truths["duo_second_server"]["process"] == "nothing"
    assert all(n["evidence"] and n["next"] for s in app["services"] for n in s["notes"])
