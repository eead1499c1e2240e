"""One app whose `current` leads where we never led it: it is told as damaged, and no other app is held up by it."""

from __future__ import annotations

from pathlib import Path

import pytest

from cockpitpm.app.doctor import examine
from cockpitpm.app.recover import recover
from cockpitpm.app.services import stop
from cockpitpm.app.verify import Verdict, verify
from cockpitpm.errors import ExitCode, StoreError
from cockpitpm.model.ailment import Check
from cockpitpm.model.receipt import Verb
from cockpitpm.model.status import Note
from cockpitpm.record import generations
from cockpitpm.record.layout import Layout
from tests.sim.machine import HEADER, MachineSim
from tests.sim.world import program

APART = (
    HEADER
    + """\
name: apart
title: Apart
summary: One binary, one service.
category: core
repo: apart
targets: [linux-musl-x86_64]
binaries:
  - {name: apart_server, kind: server}
"""
)


def publish(machine: MachineSim, version: str) -> None:
    machine.forge.publish("apart", "latest", {"apart_server-linux-musl-x86_64": program(f"{version}-apart")})


@pytest.fixture
def odd(machine: MachineSim) -> MachineSim:
    """Beside duo, whose `current` is as it should be, apart: its own leads to a folder of somebody else."""
    machine.bundle(APART, "apart")
    publish(machine, "1")
    assert machine.code(Verb.INSTALL, "apart") is ExitCode.DONE
    current = current_of(machine)
    current.unlink()
    current.symlink_to("../elsewhere")
    return machine


def current_of(machine: MachineSim) -> Path:
    layout: Layout = machine.host().layout
    return layout.current("apart")


def test_it_is_told_as_damaged_and_the_others_as_they_are(odd: MachineSim) -> None:
    assert generations.apps(odd.host().layout) == ("apart", "duo")
    apart, duo = odd.status().apps
    assert [remark.note for remark in duo.remarks] == [] and duo.generation == 1
    (remark,) = apart.remarks
    assert remark.note is Note.DAMAGED and remark.next_step == "cockpitpm install apart"
    assert f"{current_of(odd)} leads to '../elsewhere', which is no folder of ours" in remark.evidence
    assert f"`rm {current_of(odd)}`" in remark.evidence


def test_the_others_are_upgraded(odd: MachineSim) -> None:
    odd.publish("2")
    publish(odd, "2")
    report = odd.run(Verb.UPGRADE)
    codes = {outcome.app: outcome.exit_code for outcome in report.outcomes}
    assert codes == {"apart": ExitCode.STORE, "duo": ExitCode.DONE}
    assert odd.versions()["duo_server"] == "2-duo_server" and odd.versions()["apart_server"] == "1-apart"
    assert current_of(odd).readlink() == Path("../elsewhere")


def test_it_is_recovered_and_stopped_beside_the_others(odd: MachineSim) -> None:
    assert recover(odd.host()) == ()
    assert stop(odd.host(), "duo_admin") == ("duo_admin",)


@pytest.mark.parametrize("name", [(), ("apart",)], ids=["all", "it alone"])
def test_it_is_verified_beside_the_others(odd: MachineSim, name: tuple[str, ...]) -> None:
    found = [one for one in verify(odd.host(), name) if one.differs]
    assert [(one.app, one.path, one.verdict) for one in found] == [("apart", str(current_of(odd)), Verdict.DAMAGED)]
    assert "no folder of ours" in found[0].told and f"`rm {current_of(odd)}`" in found[0].next_step
    (symptom,) = [one for one in examine(odd.host()).symptoms if one.check is Check.FILES]
    assert symptom.subject == str(current_of(odd))


def test_what_it_is_told_to_do_brings_it_back(odd: MachineSim) -> None:
    report = odd.run(Verb.INSTALL, "apart")
    assert [outcome.exit_code for outcome in report.outcomes] == [ExitCode.STORE]
    with pytest.raises(StoreError) as caught:
        generations.current_live(odd.host().layout, "apart")
    assert f"`rm {current_of(odd)}`" in caught.value.hint == report.outcomes[0].hint
    current_of(odd).unlink()
    assert odd.code(Verb.INSTALL, "apart") is ExitCode.DONE
    assert [remark for app in odd.status().apps for remark in app.remarks] == []
    assert odd.versions()["apart_server"] == "1-apart"
