"""What one look tells of services beside the truths: copies, settings that are not applied, who stopped them."""

from __future__ import annotations

from pathlib import Path

from cockpitpm.app import secrets
from cockpitpm.app.services import stop
from cockpitpm.app.status import probed, to_json
from cockpitpm.model.receipt import Verb
from cockpitpm.model.status import Note
from tests.sim.machine import DUO, MachineSim
from tests.unit.app.test_vigil import READY, behave, later


def test_two_at_one_socket(machine: MachineSim) -> None:
    path = f"{machine.root}/var/sockets/duo/admin.sock"
    with machine.world.changing() as state:
        state["holders"] = {path: [102, 377], "/elsewhere": [1, 2]}
    found = machine.service("duo_admin")
    assert found.copies and (found.copies.pids, found.copies.where) == ((102, 377), path)
    assert machine.service("duo_server").copies is None
    assert [r["note"] for r in to_json(machine.status())["apps"][0]["services"][1]["notes"]] == ["copied"]


WITH_ENV = DUO.replace("    probe: {kind: http, socket: admin", "    env: [{var: WORD, default: a, desc: x}]\n"
                       "    probe: {kind: http, socket: admin")  # fmt: skip


def test_a_secret_that_was_set_since_is_not_applied(root: Path) -> None:
    machine = MachineSim(root, WITH_ENV)
    machine.publish("1")
    machine.run(Verb.INSTALL, "duo")
    assert machine.service("duo_admin").unapplied == ()
    secrets.set_(machine.host(), "duo", "WORD", "s3cr3t-word")
    found = machine.service("duo_admin")
    assert found.unapplied == ("WORD",) and "s3cr3t-word" not in str(to_json(machine.status()))
    assert [(r.note, r.next_step) for r in found.remarks] == [(Note.UNAPPLIED, "cockpitpm converge duo_admin")]
    assert machine.service("duo_server").unapplied == ()
    before = machine.pids()
    assert machine.code(Verb.CONVERGE, "duo_admin") == 0
    assert machine.service("duo_admin").unapplied == () and machine.pids()["duo_admin"] != before["duo_admin"]
    assert machine.pids()["duo_server"] == before["duo_server"]


def test_secrets_that_cannot_be_read_say_nothing(machine: MachineSim) -> None:
    secrets.set_(machine.host(), "duo", "WORD", "x")
    place = machine.host().layout.settings.with_name("secrets") / "duo" / "WORD"
    place.unlink()
    place.symlink_to("/nowhere")
    with machine.world.changing() as state:
        state["services"]["duo_admin"]["definition"]["directory"] = "/elsewhere"
    assert machine.service("duo_admin").unapplied == ()


def test_who_stopped_it_is_kept_until_it_is_started(machine: MachineSim) -> None:
    stop(machine.host(), "duo_admin")
    first = machine.service("duo_admin").stop
    assert first and (first.by, first.at[:10]) == ("test", "2026-06-12")
    later(machine, 60)
    stop(machine.host(), "duo_admin")
    assert machine.service("duo_admin").stop == first, "it was stopped then already"
    machine.publish("2")
    machine.run(Verb.UPGRADE, "duo")
    assert machine.service("duo_admin").stop == first
    machine.run(Verb.START, "duo_admin")
    assert machine.service("duo_admin").stop is None
    machine.host().supervisor.stop("duo_admin")
    assert machine.service("duo_admin").stop is None, "that was somebody else"


def test_a_command_asks_once(machine: MachineSim) -> None:
    behave(machine, "duo_admin", "sick")
    assert all(s.unanswered is None for s in probed(machine.host()).apps[0].services)
    later(machine, READY)
    found = {s.name: s.unanswered for s in probed(machine.host()).apps[0].services}
    assert [name for name, known in found.items() if known] == ["duo_admin"]
    assert all(s.unanswered is None for s in machine.status().apps[0].services)
