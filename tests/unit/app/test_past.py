"""An upgrade past a hold, and a second try of a build that failed, on a whole machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from cockpitpm.app import planfile
from cockpitpm.app.settings import end_hold, hold_of, set_hold
from cockpitpm.errors import ExitCode
from cockpitpm.model.codec import encode
from cockpitpm.model.plan import NAMED, Held, Reason, Refused, Request, Upgrade
from cockpitpm.model.receipt import ActivationRecord, Verb
from cockpitpm.model.settings import Hold
from cockpitpm.model.state import BlockedBuild
from cockpitpm.record import documents, history, state
from tests.sim.machine import MachineSim
from tests.sim.steps import version

HOLD, RETRY = (Reason.HOLD,), (Reason.BLOCKED_BUILD,)


@pytest.fixture
def failed(machine: MachineSim) -> MachineSim:
    """Build 2 was tried while the machine was ill, and did not come up: the forge still offers it."""
    machine.world.fault("ill")
    machine.publish("2", "frail")
    assert machine.code(Verb.UPGRADE, "duo") is ExitCode.ROLLED_BACK
    return machine


def blocked(machine: MachineSim) -> tuple[BlockedBuild, ...]:
    return state.read(machine.host().layout, "duo").blocked


def last(machine: MachineSim) -> ActivationRecord:
    return list(history.entries(machine.host().layout.history))[-1]


def test_a_held_app_is_upgraded_once_and_stays_held(machine: MachineSim) -> None:
    hold = set_hold(machine.host(), "duo", "2d", "the fair")
    before = machine.host().layout.settings.read_bytes()
    machine.publish("2")
    report = machine.run(Verb.UPGRADE, "duo", allow=HOLD, reason="the fix cannot wait")
    assert report.outcomes[0].exit_code is ExitCode.DONE and version(machine) == "2"
    assert hold_of(machine.host(), "duo") == hold == Hold(reason="the fair", until=hold.until)
    assert machine.host().layout.settings.read_bytes() == before
    line = last(machine)
    assert (line.actor, line.reason, line.allowed) == ("test", "the fix cannot wait", ("hold",))
    machine.publish("3")
    (told,) = machine.run(Verb.UPGRADE, "duo").outcomes
    assert isinstance(told.decision, Held) and told.exit_code is ExitCode.REFUSED
    assert "cockpitpm upgrade duo --past-hold" in told.hint
    assert version(machine) == "2"


def test_what_is_not_here_is_installed_past_its_hold(root: Path) -> None:
    machine = MachineSim(root)
    machine.publish("1")
    hold = set_hold(machine.host(), "duo", "", "not yet")
    (told,) = machine.run(Verb.INSTALL, "duo").outcomes
    assert isinstance(told.decision, Held) and "`cockpitpm install duo --past-hold`" in told.hint
    assert machine.code(Verb.INSTALL, "duo", allow=HOLD) is ExitCode.DONE
    assert version(machine) == "1" and hold_of(machine.host(), "duo") == hold


def test_a_broken_build_past_a_hold_goes_back_and_the_hold_stays(machine: MachineSim) -> None:
    hold = set_hold(machine.host(), "duo", "", "the fair")
    machine.publish("2", "sick")
    assert machine.code(Verb.UPGRADE, "duo", allow=HOLD) is ExitCode.ROLLED_BACK
    assert version(machine) == "1" and hold_of(machine.host(), "duo") == hold
    (told,) = machine.run(Verb.UPGRADE, "duo", allow=HOLD).outcomes
    assert isinstance(told.decision, Refused) and told.decision.reason is Reason.BLOCKED_BUILD
    assert "`cockpitpm upgrade duo --past-hold --retry-failed`" in told.hint


def test_all_apps_go_past_nothing_and_a_held_one_costs_no_request(failed: MachineSim) -> None:
    (told,) = failed.run(Verb.UPGRADE, allow=NAMED).outcomes
    assert isinstance(told.decision, Refused) and told.decision.reason is Reason.BLOCKED_BUILD
    set_hold(failed.host(), "duo", "", "the fair")
    before = list(failed.forge.requests)
    (told,) = failed.run(Verb.UPGRADE, allow=NAMED).outcomes
    assert isinstance(told.decision, Held) and failed.forge.requests == before
    assert version(failed) == "1"


def test_the_history_tells_only_what_was_really_gone_past(machine: MachineSim) -> None:
    machine.publish("2")
    assert machine.code(Verb.UPGRADE, "duo", allow=NAMED) is ExitCode.DONE
    assert last(machine).allowed == ()


def test_a_second_failure_rolls_back_and_blocks_again(failed: MachineSim) -> None:
    (first,) = blocked(failed)
    (told,) = failed.run(Verb.UPGRADE, "duo").outcomes
    assert isinstance(told.decision, Refused) and told.decision.reason is Reason.BLOCKED_BUILD
    assert "`cockpitpm upgrade duo --retry-failed`" in told.hint
    failed.host().clock.sleep(3600)
    report = failed.run(Verb.UPGRADE, "duo", allow=RETRY, reason="the disk was full")
    assert report.outcomes[0].exit_code is ExitCode.ROLLED_BACK
    assert version(failed) == "1" and all(failed.pids().values())
    line = last(failed)
    assert (line.reason, line.allowed) == ("the disk was full", ("blocked_build",))
    (again,) = blocked(failed)
    assert (again.build, again.uuids) == (first.build, first.uuids) and again.at > first.at
    assert failed.code(Verb.UPGRADE, "duo") is ExitCode.REFUSED


def test_a_try_that_goes_well_unblocks_the_build(failed: MachineSim) -> None:
    failed.world.mended("ill")
    assert failed.code(Verb.UPGRADE, "duo") is ExitCode.REFUSED, "nobody asked for it"
    uuids = {asset.uuid for asset in failed.forge.releases["duo", "latest"].assets}
    report = failed.run(Verb.UPGRADE, "duo", allow=RETRY, reason="the disk was full")
    assert report.outcomes[0].exit_code is ExitCode.DONE and version(failed) == "2"
    assert {receipt.uuid for receipt in report.outcomes[0].receipts} == uuids, "exactly that build"
    assert blocked(failed) == () and last(failed).allowed == ("blocked_build",)
    assert failed.code(Verb.UPGRADE, "duo") is ExitCode.DONE


def test_what_its_operator_left_can_be_tried_again(machine: MachineSim) -> None:
    machine.publish("2")
    machine.run(Verb.UPGRADE, "duo")
    machine.run(Verb.ROLLBACK, "duo")
    assert machine.code(Verb.UPGRADE, "duo") is ExitCode.REFUSED
    assert machine.code(Verb.UPGRADE, "duo", allow=RETRY) is ExitCode.DONE
    assert version(machine) == "2" and blocked(machine) == ()


def test_bytes_that_failed_are_tried_again_under_other_uploads(failed: MachineSim) -> None:
    """CI built the same bytes anew: only the download tells."""
    failed.world.mended("ill")
    failed.publish("2", "frail")
    (told,) = failed.run(Verb.UPGRADE, "duo").outcomes
    assert isinstance(told.decision, Refused) and told.decision.reason is Reason.BLOCKED_BUILD
    assert "`cockpitpm upgrade duo --retry-failed`" in told.hint
    assert failed.code(Verb.UPGRADE, "duo", allow=RETRY) is ExitCode.DONE
    assert version(failed) == "2" and blocked(failed) == ()
    assert last(failed).allowed == ("blocked_build",)


def test_a_saved_plan_goes_past_what_it_was_made_for_and_nothing_else(failed: MachineSim) -> None:
    wish = Request(verb=Verb.UPGRADE, names=("duo_admin",), allow=RETRY, actor="test")
    path = failed.folder / "tonight.plan"
    planfile.save(path, planfile.make(failed.host(), wish))
    set_hold(failed.host(), "duo", "", "the fair")
    with pytest.raises(planfile.Unfit, match="duo is now held without an end: the fair"):
        planfile.check(failed.host(), planfile.load(path))
    end_hold(failed.host(), "duo")
    failed.host().clock.sleep(3600)
    assert failed.code(Verb.UPGRADE, "duo", allow=RETRY) is ExitCode.ROLLED_BACK
    with pytest.raises(planfile.Unfit, match="failed here on"):
        planfile.check(failed.host(), planfile.load(path))
    planfile.save(path, planfile.make(failed.host(), wish))
    failed.world.mended("ill")
    report = planfile.apply(failed.host(), planfile.load(path), lambda _: True)
    assert report.outcomes[0].exit_code is ExitCode.DONE and version(failed) == "2"


def test_a_plan_that_was_saved_before_there_was_a_way_past_is_carried_out(machine: MachineSim) -> None:
    machine.publish("2")
    path = machine.folder / "old.plan"
    saved = planfile.make(machine.host(), Request(verb=Verb.UPGRADE, names=("duo",), actor="test"))
    tree = encode(saved)
    assert [app.pop("past") for app in tree["plan"]["apps"]] == [[]]
    documents.write(path, tree)
    assert planfile.load(path) == saved
    report = planfile.apply(machine.host(), planfile.load(path), lambda _: True)
    assert isinstance(report.plan.apps[0].decision, Upgrade) and version(machine) == "2"
