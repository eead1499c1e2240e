"""Where the supervisor's word contradicts what is seen, and where it is merely silent."""

from __future__ import annotations

import pytest
from attrs import evolve

from cockpitpm.decide.standing_cells import disagrees
from cockpitpm.decide.truths import report
from cockpitpm.model.service import Runs, ServiceState
from cockpitpm.model.status import ServiceReport
from tests.cases.scene import app_facts, bundles


def service() -> ServiceReport:
    return report(app_facts("duo", {"installed": "A"}, bundles()["duo"]), "", "").services[0]


@pytest.mark.parametrize(
    ("process", "state", "raw", "contradicts"),
    [
        (Runs.CURRENT, ServiceState.RUNNING, "RUNNING", False),
        (Runs.OLD, ServiceState.RUNNING, "RUNNING", False),
        (Runs.CURRENT, ServiceState.UNKNOWN, "supervisord does not run", False),
        (Runs.CURRENT, ServiceState.STOPPED, "STOPPED", True),
        (Runs.CURRENT, ServiceState.FAILED, "FATAL", True),
        (Runs.OTHER, ServiceState.ABSENT, "", True),
        (Runs.NOTHING, ServiceState.RUNNING, "", True),
        (Runs.NOTHING, ServiceState.UNKNOWN, "RUNNING", True),
        (Runs.NOTHING, ServiceState.UNKNOWN, "Running", True),
        (Runs.NOTHING, ServiceState.UNKNOWN, "supervisord does not run", False),
        (Runs.NOTHING, ServiceState.STOPPED, "STOPPED", False),
        (Runs.NOTHING, ServiceState.FAILED, "FATAL", False),
        (Runs.NOTHING, ServiceState.ABSENT, "", False),
    ],
)
def test_a_word_that_contradicts(process: Runs, state: ServiceState, raw: str, contradicts: bool) -> None:
    assert disagrees(evolve(service(), process=process, state=state, raw=raw)) is contradicts
