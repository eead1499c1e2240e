"""`doctor` on a simulated machine: one thing is broken at a time, it is found, and what is safe is mended."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from cockpitpm.app.doctor import Diagnosis, examine, mend, to_json
from cockpitpm.app.recover import recover
from cockpitpm.app.register import register
from cockpitpm.errors import ForgeUnreachable, LockedError, MachineError, StoreError
from cockpitpm.model.ailment import Check, Grade, Remedy
from cockpitpm.model.receipt import Verb
from cockpitpm.model.service import Definition
from cockpitpm.record.durable import replace_file
from cockpitpm.record.layout import Layout
from cockpitpm.record.lock import Holder, locked
from tests.sim.machine import MachineSim
from tests.unit.record.nobody import as_nobody, unprivileged

DEAD = Holder(pid=2**22 - 1, start_ticks=1, boot_id="gone", command="cockpitpm upgrade duo", since="2026-11-23")


def layout(machine: MachineSim) -> Layout:
    return machine.host().layout


def found(machine: MachineSim) -> list[Check]:
    return [one.check for one in examine(machine.host()).symptoms]


def test_a_machine_that_is_well(machine: MachineSim) -> None:
    diagnosis = examine(machine.host())
    assert diagnosis.symptoms == () and diagnosis.well
    assert diagnosis.looked == tuple(Check)
    assert mend(machine.host(), diagnosis) == ()
    assert to_json(diagnosis, ())["well"] is True


def test_a_machine_that_is_not_there_yet(root: Path) -> None:
    bare = MachineSim(root)
    bare.publish("1")
    assert found(bare) == []


def test_no_forge_is_asked_if_nobody_wants_it(machine: MachineSim) -> None:
    before = len(machine.forge.requests)
    assert Check.FORGE not in examine(machine.host(), forges=False).looked
    assert len(machine.forge.requests) == before


def secret(machine: MachineSim) -> None:
    path = layout(machine).settings.with_name("secrets") / "duo/KEY"
    path.parent.mkdir(parents=True, mode=0o755)
    path.write_text("value")
    path.chmod(0o644)


def writable(machine: MachineSim) -> None:
    layout(machine).binary("duo_server").resolve().chmod(0o777)


def readable(machine: MachineSim) -> None:
    layout(machine).var.chmod(0o755)


def open_to_all(machine: MachineSim) -> None:
    """The root itself, in which every change refuses to work; and something further in."""
    machine.root.chmod(0o775)
    writable(machine)


def moved_or_not(machine: MachineSim) -> None:
    layout(machine).home.write_bytes(b"/some/where/else\n")


def dead_holder(machine: MachineSim) -> None:
    text = {name: getattr(DEAD, name) for name in ("pid", "start_ticks", "boot_id", "command", "since")}
    layout(machine).lock.write_text(str(text).replace("'", '"'))


def half_a_write(machine: MachineSim) -> None:
    (layout(machine).state / ".duo.json.new").write_bytes(b"{")


def killed_upgrade(machine: MachineSim) -> None:
    """An upgrade whose process went away in the middle of its restarts."""
    machine.publish("2")
    if os.fork() == 0:
        machine.run(Verb.UPGRADE, "duo", during=lambda: os._exit(0))
    os.wait()


@pytest.mark.parametrize(
    ("harm", "checks"),
    [
        (secret, {Check.MODES}),
        (writable, {Check.MODES}),
        (readable, {Check.MODES}),
        (open_to_all, {Check.MODES}),
        (moved_or_not, {Check.RECORDS}),
        (dead_holder, {Check.LOCK}),
        (half_a_write, {Check.LEFTOVERS}),
        (killed_upgrade, {Check.LOCK, Check.JOURNAL}),
    ],
)
def test_what_is_safe_is_mended(machine: MachineSim, harm: Callable[[MachineSim], None], checks: set[Check]) -> None:
    harm(machine)
    before = examine(machine.host())
    assert {one.check for one in before.symptoms if one.remedy is not Remedy.NONE} == checks
    attempts = mend(machine.host(), before)
    assert {one.symptom.check for one in attempts} == checks and not [one for one in attempts if one.error]
    after = examine(machine.host())
    assert after.symptoms == (), harm


def damaged_state(machine: MachineSim) -> None:
    (layout(machine).state / "duo.json").write_bytes(b"{}")


def newer_state(machine: MachineSim) -> None:
    path = layout(machine).state / "duo.json"
    replace_file(path, path.read_bytes().replace(b'"schema": 1', b'"schema": 9'))


def patched(machine: MachineSim) -> None:
    path = layout(machine).binary("duo_server").resolve()
    path.write_bytes(path.read_bytes() + b"\n")


def lost_blob(machine: MachineSim) -> None:
    next(layout(machine).store.iterdir()).unlink()


def into_live(machine: MachineSim) -> None:
    real = str(layout(machine).binary("duo_server").resolve())
    machine.host().supervisor.define(Definition(name="duo_server", command=(real,)))


def stray(machine: MachineSim) -> None:
    machine.host().supervisor.define(Definition(name="stray", command=("/bin/true",)))


def clock_back(machine: MachineSim) -> None:
    with machine.world.changing() as state:
        state["time"] -= timedelta(days=400).total_seconds()


def bad_settings(machine: MachineSim) -> None:
    path = layout(machine).settings
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("roll: admin\n")


def bad_bundle(machine: MachineSim) -> None:
    machine.bundle("name: [", "odd")


@pytest.mark.parametrize(
    ("harm", "check", "grade"),
    [
        (damaged_state, Check.RECORDS, Grade.WRONG),
        (newer_state, Check.RECORDS, Grade.WRONG),
        (patched, Check.FILES, Grade.ODD),
        (lost_blob, Check.FILES, Grade.WRONG),
        (into_live, Check.SERVICES, Grade.WRONG),
        (stray, Check.SERVICES, Grade.ODD),
        (clock_back, Check.CLOCK, Grade.WRONG),
        (bad_settings, Check.SETTINGS, Grade.WRONG),
        (bad_bundle, Check.CATALOG, Grade.WRONG),
    ],
)
def test_what_a_person_mends(
    machine: MachineSim, harm: Callable[[MachineSim], None], check: Check, grade: Grade
) -> None:
    harm(machine)
    diagnosis = examine(machine.host())
    told = [one for one in diagnosis.symptoms if one.check is check]
    assert told and told[0].grade is grade and told[0].remedy is Remedy.NONE
    assert told[0].told and "\n" not in told[0].told and told[0].next_step
    assert diagnosis.well is all(one.grade is Grade.ODD for one in diagnosis.symptoms)


def test_a_forge_that_does_not_answer(machine: MachineSim) -> None:
    machine.forge.down = ForgeUnreachable("The forge does not answer", "Look at its address")
    (one,) = examine(machine.host()).symptoms
    assert (one.check, one.grade, one.subject) == (Check.FORGE, Grade.WRONG, "default")


def test_nothing_is_mended_while_somebody_is_at_work(machine: MachineSim) -> None:
    half_a_write(machine)
    seen: Diagnosis = examine(machine.host())
    me = machine.host().processes.identify(os.getpid())
    holder = Holder(pid=os.getpid(), start_ticks=me.start_ticks if me else 0, boot_id="x", command="other", since="now")
    with locked(layout(machine).lock, holder), pytest.raises(LockedError):
        mend(machine.host(), seen)


def test_a_link_in_the_place_of_a_file_is_not_followed(machine: MachineSim, tmp_path: Path) -> None:
    secret(machine)
    seen = examine(machine.host())
    outside = tmp_path / "outside"
    outside.write_text("x")
    outside.chmod(0o644)
    path = layout(machine).settings.with_name("secrets") / "duo/KEY"
    path.unlink()
    path.symlink_to(outside)
    failed = [one for one in mend(machine.host(), seen) if one.error]
    assert [one.symptom.subject for one in failed] == [str(path)]
    assert failed[0].error and "it is a symbolic link" in failed[0].error.message
    assert "chmod" not in failed[0].error.hint
    assert outside.stat().st_mode & 0o777 == 0o644


def test_what_cannot_be_mended_stops_nothing_else(machine: MachineSim, tmp_path: Path) -> None:
    writable(machine)
    half_a_write(machine)
    path = next(layout(machine).store.iterdir())
    path.chmod(0o666)
    seen = examine(machine.host())
    path.rename(tmp_path / "kept")
    path.symlink_to(tmp_path / "kept")
    attempts = mend(machine.host(), seen)
    assert [one.symptom for one in attempts if one.error] == [one for one in seen.symptoms if one.subject == str(path)]
    assert {one.symptom for one in attempts} == set(seen.symptoms)
    told = to_json(examine(machine.host()), attempts)
    assert len(told["mended"]) == len(attempts) - 1 and [one["subject"] for one in told["not_mended"]] == [str(path)]
    assert "it is a symbolic link" in told["not_mended"][0]["why"]
    (tmp_path / "kept").rename(path)
    assert found(machine) == [Check.MODES]


def test_modes_are_set_also_where_nothing_can_be_recovered(machine: MachineSim) -> None:
    writable(machine)
    half_a_write(machine)
    bad_settings(machine)
    attempts = mend(machine.host(), examine(machine.host()))
    assert {one.symptom.check: bool(one.error) for one in attempts} == {Check.MODES: False, Check.LEFTOVERS: True}
    assert Check.MODES not in found(machine)


@pytest.mark.parametrize("mode", [0o000, 0o200])
@pytest.mark.parametrize("what", ["file", "folder", "var", "settings", "lock"])
def test_what_its_owner_cannot_use_is_mended_by_them(machine: MachineSim, what: str, mode: int) -> None:
    """As anybody but root, whom no mode stops."""
    here = layout(machine)
    here.settings.parent.mkdir(parents=True, exist_ok=True)
    here.settings.write_text("channel: beta\n")
    places = {
        "file": here.remembered("duo"),
        "folder": here.store,
        "var": here.var,
        "settings": here.settings,
        "lock": here.lock,
    }

    def work() -> None:
        machine.root.parent.chmod(0o755)
        assert found(machine) == []
        places[what].chmod(mode)
        before = examine(machine.host())
        assert Check.MODES in {one.check for one in before.symptoms} and not before.well
        assert not [one.error for one in mend(machine.host(), before) if one.error]
        assert found(machine) == []

    as_nobody(work, machine.folder)


def test_what_belongs_to_another_is_left_to_them_and_the_rest_is_mended(machine: MachineSim) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root, who alone gives files away")
    theirs, mine = layout(machine).remembered("duo"), layout(machine).binary("duo_server").resolve()

    def work() -> None:
        before = examine(machine.host())
        odd = [one for one in before.symptoms if one.subject == str(theirs)]
        assert [(one.check, one.remedy) for one in odd] == [(Check.OWNER, Remedy.NONE), (Check.MODES, Remedy.NONE)]
        assert odd[1].next_step == f"sudo chmod 0644 {theirs}"
        assert [(one.symptom.subject, one.error) for one in mend(machine.host(), before)] == [(str(mine), None)]

    mine.chmod(0o777)
    as_nobody(lambda: None, machine.folder)
    theirs.chmod(0o666)
    os.chown(theirs, 0, 0)
    as_nobody(work)


def test_nobody_but_the_owner_sets_a_mode(machine: MachineSim) -> None:
    """Not even root, who may: a machine is changed by its owner alone."""
    if os.geteuid() != 0:
        pytest.skip("needs root, who alone gives files away")
    machine.root.chmod(0o775)
    os.chown(machine.root, unprivileged(), -1)
    seen = examine(machine.host())
    assert [one.subject for one in seen.symptoms if one.remedy is Remedy.MODE] == [str(machine.root)]
    with pytest.raises(MachineError, match="who alone may change it"):
        mend(machine.host(), seen)
    assert machine.root.stat().st_mode & 0o777 == 0o775


def test_the_way_to_the_root(machine: MachineSim) -> None:
    parent = machine.root.parent
    parent.chmod(0o775)
    (one,) = examine(machine.host()).symptoms
    assert (one.check, one.grade, one.subject) == (Check.PLACES, Grade.WRONG, str(parent))
    assert one.next_step == f"Run `chmod go-w {parent}`" and one.remedy is Remedy.NONE
    with pytest.raises(MachineError) as refused:
        recover(machine.host())
    assert (one.told, one.next_step) == (refused.value.message, refused.value.hint)


def test_others_on_the_way_to_the_root_are_told_to_whoever_looks(machine: MachineSim) -> None:
    """The owner of the root is who counts: nobody else may change what is theirs."""
    if os.geteuid() != 0:
        pytest.skip("needs root, who alone gives files away")
    as_nobody(lambda: None, machine.folder)
    assert found(machine) == []
    os.chown(machine.root.parent, 1, 1)
    (one,) = examine(machine.host()).symptoms
    assert (one.check, one.subject) == (Check.PLACES, str(machine.root.parent)) and "`chown nobody " in one.next_step


@pytest.mark.parametrize("name", ["jobs", "plans", "aside", "unpacked", "crashes", "incoming", "supervisord", "state"])
def test_a_link_in_a_place_of_ours(machine: MachineSim, name: str) -> None:
    place, kept = layout(machine).var / name, machine.folder / "kept"
    place.rename(kept) if place.exists() else kept.mkdir()
    place.symlink_to(kept)
    diagnosis = examine(machine.host())
    (one,) = [one for one in diagnosis.symptoms if one.check is Check.PLACES]
    assert one.told == f"Cannot use {place}: it is a symbolic link to {kept}" and not diagnosis.well
    assert f"`mv {place} {place}.link`" in one.next_step
    with pytest.raises(StoreError) as refused:
        recover(machine.host())
    assert (one.told, one.next_step) == (refused.value.message, refused.value.hint)


def test_a_link_around_many_places_is_told_once(machine: MachineSim) -> None:
    place, kept = layout(machine).var, machine.folder / "kept"
    place.rename(kept)
    place.symlink_to(kept)
    symptoms = examine(machine.host()).symptoms
    assert [one.subject for one in symptoms if one.check is Check.PLACES] == [str(place)]
    assert len({one.told for one in symptoms}) == len(symptoms)


def test_what_is_said_of_a_definition_in_a_live_folder_mends_it(machine: MachineSim) -> None:
    into_live(machine)
    (one,) = examine(machine.host()).symptoms
    assert one.next_step == "cockpitpm register duo_server"
    register(machine.host(), "duo_server", {})
    assert found(machine) == []


def test_broken_settings_are_told_once_and_stop_no_other_check(machine: MachineSim) -> None:
    bad_settings(machine)
    readable(machine)
    diagnosis = examine(machine.host())
    assert [one.check for one in diagnosis.symptoms] == [Check.SETTINGS, Check.MODES]
    assert {Check.PLACES, Check.OWNER, Check.MODES, Check.RECORDS, Check.DISK} <= {*diagnosis.looked}
    assert Check.SETTINGS not in diagnosis.looked


@pytest.mark.parametrize("place", ["apps", "live", "app"])
def test_every_folder_on_the_way_to_a_program_is_looked_at(machine: MachineSim, place: str) -> None:
    here = layout(machine)
    path = {"apps": here.apps, "live": here.live("duo"), "app": here.app("duo")}[place]
    path.chmod(0o777)
    seen = examine(machine.host())
    assert [(one.check, one.subject) for one in seen.symptoms] == [(Check.MODES, str(path))]
    mend(machine.host(), seen)
    assert found(machine) == []
