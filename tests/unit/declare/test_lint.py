"""Lint: which paths it takes, what it counts, what it tells of a part of a folder."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from cockpitpm.declare.data import bundles_folder
from cockpitpm.declare.lint import lint
from cockpitpm.errors import BundleError


@pytest.fixture
def folder(root: Path) -> Path:
    return Path(shutil.copytree(bundles_folder(), root / "bundles"))


def test_our_own_bundles_are_clean() -> None:
    report = lint([bundles_folder()])
    assert report.findings == () and report.checked == 21


def test_a_layer_or_a_file_is_a_part_of_its_folder(folder: Path) -> None:
    assert lint([folder / "base"]).checked == 17
    assert lint([folder / "admin/hero_compute.yaml"]).checked == 1
    assert lint([folder / "base", folder / "base/hero_db.yaml", folder]).checked == 21


def test_a_file_is_judged_with_the_others_but_only_it_is_told(folder: Path) -> None:
    (folder / "base/hero_db.yaml").unlink()
    report = lint([folder / "base/hero_osis.yaml"])
    assert [(one.rule, Path(one.file).name) for one in report.findings] == [("required-exists", "hero_osis.yaml")]
    assert len(lint([folder]).findings) > 5


def test_findings_are_sorted_and_all_there(folder: Path) -> None:
    for name in ("hero_os", "hero_biz"):
        file = folder / f"base/{name}.yaml"
        file.write_text(file.read_text() + "x: 1\ny: 2\n")
    found = [(Path(one.file).name, one.message) for one in lint([folder]).findings]
    assert [name for name, _ in found] == ["hero_biz.yaml"] * 2 + ["hero_os.yaml"] * 2
    assert "'x'" in found[0][1] and "'y'" in found[1][1]


@pytest.mark.parametrize("path", ["bundles/nothing", "bundles/base/none.yaml", "bundles/README.md", "elsewhere"])
def test_what_is_no_part_of_a_bundles_folder_is_refused(folder: Path, path: str) -> None:
    with pytest.raises(BundleError):
        lint([folder.parent / path])


def test_a_clean_folder_never_pays_for_the_words_of_errors() -> None:
    code = (
        "import sys; from cockpitpm.declare.data import bundles_folder; from cockpitpm.declare.lint import lint;"
        "assert not lint([bundles_folder()]).findings; assert 'jsonschema' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[3], timeout=30)
