"""The machine that most tests of the engine begin with."""

from __future__ import annotations

from pathlib import Path

import pytest

from cockpitpm.errors import ExitCode
from cockpitpm.model.receipt import Verb
from tests.sim.machine import MachineSim


@pytest.fixture
def machine(root: Path) -> MachineSim:
    """Build 1 of duo is installed and runs; the forge has no other."""
    made = MachineSim(root)
    made.publish("1")
    assert made.code(Verb.INSTALL, "duo") is ExitCode.DONE
    return made
