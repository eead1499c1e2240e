"""Four truths about a service, told apart, and what an operator should do about them."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve

from cockpitpm.decide.truths import report
from cockpitpm.model.process import FileId, Image
from cockpitpm.model.service import Runs, ServiceState, ServiceStatus, Wanted
from cockpitpm.model.state import Flip
from cockpitpm.model.status import AppReport, ChannelTruth, FileTruth, Note, ServiceReport
from tests.cases.scene import BOOT, app_facts, bundles
from tests.cases.stands import ALL


def told(unfinished: str = "", bundle: str = "duo", **tree: Any) -> AppReport:
    facts = app_facts("duo", {"wanted": ALL, **tree}, bundles()[bundle])
    return report(facts, "2026-06-12T09:00:00Z" if facts.installed else "", unfinished)


def service(name: str, **tree: Any) -> ServiceReport:
    return next(s for s in told(**{"installed": "A", **tree}).services if s.name == name)


def notes(found: ServiceReport) -> list[tuple[Note, str]]:
    return [(remark.note, remark.next_step) for remark in found.remarks]


def test_a_service_that_is_well_has_no_remarks() -> None:
    found = service("duo_admin")
    assert (found.state, found.process, found.file, found.channel) == (
        ServiceState.RUNNING,
        Runs.CURRENT,
        FileTruth.RECORDED,
        ChannelTruth.UNKNOWN,
    )
    assert found.receipt and found.process_sha256 == found.file_sha256 == found.receipt.sha256
    assert (found.pid, found.installed_at, found.remarks) == (101, "2026-06-12T09:00:00Z", ())


def test_an_app_that_is_not_installed_has_no_services() -> None:
    found = told()
    assert (found.generation, found.title, found.layer, found.services, found.remarks) == (0, "Duo", "base", (), ())


def test_an_interrupted_transaction_is_told() -> None:
    assert [(r.note, r.next_step) for r in told("t17", installed="A").remarks] == [
        (Note.UNFINISHED, "cockpitpm recover")
    ]


def test_an_app_that_the_role_does_not_see_is_unlisted() -> None:
    facts = evolve(app_facts("duo", {"installed": "A"}, bundles()["duo"]), declared=None)
    (remark,) = report(facts, "", "").remarks
    assert (remark.note, remark.next_step) == (Note.UNLISTED, "cockpitpm remove duo")


def test_damaged_records_are_told_even_of_an_unlisted_app() -> None:
    facts = app_facts("duo", {"installed": "A", "damaged": "cut short"}, bundles()["duo"])
    (remark,) = report(evolve(facts, declared=None), "", "").remarks
    assert (remark.note, remark.evidence, remark.next_step) == (Note.DAMAGED, "cut short", "cockpitpm install duo")


@pytest.mark.parametrize(
    ("word", "runs", "note"),
    [
        ("behind", Runs.OLD, Note.PENDING),
        ("foreign", Runs.OTHER, Note.PENDING),
        ("failed", Runs.NOTHING, Note.FAILED),
        ("exited", Runs.NOTHING, Note.FAILED),
    ],
)
def test_a_process_that_does_not_run_the_bytes_is_told_with_the_command_that_mends_it(
    word: str, runs: Runs, note: Note
) -> None:
    found = service("duo_admin", services={"duo_admin": word})
    assert (found.process, found.process_sha256) == (runs, None)
    assert notes(found) == [(note, "cockpitpm converge duo_admin")]


def test_a_script_that_may_be_older_is_unverified() -> None:
    facts = app_facts("duo", {"installed": "A", "wanted": ALL}, bundles()["duo"])
    shell = Image(pid=101, start_ticks=1, file=FileId(dev=9, ino=9), deleted=False, argv=("sh",))
    services = {**facts.services, "duo_admin": evolve(facts.services["duo_admin"], images=(shell,))}
    flips = (Flip(live="1.t", boot_id=BOOT, begun=0, ended=1, hashes=facts.in_place.hashes),)
    place = evolve(facts.in_place, scripts=frozenset({"duo_admin"}), flips=flips)
    found = report(evolve(facts, services=services, in_place=place), "", "").services[1]
    assert notes(found) == [(Note.UNVERIFIED, "cockpitpm converge duo_admin")]


def test_a_service_that_an_operator_stopped_is_no_failure() -> None:
    found = service("duo_admin", services={"duo_admin": "stopped"})
    assert (found.wanted, notes(found)) == (Wanted.STOPPED, [(Note.STOPPED, "cockpitpm start duo_admin")])


def test_a_service_that_runs_although_it_was_stopped_needs_no_remark() -> None:
    assert notes(service("duo_admin", wanted={**ALL, "duo_admin": "stopped"})) == []


def test_a_supervisor_that_gave_up_on_a_process_that_lives_is_told() -> None:
    facts = app_facts("duo", {"installed": "A", "wanted": ALL}, bundles()["duo"])
    status = ServiceStatus(name="duo_admin", state=ServiceState.FAILED, pid=101, raw="FATAL")
    services = {**facts.services, "duo_admin": evolve(facts.services["duo_admin"], status=status)}
    found = report(evolve(facts, services=services), "", "").services[1]
    assert notes(found) == [(Note.FAILED, "cockpitpm logs duo_admin")]
    assert "FATAL" in found.remarks[0].evidence


@pytest.mark.parametrize(
    ("word", "truth"),
    [
        ("patched", FileTruth.DRIFTED),
        ("foreign", FileTruth.DRIFTED),
        ("dangling", FileTruth.DRIFTED),
        ("absent", FileTruth.MISSING),
    ],
)
def test_a_file_that_is_not_the_recorded_one_is_drift(word: str, truth: FileTruth) -> None:
    found = service("duo_admin", files={"duo_admin": word})
    assert found.file is truth
    assert notes(found) == [(Note.DRIFTED, "cockpitpm rollback duo --to 1")]


@pytest.mark.parametrize(
    ("word", "way_out"),
    [
        ("unread", "mv var/cockpitpm/apps/duo/current/duo_admin bin/duo_admin.mine"),
        ("closed", "mv bin/duo_admin bin/duo_admin.mine"),
    ],
)
def test_nothing_is_claimed_of_a_file_that_cannot_be_read(word: str, way_out: str) -> None:
    found = service("duo_admin", files={"duo_admin": word})
    assert (found.file, found.file_sha256) == (FileTruth.UNKNOWN, None)
    assert notes(found) == [(Note.UNVERIFIED, way_out)]


@pytest.mark.parametrize(
    ("observed", "truth"),
    [
        ({"uuids": "A"}, ChannelTruth.SAME),
        ({"uuids": "B", "build": "A"}, ChannelTruth.SAME),
        ({"uuids": "B"}, ChannelTruth.BEHIND),
        ({"uuids": "C"}, ChannelTruth.BLOCKED),
        ({"uuids": "A", "channel": "beta"}, ChannelTruth.UNKNOWN),
    ],
)
def test_the_channel_is_told_as_it_was_last_read(observed: dict[str, str], truth: ChannelTruth) -> None:
    found = service("duo_admin", observed=observed, blocked=["C"])
    assert (found.channel, found.channel_tag) == (truth, "latest")


def test_an_external_service_is_held_against_the_first_binary() -> None:
    found = service("started_by_hand", bundle="duo_outside", services={"started_by_hand": "running"})
    assert found.receipt and found.receipt.binary == "duo_server"
    assert (found.process, found.remarks) == (Runs.CURRENT, ())


OLD = {"build": "B", "committed_at": "2026-06-12T09:00:00Z"}
TWICE = [{"name": "duo_admin-musl", "uuid": "twice"}]


@pytest.mark.parametrize(
    ("observed", "truth", "note", "says"),
    [
        ({}, ChannelTruth.BEHIND, Note.BEHIND, "latest held"),
        ({"ancestry": "downgrade"}, ChannelTruth.AHEAD, Note.AHEAD, "latest held"),
        ({"ancestry": "diverged"}, ChannelTruth.DIVERGED, Note.DIVERGED, "latest held"),
        ({"release": "B"}, ChannelTruth.BEHIND, Note.BEHIND, "latest held"),
        ({"release": OLD}, ChannelTruth.STALE, Note.STALE, "duo_server-musl was uploaded"),
        ({"release": {**OLD, "plus": TWICE}}, ChannelTruth.BEHIND, Note.BEHIND, "latest held"),
    ],
)
def test_what_the_channel_has_is_told_for_what_it_is(
    observed: dict[str, Any], truth: ChannelTruth, note: Note, says: str
) -> None:
    found = service("duo_server", observed={"uuids": "B", **observed})
    (remark,) = found.remarks
    assert (found.channel, remark.note) == (truth, note) and remark.evidence.startswith(says)
