"""Holds and pins on a whole machine: what they stop, and when they end."""

from __future__ import annotations

import pytest

from cockpitpm.app.settings import channels, end_hold, hold_of, set_hold, set_pin
from cockpitpm.errors import ExitCode, MachineError, PlanError, UsageError
from cockpitpm.model.plan import Held
from cockpitpm.model.receipt import Verb
from cockpitpm.model.settings import Hold
from cockpitpm.model.status import Note
from tests.sim.machine import MachineSim
from tests.sim.steps import version

DAY = 24 * 3600


def test_a_held_app_is_upgraded_once_the_hold_has_ended(machine: MachineSim) -> None:
    hold = set_hold(machine.host(), "duo_admin", "2d", "demo on Sunday")
    assert "2026-06-14T08:" in hold.until
    machine.publish("2")
    (app,) = machine.run(Verb.UPGRADE, "duo").outcomes
    assert isinstance(app.decision, Held) and app.exit_code is ExitCode.REFUSED
    assert app.detail == f"held until {hold.until}: demo on Sunday"
    assert machine.code(Verb.UPGRADE) is ExitCode.DONE
    assert version(machine) == "1"
    machine.host().clock.sleep(2 * DAY)
    assert machine.code(Verb.UPGRADE, "duo") is ExitCode.DONE
    assert version(machine) == "2"
    assert machine.status().apps[0].remarks == ()


def test_a_held_app_costs_no_request(machine: MachineSim) -> None:
    set_hold(machine.host(), "duo", "", "frozen")
    before = list(machine.forge.requests)
    machine.run(Verb.UPGRADE)
    assert machine.forge.requests == before


def test_a_held_app_can_be_rolled_back_and_removed(machine: MachineSim) -> None:
    machine.publish("2")
    machine.run(Verb.UPGRADE, "duo")
    set_hold(machine.host(), "duo", "", "frozen")
    assert machine.code(Verb.ROLLBACK, "duo") is ExitCode.DONE
    assert version(machine) == "1"
    assert machine.code(Verb.REMOVE, "duo") is ExitCode.DONE
    assert machine.code(Verb.INSTALL, "duo") is ExitCode.REFUSED
    assert end_hold(machine.host(), "duo_server") and not end_hold(machine.host(), "duo")
    assert machine.code(Verb.INSTALL, "duo") is ExitCode.DONE


def test_status_tells_the_hold(machine: MachineSim) -> None:
    set_hold(machine.host(), "duo", "2026-12-24", "the fair")
    (remark,) = machine.status().apps[0].remarks
    assert remark.note is Note.HELD
    assert "2026-12-24T00:00:00Z" in remark.evidence and "the fair" in remark.evidence


def test_a_hold_is_stored_for_people_to_read(machine: MachineSim) -> None:
    set_hold(machine.host(), "duo", "2026-12-24T18:00:00+02:00", " the fair ")
    text = machine.host().layout.settings.read_text()
    assert text == "holds:\n  duo:\n    until: '2026-12-24T16:00:00Z'\n    reason: the fair\n"
    assert hold_of(machine.host(), "duo") == Hold(reason="the fair", until="2026-12-24T16:00:00Z")
    assert hold_of(machine.host(), "other") is None


@pytest.mark.parametrize("until", ["soon", "2026-02-30", "2026-06-12", "0d", "999999w"])
def test_an_end_that_is_none_or_past_changes_nothing(machine: MachineSim, until: str) -> None:
    with pytest.raises(UsageError):
        set_hold(machine.host(), "duo", until, "why")
    assert not machine.host().layout.settings.exists()


def test_a_hold_says_why_and_whom(machine: MachineSim) -> None:
    with pytest.raises(UsageError, match="reason"):
        set_hold(machine.host(), "duo", "", "  ")
    with pytest.raises(PlanError, match="nobody"):
        set_hold(machine.host(), "nobody", "", "why")


def test_an_app_that_the_catalog_lost_can_be_let_go(machine: MachineSim) -> None:
    settings = machine.host().layout.settings
    settings.parent.mkdir(parents=True)
    settings.write_text("holds: {gone: {reason: old}}\n")
    assert end_hold(machine.host(), "gone")


def test_a_pinned_app_has_that_release_whatever_its_channel_holds(machine: MachineSim) -> None:
    machine.publish("3", tag="v3")
    machine.publish("4")
    set_pin(machine.host(), "duo_server", "v3")
    (told,) = channels(machine.host())
    assert (told.channel, told.decided_by) == ("v3", "pins.duo in machine.yaml")
    assert machine.code(Verb.UPGRADE, "duo") is ExitCode.DONE
    assert version(machine) == "3"
    assert machine.code(Verb.UPGRADE) is ExitCode.DONE
    assert version(machine) == "3"
    set_pin(machine.host(), "duo", None)
    machine.run(Verb.UPGRADE, "duo")
    assert version(machine) == "4"


def test_a_tag_that_is_none_pins_nothing(machine: MachineSim) -> None:
    with pytest.raises(MachineError):
        set_pin(machine.host(), "duo", "../x")
    assert not machine.host().layout.settings.exists()
