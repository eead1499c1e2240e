"""A plan in a file: carried out as it was saved, or not at all."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import pytest

from cockpitpm.app import planfile
from cockpitpm.app.change import exit_code
from cockpitpm.app.services import stop
from cockpitpm.declare.data import schema
from cockpitpm.errors import ExitCode, PlanError, StoreError, UsageError
from cockpitpm.model.binding import SavedPlan
from cockpitpm.model.codec import decode
from cockpitpm.model.plan import Plan, Request
from cockpitpm.model.receipt import Verb
from cockpitpm.record import documents
from tests.faults.oracle import picture
from tests.sim.machine import DUO, MachineSim
from tests.sim.steps import installed


@pytest.fixture
def machine(root: Path) -> MachineSim:
    """Generation 2 runs, generation 1 is kept, build 3 is published."""
    return installed(root, "1", "2", offered="3")


@pytest.fixture
def file(machine: MachineSim) -> Path:
    return saved(machine, Verb.UPGRADE)


def saved(machine: MachineSim, verb: Verb, *names: str) -> Path:
    path = machine.folder / "some.plan"
    planfile.save(path, planfile.make(machine.host(), Request(verb=verb, names=names, actor="planner")))
    return path


def apply(machine: MachineSim, file: Path) -> Any:
    return planfile.apply(machine.host(), planfile.load(file), lambda _: True)


def refused(machine: MachineSim, file: Path) -> str:
    """Why it is refused, after a look that nothing was touched."""
    before, pids, asked = picture(machine.root), machine.pids(), []

    def ask(plan: Plan) -> bool:
        asked.append(plan)
        return True

    with pytest.raises(PlanError) as caught:
        planfile.apply(machine.host(), planfile.load(file), ask)
    assert caught.value.exit_code is ExitCode.REFUSED and "\n" not in str(caught.value)
    assert not asked and machine.pids() == pids
    assert picture(machine.root) == before
    with pytest.raises(PlanError) as again:
        planfile.check(machine.host(), planfile.load(file))
    assert again.value.message == caught.value.message
    return caught.value.message


def test_nothing_changed_and_the_saved_plan_is_carried_out(machine: MachineSim, file: Path) -> None:
    report = apply(machine, file)
    assert exit_code(report, everything=True) is ExitCode.DONE
    (outcome,) = report.outcomes
    assert outcome.activation and outcome.activation.to_generation == 3
    assert outcome.activation.actor == "test", "whoever carries it out did it"
    assert machine.versions()["duo_server"] == "3-duo_server"


def test_processes_and_time_may_change(machine: MachineSim, file: Path) -> None:
    machine.host().clock.sleep(3600)
    machine.world.crash("duo_admin")
    (machine.folder / "ballast").write_bytes(b"x" * 100_000)
    assert exit_code(apply(machine, file), everything=True) is ExitCode.DONE


def test_a_plan_is_no_more_than_its_owner_may_read(file: Path) -> None:
    assert file.stat().st_mode & 0o777 == 0o600


def test_making_a_plan_changes_nothing(machine: MachineSim) -> None:
    before = picture(machine.root)
    planfile.make(machine.host(), Request(verb=Verb.UPGRADE))
    assert picture(machine.root) == before


def republish(machine: MachineSim) -> None:
    machine.publish("4")


def one_more_asset(machine: MachineSim) -> None:
    release = machine.forge.releases["duo", "latest"]
    machine.forge.change("duo", "latest", *release.assets, machine.forge.upload("more", b"x"))


def same_name_again(machine: MachineSim) -> None:
    first, *rest = machine.forge.releases["duo", "latest"].assets
    machine.forge.change("duo", "latest", machine.forge.upload(first.name, b"y"), *rest)


def patch(machine: MachineSim) -> None:
    with (machine.root / "bin/duo_admin").open("ab") as binary:
        binary.write(b"!")


def cover(machine: MachineSim) -> None:
    path = machine.root / "bin/duo_admin"
    path.unlink()
    path.write_bytes(b"mine")


def redefine(machine: MachineSim) -> None:
    with machine.world.changing() as state:
        state["services"]["duo_admin"]["definition"]["directory"] = "/"


def edit_bundle(machine: MachineSim) -> None:
    machine.bundle(DUO.replace("title: Duo", "title: Two"))


def withdraw(machine: MachineSim) -> None:
    (machine.folder / "bundles/base/duo.yaml").unlink()


def follow(machine: MachineSim) -> None:
    machine.publish("5", tag="beta")
    settings = machine.root / "cfg/cockpitpm/machine.yaml"
    settings.parent.mkdir(parents=True, exist_ok=True)
    settings.write_text("channel: beta\n")


def lose_the_forge(machine: MachineSim) -> None:
    machine.forge.releases.clear()


CHANGES: list[tuple[Callable[[MachineSim], object], str]] = [
    (republish, "the release of duo was"),
    (one_more_asset, "asset more of duo was nothing, and is"),
    (same_name_again, "asset duo_server-linux-musl-x86_64 of duo was"),
    (patch, "bin/duo_admin was sha256"),
    (cover, "an entry of somebody else now"),
    (redefine, "the definition of duo_admin was"),
    (lambda m: stop(m.host(), "duo_admin"), "what duo_admin is meant to be was running, and is stopped now"),
    (edit_bundle, "the catalog was"),
    (withdraw, "the declaration of duo was"),
    (follow, "the channel of duo was latest, and is beta now"),
    (lambda m: m.run(Verb.ROLLBACK, "duo"), "the current generation of duo was 2, and is 1 now"),
    (lambda m: m.run(Verb.UPGRADE, "duo"), "the current generation of duo was 2, and is 3 now"),
    (lambda m: m.run(Verb.REMOVE, "duo"), "the current generation of duo was 2, and is nothing now"),
    (lose_the_forge, "and is not to be had"),
]


@pytest.mark.parametrize(("do", "said"), CHANGES, ids=[said[:40] for _, said in CHANGES])
def test_what_changed_is_named_and_nothing_is_touched(
    machine: MachineSim, file: Path, do: Callable[[MachineSim], object], said: str
) -> None:
    do(machine)
    assert said in refused(machine, file)


def test_a_build_that_failed_meanwhile_is_not_tried_again(machine: MachineSim) -> None:
    machine.publish("4", "sick")
    file = saved(machine, Verb.UPGRADE, "duo")
    assert machine.code(Verb.UPGRADE, "duo") is ExitCode.ROLLED_BACK
    assert "what failed before of duo was nothing, and is" in refused(machine, file)


def test_what_cannot_be_planned_any_more_is_refused(machine: MachineSim) -> None:
    file = saved(machine, Verb.ROLLBACK, "duo")
    machine.run(Verb.REMOVE, "duo")
    assert "The plan does not fit any more: duo is not installed" in refused(machine, file)


@pytest.mark.parametrize("verb", [Verb.ROLLBACK, Verb.REMOVE, Verb.RESTART, Verb.CONVERGE, Verb.START])
def test_every_verb_can_be_saved(machine: MachineSim, verb: Verb) -> None:
    report = apply(machine, saved(machine, verb, "duo"))
    assert exit_code(report, everything=False) is ExitCode.DONE


def test_services_that_came_back_by_themselves_are_no_change(machine: MachineSim) -> None:
    machine.world.reboot()
    file = saved(machine, Verb.CONVERGE)
    machine.run(Verb.CONVERGE)
    assert exit_code(apply(machine, file), everything=True) is ExitCode.DONE


def test_whoever_says_no_keeps_everything(machine: MachineSim, file: Path) -> None:
    report = planfile.apply(machine.host(), planfile.load(file), lambda _: False)
    assert not report.confirmed and machine.versions()["duo_server"] == "2-duo_server"


def test_a_plan_for_another_root_is_refused(machine: MachineSim, file: Path) -> None:
    (machine.folder / "other").mkdir()
    other = MachineSim(machine.folder / "other")
    assert "was made for" in refused(other, file)
    assert not (other.root / "var").exists()


def many_assets(machine: MachineSim) -> None:
    machine.forge.change("duo", "latest", *(machine.forge.upload(f"n{i}", b"x") for i in range(9)))


def test_many_changes_are_counted(machine: MachineSim, file: Path) -> None:
    many_assets(machine)
    assert refused(machine, file).endswith("; and 6 more")


def unreadable(file: Path) -> str:
    with pytest.raises(PlanError) as caught:
        planfile.load(file)
    assert caught.value.exit_code is ExitCode.PLAN and "\n" not in str(caught.value)
    assert str(file) in caught.value.message
    return caught.value.message


def test_a_file_that_was_cut_short_or_changed_is_refused(file: Path) -> None:
    whole = file.read_bytes()
    for length in range(0, len(whole), len(whole) // 40):
        file.write_bytes(whole[:length])
        unreadable(file)
    for old, new in ((b'"test"', b'"evil"'), (b'"planner"', b'"another"'), (b"duo_admin", b"duo_adm1n"), (b" ", b"  ")):
        file.write_bytes(whole.replace(old, new, 1))
        assert whole == file.read_bytes() or "checksum" in unreadable(file)
    file.write_bytes(whole + b"\n")
    assert "checksum" in unreadable(file)


@pytest.mark.parametrize("text", [b"", b"\xff\xfe", b"[]", b"null", b"[" * 100_000, b"{}", b'{"a": 1e999}'])
def test_what_is_no_plan_is_refused(root: Path, text: bytes) -> None:
    (root / "p").write_bytes(text)
    unreadable(root / "p")


def test_what_is_no_plain_file_is_refused(root: Path) -> None:
    assert "No such file" in unreadable(root / "absent")
    assert "no plain file" in unreadable(root)
    os.mkfifo(root / "pipe")
    assert "no plain file" in unreadable(root / "pipe")
    with (root / "huge").open("wb") as file:
        file.truncate(planfile.LONGEST + 1)
    assert "longer than any" in unreadable(root / "huge")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda tree: tree.update(more=1), "more"),
        (lambda tree: tree["plan"].update(more=1), "more"),
        (lambda tree: tree.update(root="here"), "root"),
        (lambda tree: tree["plan"].update(verb="nonsense"), "SavedPlan.plan.verb: 'nonsense' is none of"),
        (lambda tree: tree["plan"]["apps"][0].update(to="x"), "SavedPlan.plan.apps[0].to"),
        (lambda tree: tree["plan"].update(catalog_digest="x"), "catalog_digest"),
        (lambda tree: tree.pop("binding"), "binding is missing"),
    ],
)
def test_a_file_that_was_sealed_by_somebody_else_must_have_the_shape(
    file: Path, change: Callable[[dict[str, Any]], object], said: str
) -> None:
    tree = json.loads(file.read_bytes())
    del tree["seal"], tree["schema"]
    change(tree)
    documents.write(file, tree)
    assert said in unreadable(file)


def test_a_plan_is_saved_in_plain_files_only(machine: MachineSim, file: Path) -> None:
    plan = planfile.load(file)
    (machine.folder / "link").symlink_to("elsewhere")
    for name in ("link", "root", "no/such.plan"):
        with pytest.raises(UsageError, match="cannot be saved"):
            planfile.save(machine.folder / name, plan)
    assert not (machine.folder / "no").exists() and not (machine.folder / "elsewhere").exists()
    planfile.save(file, plan)
    assert planfile.load(file) == plan
    with pytest.raises(StoreError):
        planfile.save(machine.folder / ("n" * 300), plan)
    with pytest.raises(StoreError):
        planfile.save(machine.folder / ("n" * 252), plan)


def test_a_saved_plan_is_read_back(file: Path) -> None:
    tree = json.loads(file.read_bytes())
    assert decode(SavedPlan, tree) == planfile.load(file)
    assert tree["schema"] == 1


def test_the_schema_says_what_is_written(file: Path) -> None:
    said = schema("planfile")
    keys = [field.name for field in attrs.fields(SavedPlan)]
    assert set(said["required"]) == set(said["properties"]) == {"schema", "seal", *keys}
    (request,) = said["properties"]["request"]["examples"]
    assert decode(Request, request).names == ("hero_books",)
