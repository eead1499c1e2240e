"""What is taken along: by `make slow` every long test, by the source archive everything that its README names."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from hatchling.builders.sdist import SdistBuilder

from tests.architecture.source import CHECKOUT

TESTS = CHECKOUT / "tests"
LINK = re.compile(r"\]\((?!https?:)([^)#]+)")


def words_of(target: str) -> list[str]:
    """The last command of a target, as make would run it."""
    command = ["make", "--dry-run", "--always-make", "--no-print-directory", target]
    told = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=True).stdout
    return told.splitlines()[-1].split()


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_every_slow_test_is_run_by_a_target() -> None:
    """Those of faults by `make faults`, which counts what each of them found; all others by `make slow`."""
    faults = words_of("faults")
    assert faults[-2:] == ["-m", "tests.faults.table"]
    words = words_of("slow")
    assert words[words.index("slow") - 1] == "-m"
    left = [CHECKOUT / word.removeprefix("--ignore=") for word in words if word.startswith("--ignore=")]
    taken = [CHECKOUT / word for word in words if not word.startswith("-") and (CHECKOUT / word).is_dir()]
    assert left == [TESTS / "faults"]
    slow = [path for path in TESTS.rglob("test_*.py") if "mark.slow" in path.read_text(encoding="utf-8")]
    assert len({path.parent for path in slow}) > 3
    for path in slow:
        run = any(map(path.is_relative_to, taken)) and not any(map(path.is_relative_to, left))
        assert run or path.is_relative_to(TESTS / "faults"), f"`make slow` leaves out {path.relative_to(CHECKOUT)}"


def test_the_source_archive_holds_what_its_readme_names() -> None:
    held = {file.distribution_path for file in SdistBuilder(str(CHECKOUT)).recurse_included_files()}
    places = held | {parent.as_posix() for name in held for parent in Path(name).parents}
    documents = [CHECKOUT / name for name in ("README.md", "SECURITY.md", *places) if name.endswith(".md")]
    missing = {
        f"{document.relative_to(CHECKOUT)}: {link}"
        for document in documents
        for link in LINK.findall(document.read_text(encoding="utf-8"))
        if (document.parent / link).resolve().relative_to(CHECKOUT).as_posix() not in places
    }
    assert missing == set()
    assert {"Makefile", ".ci/gates", ".ci/setup", ".ci/expected-skips", "docs/the-thread.md", "benchmarks"} <= places
    assert not [name for name in held if name.startswith((".venv/", ".git/", "dist/")) or "__pycache__" in name]
