"""`receipts` and `history`: what was written down, joined."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from cockpitpm.app.records import compare, compared_json, history, history_json, receipts
from cockpitpm.errors import PlanError, UsageError
from cockpitpm.model.receipt import Outcome, Verb
from tests.sim.machine import MachineSim


@pytest.fixture
def machine(root: Path) -> MachineSim:
    made = MachineSim(root)
    for version, behaviour in (("1", "good"), ("2", "sick"), ("3", "good")):
        made.publish(version, behaviour)
        made.run(Verb.INSTALL if version == "1" else Verb.UPGRADE, "duo")
    return made


def test_receipts_in_force_say_the_bytes_that_are_there(machine: MachineSim) -> None:
    found = receipts(machine.host(), ("duo_admin",))["receipts"]
    assert [(r["binary"], r["current"], r["actor"]) for r in found] == [
        ("duo_server", True, "test"),
        ("duo_admin", True, "test"),
    ]
    for one in found:
        data = machine.host().layout.binary(one["binary"]).read_bytes()
        assert one["md5"] == hashlib.md5(data, usedforsecurity=False).hexdigest()
        assert one["size"] == len(data) and one["asset"] == f"{one['binary']}-linux-musl-x86_64"


def test_every_kept_generation_with_the_activation_that_last_made_it_current(machine: MachineSim) -> None:
    machine.run(Verb.ROLLBACK, "duo")
    found = receipts(machine.host(), every=True)["receipts"]
    lines = {line.entry.transaction: line.entry for line in history(machine.host())}
    assert {r["generation"]: r["current"] for r in found} == {1: True, max(r["generation"] for r in found): False}
    for one in found:
        entry = lines[one["transaction"]]
        assert (entry.to_generation, entry.at, entry.outcome) == (
            one["generation"],
            one["installed_at"],
            Outcome.COMMITTED,
        )
    assert lines[found[0]["transaction"]].verb is Verb.ROLLBACK


def test_two_generations_side_by_side(machine: MachineSim) -> None:
    current = max(r["generation"] for r in receipts(machine.host(), every=True)["receipts"])
    found = compare(machine.host(), (), 1, current)
    assert [pair.binary for pair in found.binaries] == ["duo_server", "duo_admin"]
    assert {"commit", "md5", "sha256"} <= set(found.binaries[0].differs) and "asset" not in found.binaries[0].differs
    tree = compared_json(found)
    assert (tree["app"], tree["generations"]) == ("duo", [1, current])
    assert tree["binaries"][0]["receipts"][1]["sha256"] == found.binaries[0].b.sha256  # type: ignore[union-attr]
    assert not any(pair.differs for pair in compare(machine.host(), ("duo_admin",), 1, 1).binaries)


def test_what_cannot_be_compared(machine: MachineSim) -> None:
    with pytest.raises(PlanError, match="Generation 9 of duo is not kept; kept: 1, "):
        compare(machine.host(), ("duo",), 1, 9)
    machine.run(Verb.REMOVE, "duo")
    with pytest.raises(UsageError, match="one app"):
        compare(machine.host(), (), 1, 2)
    with pytest.raises(PlanError, match="not installed"):
        compare(machine.host(), ("duo",), 1, 2)


def test_history_is_newest_first_and_of_removed_apps_too(machine: MachineSim) -> None:
    machine.run(Verb.REMOVE, "duo")
    (machine.folder / "bundles/base/duo.yaml").unlink()
    machine.bundle(OTHER, "other")
    found = history(machine.host(), ("duo",))
    assert [(x.number, x.entry.verb.value, x.entry.outcome.value) for x in found] == [
        (4, "remove", "committed"),
        (3, "upgrade", "committed"),
        (2, "upgrade", "rolled_back"),
        (1, "install", "committed"),
    ]
    assert [x["number"] for x in history_json(found)["history"]] == [4, 3, 2, 1]
    with pytest.raises(PlanError):
        history(machine.host(), ("nobody",))


OTHER = """\
name: other
title: Other
summary: Something else.
category: core
repo: other
targets: [linux-musl-x86_64]
binaries: [{name: other_server, kind: server}]
"""
