"""`doctor` on a simulated machine: one thing is broken at a time, it is found, and what is safe is mended."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from cockpitpm.app.doctor import Diagnosis, examine, mend, to_json
from cockpitpm.errors import ForgeUnreachable, LockedError, MachineError
from cockpitpm.model.ailment import Check, Grade, Remedy
from cockpitpm.model.receipt import Verb
from cockpitpm.model.service import Definition
from cockpitpm.record.durable import replace_file
from cockpitpm.record.layout import Layout
from cockpitpm.record.lock import Holder, locked
from tests.sim.machine import MachineSim

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
        (dead_holder, {Check.LOCK}),
        (half_a_write, {Check.LEFTOVERS}),
        (killed_upgrade, {Check.LOCK, Check.JOURNAL}),
    ],
)
def test_what_is_safe_is_mended(machine: MachineSim, harm: Callable[[MachineSim], None], checks: set[Check]) -> None:
    harm(machine)
    before = examine(machine.host())
    assert {one.check for one in before.symptoms if one.remedy is not Remedy.NONE} == checks
    mended = mend(machine.host(), before)
    assert {one.check for one in mended} == checks
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
    with pytest.raises(MachineError, match="it is a symbolic link"):
        mend(machine.host(), seen)
    assert outside.stat().st_mode & 0o777 == 0o644
