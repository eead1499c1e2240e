"""Rows 11, 12 and 29: files that somebody changed, as far as it is known what they are, and files that are not here."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve

from cockpitpm.decide.standing import standing
from cockpitpm.decide.standing_files import removed
from cockpitpm.decide.truths import report
from cockpitpm.model.facts import AppFacts, Entry, FileFact
from cockpitpm.model.release import Ancestry
from cockpitpm.model.standing import Act, Button, Icon, Known, Section, Tone
from cockpitpm.model.status import AppReport, Note
from tests.cases.scene import app_facts, bundles, digest, generation
from tests.cases.stands import ALL, FINE, KNOWN, stands

NEWER = {"uuids": "B", "ancestry": "upgrade", "release": {"build": "B", "index": {"commit": "B"}}}
COMMIT = generation(bundles()["duo"], 1, "B").receipts[0].commit


def facts(observed: dict[str, Any] | None = None, put: dict[str, str] | None = None, **tree: Any) -> AppFacts:
    """A is installed; `put` says of which build somebody put a binary in place by hand."""
    tree = {"installed": "A", "wanted": ALL, "observed": observed or {"uuids": "A"}, **tree}
    found = app_facts("duo", tree, bundles()["duo"])
    hand = {name: evolve(found.files[name], sha256=digest(build, name)) for name, build in (put or {}).items()}
    return evolve(found, files={**found.files, **hand})


def told(here: AppFacts) -> AppReport:
    return report(here, "", "")


def test_the_published_file_put_in_place_by_hand_is_a_newer_build() -> None:
    found = stands(facts(NEWER, {"duo_admin": "B"}))
    assert (found.row, found.words, found.detail) == (11, "Changed by hand", f"newer build, {COMMIT[:7]}")
    assert (found.icon, found.tone, found.section) == (Icon.WARN, Tone.WARN, Section.NEEDS_DECISION)
    assert (found.subject, found.primary) == ("duo_admin", Button(act=Act.KEEP))
    assert found.others == (Button(act=Act.COMPARE), Button(act=Act.ROLL_BACK, to=1))
    assert f"latest publishes as {COMMIT[:7]}" in found.why


def test_the_digest_that_the_forge_tells_is_as_good_as_an_index() -> None:
    plain = {"uuids": "B", "ancestry": "upgrade", "release": {"build": "B"}}
    here = facts(plain, {"duo_admin": "B"})
    assert stands(here).row == 12, "without any digest nothing is known of the published bytes"
    seen = here.state.observation
    assert seen and seen.release
    assets = tuple(evolve(a, sha256=digest("B", a.name.removesuffix("-musl"))) for a in seen.release.assets)
    release = evolve(seen.release, assets=assets)
    told = evolve(here, state=evolve(here.state, observation=evolve(seen, release=release)))
    assert stands(told).row == 11
    other = evolve(here, channel="stable", state=told.state)
    assert stands(other).row == 12, "what another channel held says nothing of this one"
    assert stands(evolve(told, declared=None), Known()).row == 12, "nor without a bundle that names the files"


@pytest.mark.parametrize("ancestry", [None, Ancestry.DOWNGRADE, Ancestry.DIVERGED, Ancestry.UNKNOWN])
def test_without_an_ancestry_that_says_so_nothing_is_newer(ancestry: Ancestry | None) -> None:
    here = facts(NEWER, {"duo_admin": "B"})
    assert here.state.observation
    here = evolve(here, state=evolve(here.state, observation=evolve(here.state.observation, ancestry=ancestry)))
    found = stands(here)
    assert (found.row, found.detail) == (12, f"build {COMMIT[:7]}"), "but which build it is, is known"
    assert found.primary == Button(act=Act.COMPARE)


def test_bytes_of_a_kept_generation_are_named_and_others_are_unknown() -> None:
    kept = facts(None, {"duo_admin": "B"}, installed={"build": "A", "number": 3, "kept": {2: "B"}})
    assert (stands(kept).row, stands(kept).detail) == (12, f"build {COMMIT[:7]}")
    assert (stands(facts(NEWER, {"duo_admin": "Z"})).row, stands(facts(NEWER, {"duo_admin": "Z"})).detail) == (
        12,
        "unknown build",
    )
    mixed = stands(facts(NEWER, {"duo_admin": "B", "duo_server": "Z"}))
    assert (mixed.row, mixed.detail) == (12, "unknown build"), "what is said is true of every such file"
    assert stands(facts(NEWER, files={"duo_admin": "dangling"})).detail == "unknown build"


def tooled(tool: Entry, installed: str, observed: dict[str, Any] | None = None) -> AppFacts:
    """Today's bundle has a command beside duo's two services; `installed` is the label of that of the generation."""
    tree = {"installed": {"build": "A", "bundle": installed}, "wanted": ALL, "observed": observed or {"uuids": "A"}}
    found = app_facts("duo", tree, bundles()["duo_with_tool"])
    held = found.files["duo_tool"].sha256 if tool is Entry.OURS else None
    return evolve(found, files={**found.files, "duo_tool": FileFact(binary="duo_tool", entry=tool, sha256=held)})


TOOL = Known(bundle=bundles()["duo_with_tool"])


def test_a_binary_that_was_never_installed_is_brought_by_an_upgrade() -> None:
    here = tooled(Entry.ABSENT, "duo")
    found = stands(here, TOOL)
    assert (found.row, found.words, found.detail) == (29, "Partly installed", "2 of 3 files")
    assert (found.icon, found.tone, found.section) == (Icon.WARN, Tone.WARN, Section.NEEDS_DECISION)
    assert (found.subject, found.primary) == ("duo_tool", Button(act=Act.COMPLETE))
    assert found.others == (Button(act=Act.REMOVE),)
    (remark,) = told(here).remarks
    assert (remark.note, remark.next_step) == (Note.PARTIAL, "cockpitpm upgrade duo")
    assert stands(facts()).row == FINE


def test_an_entry_that_is_gone_is_put_back_from_the_receipt() -> None:
    here = tooled(Entry.ABSENT, "duo_with_tool", {"uuids": "B"})
    found = stands(here, TOOL)
    assert (found.row, found.detail, found.subject) == (29, "2 of 3 files", "duo_tool")
    assert found.primary == Button(act=Act.COMPLETE, to=1)
    assert found.more == 1, "the update waits: it is refused until the entry is back"
    (remark,) = told(here).remarks
    assert (remark.note, remark.next_step) == (Note.PARTIAL, "cockpitpm rollback duo --to 1")
    assert stands(tooled(Entry.OURS, "duo_with_tool"), TOOL).row == FINE


def test_a_file_that_a_service_starts_from_is_told_once_and_louder() -> None:
    app = told(facts(files={"duo_admin": "absent"}))
    assert (standing(app, KNOWN).row, app.gone, app.remarks) == (4, ("duo_admin",), ())
    assert removed(app, KNOWN) is None


def test_an_update_and_a_release_that_is_not_whole_come_before_a_part_that_never_was_here() -> None:
    update = {"uuids": "B", "release": {"build": "B", "plus": [{"name": "duo_tool-musl"}]}}
    assert stands(tooled(Entry.ABSENT, "duo", update), TOOL).row == 16
    half = {"uuids": "B", "release": {"build": "B"}}
    found = stands(tooled(Entry.ABSENT, "duo", half), TOOL)
    assert (found.row, found.detail, found.more) == (22, "2 of 3 files", 1)
    assert stands(tooled(Entry.ABSENT, "duo"), evolve(TOOL, pin="v1")).row == 29, "and before what asks for nothing"
