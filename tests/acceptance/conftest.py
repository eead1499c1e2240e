"""The scenes: a fresh one for a test, or one that the tests of a file share."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.scene import Scene
from tests.conftest import end, members


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    """A short folder for the tests of one file, which must leave nothing running."""
    folder = Path(tempfile.mkdtemp(prefix="cp", dir=min(tempfile.gettempdir(), "/tmp", key=len)))
    yield folder
    left = members(folder)
    end(left)
    shutil.rmtree(folder, ignore_errors=True)
    assert not left, f"the tests left {len(left)} processes running: {left}"


@pytest.fixture(scope="module")
def scene(place: Path) -> Iterator[Scene]:
    """An admin machine that the tests of one file share."""
    with Scene(place) as made:
        yield made
