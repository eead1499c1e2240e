"""What no file of the project says: how it was made, where packages are fetched from, whose machine it was."""

from __future__ import annotations

import contextlib
import functools
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.source import CHECKOUT

GENERATED = {".git", ".venv", "dist", "build", "node_modules", ".hypothesis"}

# The words are put together here, so that this file does not hold what it looks for.
HOSTS = ("py" + "pi.org", "python" + "hosted.org", "crates" + ".io", "npm" + "js.", "docker" + ".io", "gh" + "cr.io")
FORBIDDEN = {
    "a package registry's host": re.compile("|".join(re.escape(host) for host in HOSTS)),
    "an issue's number": re.compile(r"\b[a-z_]+#\d+\b|\bissues?[ /]#?\d+", re.IGNORECASE),
    "a path of one machine": re.compile("/work" + "/(?:main|shared)"),
}
OUTSIDE = re.compile(r"\.\./" + "shared")
MAY_LOOK_OUTSIDE = ("tests/", ".ci/")


@functools.cache
def project_files() -> tuple[tuple[str, str], ...]:
    """Relative path and text of every file that people wrote."""
    return tuple(read(CHECKOUT))


def read(folder: Path) -> Iterator[tuple[str, str]]:
    for path in sorted(folder.iterdir()):
        if skipped(path.name):
            continue
        if path.is_dir():
            yield from read(path)
            continue
        with contextlib.suppress(UnicodeDecodeError):  # an image
            yield path.relative_to(CHECKOUT).as_posix(), path.read_text(encoding="utf-8")


THREAD = "forge.ourworld.tf/lhumina_code/home/issues/282"
"""The public thread that the project began with, which the documents may name."""


def skipped(part: str) -> bool:
    return part in GENERATED or part.endswith(("cache", "cache__", ".egg-info")) or part.startswith(".coverage")


@pytest.mark.parametrize("what", sorted(FORBIDDEN))
def test_no_file_names(what: str) -> None:
    texts = ((name, text.replace(THREAD, "")) for name, text in project_files())
    found = [f"{name}: {m.group()}" for name, text in texts for m in FORBIDDEN[what].finditer(text)]
    assert not found, "\n".join(found)


def test_only_tests_may_look_beside_the_checkout() -> None:
    found = [name for name, text in project_files() if not name.startswith(MAY_LOOK_OUTSIDE) and OUTSIDE.search(text)]
    assert not found, "\n".join(found)


def test_the_licence_is_whole() -> None:
    text = Path(CHECKOUT / "LICENSE").read_text(encoding="utf-8")
    assert "Apache License" in text and "END OF TERMS AND CONDITIONS" in text and "The cockpitpm authors" in text
