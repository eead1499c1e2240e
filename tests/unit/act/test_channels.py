"""A channel is followed by its content, with as few questions as that takes."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from attrs import evolve

from cockpitpm.app.refresh import refresh
from cockpitpm.errors import ExitCode, ForgeUnreachable
from cockpitpm.model.plan import Reason, Refused, UpToDate
from cockpitpm.model.receipt import Verb
from cockpitpm.model.status import ChannelTruth, Note
from tests.sim.machine import MachineSim
from tests.sim.world import program


@pytest.fixture
def machine(root: Path) -> MachineSim:
    made = MachineSim(root)
    made.publish("1")
    assert made.code(Verb.INSTALL, "duo") is ExitCode.DONE
    return made


def asked(machine: MachineSim, verb: Verb) -> list[str]:
    before = len(machine.forge.requests)
    machine.run(verb, "duo")
    return machine.forge.requests[before:]


def test_nothing_changed_is_one_question(machine: MachineSim) -> None:
    assert asked(machine, Verb.UPGRADE) == ["release duo latest"]


def test_other_bytes_under_the_same_tag_are_noticed(machine: MachineSim) -> None:
    machine.publish("2")
    first, second, *rest = asked(machine, Verb.UPGRADE)
    assert first == "release duo latest" and second.startswith("ancestry duo ")
    assert len(rest) == 2 and all(r.startswith("fetch ") for r in rest)


def test_the_same_bytes_published_again_restart_nothing_and_are_told(machine: MachineSim) -> None:
    before = machine.pids()
    machine.publish("1")
    (outcome,) = machine.run(Verb.UPGRADE, "duo").outcomes
    assert outcome.decision == UpToDate(why="the same bytes were published again")
    assert machine.pids() == before
    assert asked(machine, Verb.UPGRADE) == ["release duo latest"]


def test_a_tag_that_moved_without_files_waits_for_them(machine: MachineSim) -> None:
    key = ("duo", "latest")
    machine.forge.releases[key] = evolve(machine.forge.releases[key], id="77", commit="c" * 40)
    (outcome,) = machine.run(Verb.UPGRADE, "duo").outcomes
    assert isinstance(outcome.decision, UpToDate) and "latest moved to ccccccc" in outcome.decision.why


def test_status_tells_what_was_read_last_and_never_asks(machine: MachineSim) -> None:
    machine.publish("2")
    before = len(machine.forge.requests)
    assert machine.service("duo_server").channel is ChannelTruth.SAME
    assert len(machine.forge.requests) == before
    assert refresh(machine.host()) == {}
    service = machine.service("duo_server")
    assert service.channel is ChannelTruth.BEHIND
    assert [r.note for r in service.remarks] == [Note.BEHIND]
    assert machine.code(Verb.UPGRADE, "duo") is ExitCode.DONE
    assert machine.service("duo_server").channel is ChannelTruth.SAME
    assert refresh(machine.host()) == {}
    assert machine.service("duo_server").channel is ChannelTruth.SAME


def test_without_a_forge_everything_but_upgrade_works(machine: MachineSim) -> None:
    machine.publish("2")
    machine.run(Verb.UPGRADE, "duo")
    machine.forge.down = ForgeUnreachable("The forge does not answer", "Try later")
    assert machine.code(Verb.UPGRADE, "duo") is ExitCode.FORGE
    assert set(machine.versions().values()) == {"2-duo_server", "2-duo_admin"}
    assert list(refresh(machine.host())) == ["duo"]
    assert machine.code(Verb.ROLLBACK, "duo") is ExitCode.DONE
    assert not machine.service("duo_server").remarks


def test_a_forge_that_must_prove_its_bytes(root: Path) -> None:
    machine = MachineSim(root)
    settings = machine.host().layout.settings
    settings.parent.mkdir(parents=True)
    settings.write_text("forges:\n  default: {kind: forgejo, url: 'https://forge.example.org', require: checksum}\n")
    machine.publish("1")
    (told,) = machine.run(Verb.INSTALL, "duo").outcomes
    assert isinstance(told.decision, Refused) and told.decision.reason is Reason.MISSING_PROOF
    assets = {f"{name}-linux-musl-x86_64": program(f"1-{name}") for name in ("duo_server", "duo_admin")}
    lines = "".join(f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in assets.items())
    machine.forge.publish("duo", "latest", {**assets, "SHA256SUMS": lines.encode()})
    assert machine.code(Verb.INSTALL, "duo") is ExitCode.DONE
