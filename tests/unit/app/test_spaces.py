"""A machine whose root has a space in its name: the commands that it shows mean what they say in a shell."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cockpitpm.act import swap
from cockpitpm.app.doctor import examine
from cockpitpm.app.recover import recover
from cockpitpm.errors import MachineError, StoreError
from cockpitpm.model.ailment import Check
from cockpitpm.model.receipt import Verb
from cockpitpm.record import generations, state
from tests.sim.machine import MachineSim


@pytest.fixture
def spaced(root: Path) -> MachineSim:
    (root / "my machines").mkdir()
    made = MachineSim(root / "my machines")
    made.publish("1")
    made.run(Verb.INSTALL, "duo")
    return made


def run(hint: str) -> list[str]:
    """The command between the first backticks, as it was done."""
    command = hint.partition("`")[2].partition("`")[0]
    subprocess.run(["/bin/sh", "-ec", command], check=True, cwd="/")
    return shlex.split(command)


def test_bytes_in_the_way(spaced: MachineSim) -> None:
    path = spaced.host().layout.binary("duo_server")
    path.unlink()
    path.write_text("mine")
    case: Any = SimpleNamespace(app="duo", intent=SimpleNamespace(verb=Verb.UPGRADE))
    with pytest.raises(StoreError, match="no receipt knows its bytes") as caught:
        swap.link(spaced.host().machine(), case, generations.read(spaced.host().layout, "duo", 1))
    assert run(caught.value.hint) == ["mv", str(path), f"{path}.mine"]
    assert Path(f"{path}.mine").read_text() == "mine"


def test_a_current_that_leads_elsewhere(spaced: MachineSim) -> None:
    path = spaced.host().layout.current("duo")
    path.unlink()
    path.symlink_to("/bin")
    with pytest.raises(StoreError) as caught:
        generations.current_live(spaced.host().layout, "duo")
    assert run(caught.value.hint) == ["rm", str(path)] and not path.is_symlink()
    assert Path("/bin").exists()


def test_a_record_that_was_changed(spaced: MachineSim) -> None:
    path = spaced.host().layout.remembered("duo")
    path.write_text("{}")
    with pytest.raises(StoreError) as caught:
        state.read(spaced.host().layout, "duo")
    assert run(caught.value.hint) == ["mv", str(path), f"{path}.broken"] and not path.exists()


def test_others_on_the_way_and_a_link(spaced: MachineSim) -> None:
    spaced.folder.chmod(0o775)
    jobs = spaced.host().layout.jobs
    jobs.symlink_to(spaced.folder)
    assert [one.check for one in examine(spaced.host()).symptoms] == [Check.PLACES, Check.PLACES]
    for error in (MachineError, StoreError):
        with pytest.raises(error) as caught:
            recover(spaced.host())
        run(caught.value.hint)
    assert spaced.folder.stat().st_mode & 0o777 == 0o755 and jobs.with_name("jobs.link").is_symlink()
    recover(spaced.host())
    assert examine(spaced.host()).symptoms == ()
