"""One app as disk and supervisor tell it."""

from __future__ import annotations

from pathlib import Path

import pytest

from cockpitpm.model.facts import AppFacts, Entry
from cockpitpm.observe.apps import on_disk, with_release, with_services
from tests.cases.scene import bundles, release_of
from tests.sim.machine import SERVICES, MachineSim
from tests.sim.steps import installed


@pytest.fixture
def machine(root: Path) -> MachineSim:
    return installed(root, "1", "2")


def seen(machine: MachineSim) -> AppFacts:
    host = machine.host()
    return on_disk(host.layout, "duo", host.catalog.bundle("duo"), "latest")


def test_what_is_not_installed(root: Path) -> None:
    facts = seen(MachineSim(root))
    assert (facts.installed, facts.generations, facts.live, facts.damaged) == (None, (), "", "")
    assert {name: f.entry for name, f in facts.files.items()} == dict.fromkeys(
        ("duo_server", "duo_admin"), Entry.ABSENT
    )


def test_what_is_installed(machine: MachineSim) -> None:
    facts = seen(machine)
    assert facts.installed is not None and facts.installed.number == 2
    assert facts.numbers == (1, 2) == tuple(g.number for g in facts.generations)
    for binary, file in facts.files.items():
        receipt = facts.installed.receipt(binary)
        assert receipt is not None and (file.entry, file.sha256) == (Entry.OURS, receipt.sha256)
    assert set(facts.in_place.files) == {"duo_server", "duo_admin"}


def test_files_of_both_declarations_are_looked_at(machine: MachineSim) -> None:
    facts = on_disk(machine.host().layout, "duo", bundles()["duo_with_tool"], "latest")
    assert set(facts.files) == {"duo_server", "duo_admin", "duo_tool"}


@pytest.mark.parametrize(("how", "why"), [("cut", "checksum"), ("gone", "generation 2 has no file")])
def test_records_that_cannot_be_read_are_told_and_the_older_ones_stay(machine: MachineSim, how: str, why: str) -> None:
    path = machine.host().layout.generation("duo", 2)
    if how == "gone":
        path.unlink()
    else:
        path.write_text(path.read_text().replace('"duo"', '"due"'))
    facts = seen(machine)
    assert facts.installed is None and why in facts.damaged
    assert tuple(g.number for g in facts.generations) == (1,)


def test_an_older_generation_that_is_damaged_does_not_matter(machine: MachineSim) -> None:
    machine.host().layout.generation("duo", 1).write_text("{}")
    facts = seen(machine)
    assert facts.installed is not None and (facts.damaged, facts.numbers) == ("", (1, 2))


def test_services_of_the_stored_and_of_todays_declaration(machine: MachineSim) -> None:
    host = machine.host()
    facts = on_disk(host.layout, "duo", bundles()["duo_outside"], "latest")
    found = with_services(facts, host.supervisor, host.processes).services
    assert set(found) == {*SERVICES, "started_by_hand"}
    released = release_of("A", bundles()["duo"])
    assert with_release(facts, released).release == released
