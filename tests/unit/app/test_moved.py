"""A machine whose root was moved or copied: nothing of it runs or reads the place that it left."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from cockpitpm.app.recover import recover
from cockpitpm.model.receipt import Verb
from cockpitpm.ports import Reporter
from tests.sim.machine import SERVICES, MachineSim


class Told(Reporter):
    def __init__(self) -> None:
        self.warnings: list[str] = []

    def warning(self, app: str, text: str) -> None:
        self.warnings.append(text)


@pytest.fixture
def old(root: Path) -> MachineSim:
    (root / "old").mkdir()
    made = MachineSim(root / "old")
    made.publish("1")
    made.run(Verb.INSTALL, "duo")
    return made


def copied(old: MachineSim, name: str = "new") -> MachineSim:
    folder = old.folder.with_name(name)
    shutil.copytree(old.folder, folder, symlinks=True)
    made = MachineSim(folder)
    made.forge = old.forge
    made.world.copied()
    return made


def test_the_services_of_a_copy_run_its_own_files(old: MachineSim) -> None:
    new = copied(old)
    told = Told()
    recover(new.host(told))
    assert told.warnings == [f"this machine was at {old.root}; its services follow it here"]
    state = new.world.state()
    assert str(old.root) not in json.dumps(state["services"])
    files = {image["file"] for process in state["processes"].values() for image in process["images"]}
    assert len(state["processes"]) == len(SERVICES) and all(file.startswith(f"{new.root}/") for file in files)
    assert not [remark for app in new.status().apps for service in app.services for remark in service.remarks]
    again = Told()
    recover(new.host(again))
    assert again.warnings == []


def test_the_machine_that_was_copied_stays_as_it_is(old: MachineSim) -> None:
    before = old.world.state()
    recover(copied(old).host())
    recover(old.host())
    assert old.world.state() == before


def test_a_copy_is_upgraded_and_goes_back_with_its_own_definitions(old: MachineSim) -> None:
    new = copied(old)
    new.publish("2", "crashes")
    new.run(Verb.UPGRADE, "duo")
    assert set(new.versions().values()) == {"1-duo_server", "1-duo_admin"}
    assert str(old.root) not in json.dumps(new.world.state()["services"])


def test_two_names_of_one_root_are_one_place(old: MachineSim, root: Path) -> None:
    (root / "link").symlink_to(old.folder)
    other = MachineSim(root / "link")
    other.forge = old.forge
    told = Told()
    recover(other.host(told))
    assert told.warnings == []
    assert all(str(old.root) in json.dumps(service) for service in old.world.state()["services"].values())
