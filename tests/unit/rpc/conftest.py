"""Machines behind a JSON-RPC server."""

from __future__ import annotations

from pathlib import Path

import pytest

from cockpitpm.model.receipt import Verb
from tests.unit.rpc.scene import Scene


@pytest.fixture
def scene(root: Path) -> Scene:
    """The test app duo is installed, a newer build is published."""
    made = Scene(root)
    made.machine.publish("1")
    made.machine.run(Verb.INSTALL, "duo")
    made.machine.publish("2")
    return made


@pytest.fixture
def bare(root: Path) -> Scene:
    """Nothing is installed, duo is published."""
    made = Scene(root)
    made.machine.publish("1")
    return made
