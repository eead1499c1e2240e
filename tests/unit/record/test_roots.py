"""Whose the way to a root is: anybody who may rename a folder on it could put another machine in its place."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cockpitpm.errors import MachineError
from cockpitpm.model.receipt import Verb
from cockpitpm.record import roots
from cockpitpm.record.layout import Layout
from tests.sim.machine import MachineSim
from tests.unit.record.nobody import as_nobody, unprivileged


def refusal(root: Path) -> str:
    with pytest.raises(MachineError) as caught:
        roots.check(roots.layout_of(root))
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.fixture
def hero(root: Path) -> Path:
    found = root / "home" / "hero"
    found.mkdir(parents=True, mode=0o755)
    return found


def test_a_root_of_our_own_is_fine_and_so_is_one_that_is_not_there_yet(hero: Path) -> None:
    for path in (hero, hero / "no" / "such", Path("/")):
        if path != Path("/") or os.geteuid() == 0:
            roots.check(roots.layout_of(path))


@pytest.mark.parametrize("mode", [0o775, 0o757, 0o777, 0o770])
@pytest.mark.parametrize("which", ["hero", "home"])
def test_where_others_may_write_nobody_changes_a_machine(hero: Path, mode: int, which: str) -> None:
    folder = hero if which == "hero" else hero.parent
    folder.chmod(mode)
    told = refusal(hero)
    assert told.startswith(f"Others may write in {folder}, so ") and told.endswith(f"Run `chmod go-w {folder}`")
    folder.chmod(mode & ~0o022)
    roots.check(roots.layout_of(hero))


def test_a_sticky_folder_may_hold_a_root_and_be_none(hero: Path) -> None:
    hero.parent.chmod(0o1777)
    roots.check(roots.layout_of(hero))
    hero.chmod(0o1777)
    assert f"`chmod go-w {hero}`" in refusal(hero)


def test_the_folder_of_a_link_to_the_root_counts_too(root: Path, hero: Path) -> None:
    """Whoever may replace the link decides where the machine is, however well its own folder is kept."""
    (root / "links" / "deep").mkdir(parents=True)
    (root / "links" / "deep" / "to").symlink_to("../../home")
    (root / "mine").symlink_to("links/deep/to/hero")
    roots.check(roots.layout_of(root / "mine"))
    (root / "links" / "deep").chmod(0o777)
    assert f"Others may write in {root}/links/deep," in refusal(root / "mine")
    roots.check(roots.layout_of(hero))


def test_a_link_that_leads_to_itself(root: Path) -> None:
    (root / "loop").symlink_to("loop")
    assert "leads nowhere" in refusal(root / "loop")


def test_a_folder_with_a_space_is_spelled_for_the_shell(root: Path) -> None:
    (root / "my home").mkdir()
    (root / "my home").chmod(0o777)
    assert refusal(root / "my home" / "hero").endswith(f"`chmod go-w '{root}/my home'`")


def test_a_root_below_a_folder_of_somebody_else(hero: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root, who alone gives folders away")
    nobody = unprivileged()
    os.chown(hero.parent, 1, 1)
    os.chown(hero, nobody, nobody)
    hero.parent.parent.chmod(0o755)

    def look() -> None:
        told = refusal(hero)
        assert told.startswith(f"{hero.parent} belongs to ") and f"`chown nobody {hero.parent}`" in told

    as_nobody(look)


def test_a_home_of_root_that_holds_a_root_of_ours(hero: Path) -> None:
    """As in `/home/somebody/hero`: what belongs to root is nobody else's."""
    hero.parent.parent.chmod(0o755)
    os.chown(hero, unprivileged(), -1) if os.geteuid() == 0 else None
    as_nobody(lambda: roots.check(roots.layout_of(hero)))


def test_paths_lie_in_the_real_root_and_texts_say_what_its_owner_says(root: Path, hero: Path) -> None:
    (root / "mine").symlink_to(hero)
    layout = roots.layout_of(root / "mine")
    assert layout == Layout(root / "mine", hero)
    assert layout.var == hero / "var/cockpitpm" and layout.bin == hero / "bin" and layout.settings.is_relative_to(hero)


@pytest.mark.parametrize("mode", [0o775, 0o1777])
def test_a_writing_verb_refuses_and_a_looking_one_does_not(root: Path, mode: int) -> None:
    machine = MachineSim(root)
    machine.publish("1")
    machine.root.chmod(mode)
    with pytest.raises(MachineError, match="Others may write in"):
        machine.run(Verb.INSTALL, "duo")
    assert [p.name for p in machine.root.iterdir()] == ["bin"]
    machine.status()
    machine.root.chmod(0o755)
    machine.run(Verb.INSTALL, "duo")
    assert machine.status().apps
