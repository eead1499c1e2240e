"""Every malformed example is reported exactly where its first comment says; every good one is silent."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from cockpitpm.declare.catalog import resolve
from cockpitpm.declare.lint import lint
from cockpitpm.errors import BundleError
from cockpitpm.model.role import Role

EXAMPLES = Path(__file__).parents[2] / "examples"
BAD = [EXAMPLES / "bad/files", *sorted((EXAMPLES / "bad/sets").iterdir())]
GOOD = sorted((EXAMPLES / "good").iterdir())
EXPECTATION = re.compile(r"# expect: ([a-z0-9-]+) (\d+):(\d+)")

Place = tuple[str, str, int, int]


def expected(folder: Path) -> Iterator[Place]:
    for file in folder.rglob("*.y*ml"):
        for line in file.read_text(encoding="utf-8", errors="replace").splitlines():
            if match := EXPECTATION.fullmatch(line):
                yield str(file), match[1], int(match[2]), int(match[3])


@pytest.mark.parametrize("folder", BAD, ids=lambda folder: folder.name)
def test_each_fault_is_found_where_it_is(folder: Path) -> None:
    report = lint([folder])
    found = sorted((one.file, one.rule, one.line, one.column) for one in report.findings)
    assert found == sorted(expected(folder))


def test_every_file_of_bad_files_is_bad_and_there_are_many() -> None:
    folder = EXAMPLES / "bad/files"
    faulty = {file for file, *_ in expected(folder)}
    assert faulty == {str(file) for file in folder.rglob("*.yaml")}
    assert len(faulty) + len(BAD) > 70


@pytest.mark.parametrize("folder", BAD, ids=lambda folder: folder.name)
def test_a_finding_is_one_line_for_people(folder: Path) -> None:
    for one in lint([folder]).findings:
        assert one.message and "\n" not in one.message + one.hint
        assert (one.message + one.hint).isprintable()
        assert "Traceback" not in one.message and len(one.message) < 300


READ = [folder for folder in BAD if folder.name != "stray_file"]  # what is not read does not stop a machine


@pytest.mark.parametrize("folder", READ, ids=lambda folder: folder.name)
def test_a_bad_folder_resolves_for_nobody_who_sees_the_fault(folder: Path) -> None:
    with pytest.raises(BundleError, match=r"\.yaml:\d+:\d+: .+ \[[a-z0-9-]+\]"):
        resolve(folder, Role.ADMIN)


@pytest.mark.parametrize("folder", GOOD, ids=lambda folder: folder.name)
def test_good_examples_are_clean_and_resolve(folder: Path) -> None:
    report = lint([folder])
    assert report.findings == () and report.checked == len([*folder.rglob("*.yaml")])
    assert len(resolve(folder, Role.ADMIN).bundles) == report.checked
