"""All 21 apps of an admin machine: what `upgrade --all` costs, and how it ends when one of them fails."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from cockpitpm.app.change import exit_code
from cockpitpm.declare.data import bundles_folder
from cockpitpm.errors import ExitCode
from cockpitpm.model.bundle import Bundle
from cockpitpm.model.outcome import Ended
from cockpitpm.model.receipt import Verb
from tests.sim.machine import MachineSim
from tests.sim.world import program


def publish(machine: MachineSim, bundle: Bundle, version: str, behaviour: str = "good") -> None:
    assets = {b.asset_name(bundle.targets[0]): program(f"{version}-{b.name}", behaviour) for b in bundle.binaries}
    machine.forge.publish(bundle.repo.name, "latest", assets)


@pytest.fixture
def machine(root: Path) -> MachineSim:
    made = MachineSim(root)
    shutil.rmtree(root / "bundles")
    shutil.copytree(bundles_folder(), root / "bundles")
    settings = made.host().layout.settings
    settings.parent.mkdir(parents=True)
    settings.write_text("role: admin\n")
    for wrapper in ("my_compute_zos_main_server", "my_compute_zos_testnet_server"):
        (made.root / "bin" / wrapper).write_bytes(b"#!wrap exec my_compute_zos_server")
    bundles = made.host().catalog.bundles
    assert len(bundles) == 21
    for bundle in bundles:
        publish(made, bundle, "1")
    assert made.code(Verb.INSTALL, *(b.name for b in bundles)) is ExitCode.DONE
    return made


def test_nothing_to_do_is_one_question_a_repository(machine: MachineSim) -> None:
    before, asked = machine.pids(), len(machine.forge.requests)
    assert machine.code(Verb.UPGRADE) is ExitCode.DONE
    repos = [b.repo.name for b in machine.host().catalog.bundles]
    assert sorted(machine.forge.requests[asked:]) == sorted(f"release {repo} latest" for repo in repos)
    assert machine.pids() == before


def test_three_changed_of_which_one_fails(machine: MachineSim) -> None:
    catalog = machine.host().catalog
    for app, behaviour in (("hero_db", "good"), ("hero_biz", "good"), ("hero_voice_provider", "sick")):
        bundle = catalog.bundle(app)
        assert bundle
        publish(machine, bundle, "2", behaviour)
    report = machine.run(Verb.UPGRADE)
    ended = {o.app: o.ended for o in report.outcomes if o.ended is not Ended.NOTHING}
    assert ended == {"hero_db": Ended.DONE, "hero_biz": Ended.DONE, "hero_voice_provider": Ended.ROLLED_BACK}
    assert exit_code(report, everything=True) is ExitCode.ROLLED_BACK
    before = machine.pids()
    again = machine.run(Verb.UPGRADE)
    assert {o.app: o.ended for o in again.outcomes if o.ended is not Ended.NOTHING} == {
        "hero_voice_provider": Ended.SKIPPED
    }
    assert machine.pids() == before, "the second run has nothing to do but to say what stays behind"
