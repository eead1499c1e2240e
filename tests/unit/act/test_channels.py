"""A channel is followed by its content, with as few questions as that takes."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from pathlib import Path

import pytest
from attrs import evolve

from cockpitpm.app.refresh import refresh
from cockpitpm.app.status import status
from cockpitpm.errors import ExitCode, ForgeUnreachable, ReleaseNotReady
from cockpitpm.model.plan import Reason, Refused, UpToDate
from cockpitpm.model.receipt import ProofKind, Verb
from cockpitpm.model.release import INDEX, Ancestry, CommitSource, Release
from cockpitpm.model.status import ChannelTruth, Note
from cockpitpm.record import generations
from tests.sim.machine import DUO, MachineSim
from tests.sim.world import program


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


def with_index(machine: MachineSim, version: str, commit: str, unchanged_since: str = "") -> Release:
    """A build of duo of which an index was uploaded last; the tag leads to `commit`."""
    names = ("duo_server", "duo_admin")
    assets = {f"{n}-linux-musl-x86_64": program(f"{version}-{n}") for n in names}
    listed = {n: {"sha256": hashlib.sha256(d).hexdigest(), "size": len(d)} for n, d in assets.items()}
    index = {"commit": commit, "built_at": "2026-06-12T08:00:00Z", "assets": listed}
    if unchanged_since:
        index["unchanged_since"] = unchanged_since
    machine.forge.publish("duo", "latest", {**assets, INDEX: json.dumps(index).encode()})
    found = evolve(machine.forge.releases["duo", "latest"], commit=commit, committed_at="2026-06-13T08:00:00Z")
    machine.forge.releases["duo", "latest"] = found
    machine.forge.commits["duo"].append(commit)
    return found


def test_an_index_decides_what_is_new_and_what_did_not_change(machine: MachineSim) -> None:
    built, ci_only = "b" * 40, "c" * 40
    with_index(machine, "2", built)
    assert machine.code(Verb.UPGRADE, "duo") is ExitCode.DONE  # although every file is older than its commit
    installed = generations.read(machine.host().layout, "duo", 2)
    assert {(r.commit, r.commit_known_by) for r in installed.receipts} == {(built, CommitSource.INDEX)}
    assert all(p.kind is ProofKind.BUILD_INDEX for r in installed.receipts for p in r.proofs)
    pids = machine.pids()
    with_index(machine, "2", ci_only, unchanged_since=built)
    before = len(machine.forge.requests)
    (outcome,) = machine.run(Verb.UPGRADE, "duo").outcomes
    assert isinstance(outcome.decision, UpToDate) and "nothing that matters changed" in outcome.decision.why
    assert machine.forge.requests[before:] == ["release duo latest", f"fetch {INDEX}"]
    assert machine.pids() == pids and machine.service("duo_server").channel is ChannelTruth.SAME
    assert asked(machine, Verb.UPGRADE) == ["release duo latest"]


def test_an_index_that_cannot_be_read_leaves_everything_running(machine: MachineSim) -> None:
    machine.forge.publish("duo", "latest", {"duo_server-linux-musl-x86_64": b"2", INDEX: b"{"})
    (outcome,) = machine.run(Verb.UPGRADE, "duo").outcomes
    assert outcome.exit_code is ExitCode.FORGE and outcome.detail.startswith(f"{INDEX} is no JSON")
    assert set(machine.versions().values()) == {"1-duo_server", "1-duo_admin"}


def test_another_member_of_the_same_archive_is_fetched(root: Path) -> None:
    machine = MachineSim(root)
    packed = DUO.replace("    kind: server\n", '    kind: server\n    asset: "duo.tar.gz"\n    member: a/duo_server\n')
    machine.bundle(packed)
    good, other = program("1-duo_server"), program("1b-duo_server")
    machine.forge.publish(
        "duo",
        "latest",
        {"duo.tar.gz": archive({"a/duo_server": good, "b/duo_server": other}), **_admin("1")},
    )
    assert machine.code(Verb.INSTALL, "duo") is ExitCode.DONE
    machine.bundle(packed.replace("a/duo_server", "b/duo_server"))
    assert machine.code(Verb.UPGRADE, "duo") is ExitCode.DONE
    assert machine.versions()["duo_server"] == "1b-duo_server"
    assert asked(machine, Verb.UPGRADE) == ["release duo latest"]


def _admin(version: str) -> dict[str, bytes]:
    return {"duo_admin-linux-musl-x86_64": program(f"{version}-duo_admin")}


def archive(files: dict[str, bytes]) -> bytes:
    """A tar.gz of these files."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(data), 0o755
            tar.addfile(entry, io.BytesIO(data))
    return packed.getvalue()


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


@pytest.mark.parametrize(
    ("ancestry", "truth", "note"),
    [
        (Ancestry.UPGRADE, ChannelTruth.BEHIND, Note.BEHIND),
        (Ancestry.DOWNGRADE, ChannelTruth.AHEAD, Note.AHEAD),
        (Ancestry.DIVERGED, ChannelTruth.DIVERGED, Note.DIVERGED),
        (Ancestry.UNKNOWN, ChannelTruth.BEHIND, Note.BEHIND),
    ],
)
def test_a_channel_that_leads_elsewhere_is_told_as_such(
    machine: MachineSim, ancestry: Ancestry, truth: ChannelTruth, note: Note
) -> None:
    old = machine.forge.releases["duo", "latest"].commit
    machine.publish("2")
    machine.forge.lineage[old, machine.forge.releases["duo", "latest"].commit] = ancestry
    assert refresh(machine.host()) == {}
    service = machine.service("duo_server")
    assert service.channel is truth and [r.note for r in service.remarks] == [note]


def test_without_a_forge_everything_but_upgrade_works(machine: MachineSim) -> None:
    machine.publish("2")
    machine.run(Verb.UPGRADE, "duo")
    machine.forge.down = ForgeUnreachable("The forge does not answer", "Try later")
    assert machine.code(Verb.UPGRADE, "duo") is ExitCode.FORGE
    assert set(machine.versions().values()) == {"2-duo_server", "2-duo_admin"}
    assert list(refresh(machine.host())) == ["duo"]
    assert silence(machine) == "The forge does not answer"
    assert machine.service("duo_server").channel is ChannelTruth.SAME, "what was read before stays known"
    assert machine.code(Verb.ROLLBACK, "duo") is ExitCode.DONE
    assert not machine.service("duo_server").remarks
    machine.forge.down = None
    assert refresh(machine.host()) == {}
    assert silence(machine) == ""


def test_a_release_that_is_under_way_is_no_silence(machine: MachineSim) -> None:
    machine.forge.down = ForgeUnreachable("The forge does not answer", "Try later")
    refresh(machine.host())
    machine.forge.down = ReleaseNotReady("One file of two is there", "Wait")
    assert list(refresh(machine.host())) == ["duo"]
    assert silence(machine) == ""


def silence(machine: MachineSim) -> str:
    (app,) = status(machine.host(), ("duo",)).apps
    return app.silence


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
