"""A machine whose root was moved or copied: nothing of it runs or reads the place that it left."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from cockpitpm.app.host import Host
from cockpitpm.app.recover import recover
from cockpitpm.app.refresh import refresh
from cockpitpm.app.register import register
from cockpitpm.app.secrets import set_
from cockpitpm.app.services import stop
from cockpitpm.app.settings import set_channel, set_hold
from cockpitpm.errors import SupervisorError
from cockpitpm.model.receipt import Verb
from cockpitpm.model.state import AppState, Offered
from cockpitpm.ports import Reporter
from cockpitpm.record import home, state
from cockpitpm.record.layout import Layout
from tests.sim.machine import DUO, SERVICES, MachineSim

ENV = "    env: [{var: DATA, default: none, desc: Where the data is.}]\n"


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


def layout_of(machine: MachineSim) -> Layout:
    return machine.host().layout


def copied(old: MachineSim, name: str = "new") -> MachineSim:
    folder = old.folder.with_name(name)
    shutil.copytree(old.folder, folder, symlinks=True)
    made = MachineSim(folder)
    made.forge = old.forge
    made.world.copied()
    return made


def moved(old: MachineSim, name: str = "new") -> MachineSim:
    """The root under another name, with everything of it running."""
    made = MachineSim(old.folder.rename(old.folder.with_name(name)))
    made.forge = old.forge
    return made


FIRST: dict[str, Callable[[Host], object]] = {
    "hold": lambda host: set_hold(host, "duo", "", "why"),
    "channel set": lambda host: set_channel(host, "beta"),
    "secret set": lambda host: set_(host, "duo", "KEY", "value"),
    "status --refresh": refresh,
    "recover": recover,
}


@pytest.mark.parametrize("verb", FIRST)
def test_whatever_is_done_first_in_the_new_place_everything_runs_there(old: MachineSim, verb: str) -> None:
    new = moved(old)
    FIRST[verb](new.host())
    assert all(new.pids().values()), new.pids()
    files = {image["file"] for process in new.world.state()["processes"].values() for image in process["images"]}
    assert all(file.startswith(f"{new.root}/") for file in files)
    before = new.pids()
    FIRST[verb](new.host())
    assert new.pids() == before


def test_a_stop_that_is_the_first_command_stops_one_service(old: MachineSim) -> None:
    new = moved(old)
    assert stop(new.host(), "duo_admin") == ("duo_admin",)
    assert {name for name, pid in new.pids().items() if pid} == {*SERVICES} - {"duo_admin"}


def test_what_was_stopped_before_the_move_stays_stopped(old: MachineSim) -> None:
    stop(old.host(), "duo_admin")
    new = moved(old)
    set_hold(new.host(), "duo", "", "why")
    assert {name for name, pid in new.pids().items() if pid} == {*SERVICES} - {"duo_admin"}


def test_a_command_that_ended_too_early_leaves_the_rest_to_the_next(old: MachineSim) -> None:
    new = moved(old)
    new.world.fault("down")
    with pytest.raises(SupervisorError):
        set_hold(new.host(), "duo", "", "why")
    assert not any(new.pids().values())
    new.world.mended("down")
    set_hold(new.host(), "duo", "", "why")
    assert all(new.pids().values())


def test_a_damaged_record_of_the_place_moves_nothing_and_is_written_anew(old: MachineSim) -> None:
    path, before, told = layout_of(old).home, old.world.state(), Told()
    path.write_bytes(path.read_bytes().replace(b"old", b"odd"))
    set_hold(old.host(told), "duo", "", "why")
    assert old.world.state() == before
    (warning,) = told.warnings
    assert str(path) in warning and "its checksum does not fit" in warning and "this machine was at" not in warning
    assert home.read(layout_of(old)) == (str(old.root),)
    again = Told()
    set_hold(old.host(again), "duo", "", "why")
    assert again.warnings == []


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


def test_a_copy_leads_back_by_no_name_of_the_original(old: MachineSim, root: Path) -> None:
    (root / "link").symlink_to(old.folder)
    other = MachineSim(root / "link")
    other.forge = old.forge
    other.publish("2")
    other.run(Verb.UPGRADE, "duo")
    assert str(other.root) in json.dumps(other.world.state()["services"])
    new = copied(old)
    recover(new.host())
    text = json.dumps(new.world.state()["services"])
    assert str(other.root) not in text and str(old.root) not in text
    assert home.read(layout_of(new)) == (str(new.root),)


def test_a_name_that_is_gone_stops_nothing(old: MachineSim, root: Path) -> None:
    (root / "link").symlink_to(old.folder)
    other = MachineSim(root / "link")
    other.forge = old.forge
    recover(other.host())
    (root / "link").unlink()
    before, told = old.world.state(), Told()
    recover(old.host(told))
    assert told.warnings == [] and old.world.state() == before


def test_what_was_exported_follows_too(root: Path) -> None:
    (root / "old").mkdir()
    old = MachineSim(root / "old", DUO.replace("    kind: server\n", "    kind: server\n" + ENV))
    old.publish("1")
    old.run(Verb.INSTALL, "duo")
    for app in ("duo", "other"):
        exported = {"duo_server": {"DATA": f"{old.root}/var/data", "NEAR": f"{old.root}-2"}}
        offered = Offered(transaction="t", before=exported)
        state.write(layout_of(old), AppState(app=app, exported=exported, offered=offered if app == "other" else None))
    register(old.host(), "duo_server", {})
    new = copied(old)
    (layout_of(new).state / "torn.json").write_text("{")
    recover(new.host())
    there = {"duo_server": {"DATA": f"{new.root}/var/data", "NEAR": f"{old.root}-2"}}
    assert state.read(layout_of(new), "duo").exported == state.read(layout_of(new), "other").exported == there
    found = state.read(layout_of(new), "other").offered
    assert found and found.before == there
    register(new.host(), "duo_server", {})
    definition = new.host().supervisor.definition("duo_server")
    assert definition and dict(definition.env)["DATA"] == f"{new.root}/var/data"
