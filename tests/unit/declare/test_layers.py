"""What a tester's catalog can depend on: the base layer, and nothing else whatever."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cockpitpm.declare.catalog import resolve
from cockpitpm.declare.data import bundles_folder
from cockpitpm.declare.lint import lint
from cockpitpm.declare.loader import load
from cockpitpm.declare.shape import catalog_json
from cockpitpm.declare.source import LAYERS, sources
from cockpitpm.errors import BundleError
from cockpitpm.model.role import Role

HEADER = "# yaml-language-server: $schema=../../schema/bundle.schema.json\n"


@pytest.fixture
def folder(root: Path) -> Path:
    return Path(shutil.copytree(bundles_folder(), root / "bundles"))


def nothing(admin: Path) -> None:
    shutil.rmtree(admin)


def garbage(admin: Path) -> None:
    (admin / "hero_books.yaml").write_bytes(os.urandom(1000))
    (admin / "bomb.yaml").write_text("[" * 100_000)


def same_names(admin: Path) -> None:
    for file in (admin.parent / "base").iterdir():
        shutil.copy(file, admin)


def a_file(admin: Path) -> None:
    shutil.rmtree(admin)
    admin.write_text("not a folder")


def a_fifo(admin: Path) -> None:
    os.mkfifo(admin / "hero_pipe.yaml")


def a_loop(admin: Path) -> None:
    shutil.rmtree(admin)
    admin.symlink_to(admin)


HARM = (nothing, garbage, same_names, a_file, a_fifo, a_loop)


@pytest.mark.parametrize("harm", HARM, ids=lambda harm: harm.__name__)
def test_the_tester_catalog_is_the_same_whatever_admin_holds(folder: Path, harm: Callable[[Path], None]) -> None:
    before = catalog_json(resolve(folder, Role.TESTER))
    harm(folder / "admin")
    assert catalog_json(resolve(folder, Role.TESTER)) == before == catalog_json(resolve(bundles_folder(), Role.TESTER))


@pytest.fixture(scope="module")
def opened() -> Iterator[list[str]]:
    """The paths this process opens or lists. An audit hook stays for ever, so there is one for the module."""
    seen: list[str] = []
    watching = [True]

    def hear(event: str, arguments: tuple[object, ...]) -> None:
        if watching and event in ("open", "os.listdir", "os.scandir"):
            seen.append(str(arguments[0]))

    sys.addaudithook(hear)
    yield seen
    watching.clear()


def test_resolving_for_a_tester_never_opens_the_admin_layer(folder: Path, opened: list[str]) -> None:
    opened.clear()
    resolve(folder, Role.TESTER)
    assert any(path.endswith("/base") for path in opened) and any("hero_books.yaml" in path for path in opened)
    assert not [path for path in opened if "/admin" in path]
    resolve(folder, Role.ADMIN)
    assert any(path.endswith("/admin") for path in opened)


def test_one_name_in_both_layers_names_both_files(folder: Path) -> None:
    shutil.copy(folder / "base/hero_books.yaml", folder / "admin/hero_books.yaml")
    with pytest.raises(BundleError) as caught:
        resolve(folder, Role.ADMIN)
    assert str(folder / "base/hero_books.yaml") in caught.value.message
    assert str(folder / "admin/hero_books.yaml") in caught.value.message
    assert caught.value.hint == "Run: cockpitpm lint"


def test_a_message_says_how_many_more_there_are(folder: Path) -> None:
    for name in ("hero_books", "hero_db"):
        (folder / f"base/{name}.yaml").write_text(f"{HEADER}name: {name}\n")
    with pytest.raises(BundleError, match=r"hero_books\.yaml:2:1: .+\[missing-key\] \(and 11 more\)"):
        resolve(folder, Role.TESTER)


def test_a_missing_header_stops_no_machine(folder: Path) -> None:
    file = folder / "base/hero_db.yaml"
    file.write_text(file.read_text().removeprefix(HEADER))
    assert len(resolve(folder, Role.TESTER).bundles) == 17
    assert [one.rule for one in lint([folder]).findings] == ["schema-header"]


def test_a_folder_without_an_admin_layer_is_a_catalog_for_admin_too(folder: Path) -> None:
    shutil.rmtree(folder / "admin")
    assert len(resolve(folder, Role.ADMIN).bundles) == 17


def test_an_admin_layer_that_leads_nowhere_is_no_empty_one(folder: Path) -> None:
    a_loop(folder / "admin")
    with pytest.raises(BundleError, match="cannot be listed"):
        resolve(folder, Role.ADMIN)


@pytest.mark.parametrize("role", list(Role))
def test_no_folder_is_an_error_with_a_way_out(root: Path, role: Role) -> None:
    with pytest.raises(BundleError, match="holds no bundles") as caught:
        resolve(root, role)
    assert "base" in caught.value.hint


def test_a_layer_that_cannot_be_listed_is_an_error(root: Path) -> None:
    (root / "base").write_text("a file")
    with pytest.raises(BundleError, match="cannot be listed"):
        resolve(root, Role.TESTER)


def test_only_regular_yaml_files_are_read(folder: Path) -> None:
    base = folder / "base"
    (base / "linked.yaml").symlink_to(base / "hero_db.yaml")
    (base / "folder.yaml").mkdir()
    os.mkfifo(base / "pipe.yaml")
    (base / "notes.txt").write_text("x")
    (base / ".hidden.yaml").write_text("[")
    assert len(resolve(folder, Role.TESTER).bundles) == 17
    found = [(Path(one.file).name, one.rule) for one in lint([base]).findings]
    assert found == [(name, "stray-file") for name in ("folder.yaml", "linked.yaml", "notes.txt", "pipe.yaml")]


def test_a_file_that_vanishes_is_a_finding(folder: Path) -> None:
    found = sources(folder, LAYERS[Role.TESTER])
    (folder / "base/hero_db.yaml").unlink()
    findings = load(found).findings
    assert [(Path(one.file).name, one.rule) for one in findings] == [("hero_db.yaml", "unreadable")]
