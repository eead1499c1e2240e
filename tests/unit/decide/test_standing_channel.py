"""Rows 22 to 24: a release that is not whole, one that will not run here, and a forge that does not answer."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve

from cockpitpm.decide.standing import summary
from cockpitpm.decide.truths import report
from cockpitpm.decide.withheld import withheld
from cockpitpm.model.facts import AppFacts
from cockpitpm.model.settings import Hold
from cockpitpm.model.standing import Act, Dot, Icon, Section, Tie, Tone
from cockpitpm.model.state import Silence, Unfit, Unready
from cockpitpm.model.status import ChannelTruth, Counted, Note
from tests.cases.scene import app_facts, bundles
from tests.cases.stands import ALL, FINE, KNOWN, stands

ADMIN = "duo_admin-musl"
FILES = (ADMIN, "duo_server-musl")
DRAFT = Unready(channel="latest", why="forge default: duo at latest: the release is still a draft")
GLIBC = "it needs GLIBC_2.99, this machine has 2.36"
USELESS = Unfit(uuids=("B-duo_server",), asset="duo_server-musl", problem=GLIBC)


def facts(release: dict[str, Any] | None = None, observed: bool = True, **tree: Any) -> AppFacts:
    """Installed is A; the channel was last seen to hold `release`, or A."""
    seen = {"uuids": "B", "release": {"build": "B", **release}} if release is not None else {"uuids": "A"}
    tree = {"installed": "A", "wanted": ALL, **({"observed": seen} if observed else {}), **tree}
    return app_facts("duo", tree, bundles()["duo"])


def remembered(here: AppFacts, **state: Any) -> AppFacts:
    return evolve(here, state=evolve(here.state, **state))


def truth(here: AppFacts) -> ChannelTruth:
    return report(here, "", "").services[0].channel


def test_a_release_with_one_of_two_files_is_not_ready() -> None:
    found = stands(facts({"without": [ADMIN]}))
    assert (found.row, found.words, found.detail) == (22, "Release not ready", "1 of 2 files")
    assert (found.icon, found.tone, found.section) == (Icon.NOT_READY, Tone.MUTE, Section.IN_ORDER)
    assert found.primary and found.primary.act is Act.CHECK
    assert f"has no asset {ADMIN}" in found.why and found.offered == "", "nothing is offered"
    assert (found.chain.marks[3].dot, found.chain.links[2].tie) == (Dot.UNKNOWN, Tie.OPEN)
    assert found.services[0].channel.value == "not ready"
    assert stands(facts({})).row == 16, "with both files it is an update"


def test_a_release_without_any_file_yet_is_not_ready_either() -> None:
    found = stands(facts({"without": FILES, "plus": [{"name": "notes.txt"}]}))
    assert (found.row, found.detail) == (22, "0 of 2 files")
    leftover = facts({"without": FILES, "plus": [{"name": f"{ADMIN}.sha256"}]})
    assert stands(leftover).row == 22, "a checksum that is left over is no build for another machine"


def test_a_draft_is_not_ready_whatever_was_seen_before() -> None:
    for here in (facts(), facts({}), facts(observed=False)):
        found = stands(remembered(here, unready=DRAFT))
        assert (found.row, found.detail) == (22, "being published")
        assert "still a draft" in found.why
    other = remembered(facts(), unready=evolve(DRAFT, channel="another"))
    assert stands(other).row == FINE


def test_a_release_for_other_machines_only_will_not_run_here() -> None:
    found = stands(facts({"without": FILES, "plus": [{"name": "duo_server-riscv"}]}))
    assert (found.row, found.words, found.detail) == (23, "Will not run here", "no file for this machine")
    assert (found.icon, found.tone, found.section) == (Icon.BLOCKED, Tone.MUTE, Section.IN_ORDER)
    assert found.primary and found.primary.act is Act.DETAILS
    assert "duo_server-riscv" in found.why and "duo_server-musl" in found.why, "both are named"


def test_a_file_whose_name_has_no_target_is_for_no_other_machine() -> None:
    bundle = bundles()["duo"]
    plain = evolve(bundle, binaries=tuple(evolve(b, asset="{name}") for b in bundle.binaries))
    here = evolve(facts({"without": FILES, "plus": [{"name": "duo_server.sig"}]}), declared=plain)
    assert truth(here) is ChannelTruth.NOT_READY


def test_a_build_that_was_fetched_and_cannot_run_is_told_with_both_versions() -> None:
    here = facts({})
    found = stands(remembered(here, unfit=USELESS))
    assert (found.row, found.words, found.detail) == (23, "Will not run here", GLIBC)
    assert (found.subject, found.why.startswith(f"cannot run here: {GLIBC}.")) == ("duo_server-musl", True)
    assert (found.chain.marks[3].dot, found.services[0].channel.note) == (Dot.NEWER, "will not run here")
    assert stands(here).row == 16
    assert stands(remembered(here, unfit=evolve(USELESS, uuids=("C-duo_server",)))).row == 16, "uploaded again"
    another = facts({"plus": [{"name": "duo_server-gnu"}]})
    assert stands(remembered(another, unfit=USELESS)).row == 16, "another file of it was never tried"


def test_what_stands_above_and_below() -> None:
    """A failure outranks the channel; a build that failed here is told as such; a hold has nothing to hold back."""
    half = {"without": [ADMIN]}
    found = stands(facts(half, services={"duo_admin": "failed"}))
    assert (found.words, found.more) == ("Failed", 1)
    assert stands(facts({}, blocked=["B"])).row == 18
    assert stands(remembered(facts({}, blocked=["B"]), unfit=USELESS)).row == 18
    assert stands(facts(half), evolve(KNOWN, hold=Hold(reason="demo"))).row == 22
    silent = remembered(facts(half), silence=Silence(channel="latest", why="no connection"))
    assert (stands(silent).row, stands(silent).more) == (22, 1)


def test_what_else_a_release_can_be_refused_for_is_not_told_as_waiting() -> None:
    assert withheld(facts({"plus": [{"name": ADMIN, "uuid": "twice"}]})) is None
    assert withheld(evolve(facts({}), declared=None)) is None
    assert withheld(evolve(facts({"without": [ADMIN]}), channel="stable")) is None


def test_what_is_said_on_the_command_line() -> None:
    told = report(facts({"without": [ADMIN]}), "", "")
    assert [(r.note, r.next_step) for r in told.remarks] == [(Note.UNREADY, "cockpitpm status duo --refresh")]
    assert told.published == Counted(there=1, wanted=2) and told.withheld in told.remarks[0].evidence
    unfit = report(remembered(facts({}), unfit=USELESS), "", "")
    assert [r.note for r in unfit.remarks] == [Note.UNFIT] and unfit.published is None
    absent = report(app_facts("duo", {}, bundles()["duo"]), "", "")
    assert (absent.withheld, absent.remarks) == ("", ())


@pytest.mark.parametrize(
    ("until", "detail"),
    [("", "answers 429"), ("2026-06-12T09:40:00Z", "answers 429, not to be asked before 12 Jun, 09:40")],
    ids=["no word", "wait"],
)
def test_a_forge_that_asks_to_wait_is_told_with_the_moment(until: str, detail: str) -> None:
    here = remembered(
        facts(), silence=Silence(channel="latest", why="forge default: duo at latest: answers 429", until=until)
    )
    found = stands(here)
    assert (found.row, found.words, found.detail) == (24, "Channel not read since 12 Jun, 08:00", detail)
    assert (found.tone, found.section, found.primary and found.primary.act) == (
        Tone.MUTE,
        Section.IN_ORDER,
        Act.CHECK,
    )
    assert (found.chain.marks[3].dot, found.chain.links[2].tie) == (Dot.UNKNOWN, Tie.OPEN)
    assert found.services[0].channel.note.endswith("as last read")
    assert found.why.endswith("not known. Forge default: duo at latest: answers 429.")
    assert stands(facts()).row == FINE


def test_what_was_seen_too_long_ago_keeps_its_words_and_offers_only_to_look_again() -> None:
    late = evolve(KNOWN, as_of="2026-06-12T11:40:00Z")
    for here, words in (
        (facts(), "Current"),
        (facts({}), "Update ready"),
        (facts(services={"duo_admin": "failed"}), "Failed"),
    ):
        fresh, found = stands(here), stands(here, late)
        assert (found.row, found.words, found.section) == (31, words, fresh.section)
        assert found.tone is Tone.MUTE and found.detail.endswith("as of 12 Jun, 11:40")
        assert (found.primary and found.primary.act, found.others, found.menu) == (Act.LOOK, (), ())
        assert fresh.menu and all(s.buttons for s in fresh.services)
        assert found.services and not any(s.buttons for s in found.services)
        assert found.as_of == late.as_of and fresh.as_of == ""
    told = summary([stands(facts(), late)])
    assert (told.head, told.updates) == ("Nobody could look at this machine since 12 Jun, 11:40.", 0)
    assert summary([stands(facts())]).head == "1 of 1 installed app is current."
