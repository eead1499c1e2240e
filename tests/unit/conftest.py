"""The machine that most tests of the engine begin with."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.sim.machine import MachineSim
from tests.sim.steps import installed


@pytest.fixture
def machine(root: Path) -> MachineSim:
    """Build 1 of duo is installed and runs; the forge has no other."""
    return installed(root, "1")
