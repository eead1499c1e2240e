"""Duo as the tables of states begin with it, and the row that it stands in."""

from __future__ import annotations

from cockpitpm.decide.standing import standing
from cockpitpm.decide.truths import report
from cockpitpm.model.facts import AppFacts
from cockpitpm.model.standing import Known, Standing
from tests.cases.scene import bundles

ALL = {"duo_server": "running", "duo_admin": "running", "duo_second": "running"}
"""What is wanted of each service of duo."""
KNOWN = Known(bundle=bundles()["duo"])
"""What is known beside the facts: its bundle, and nothing else."""
FINE = 25
"""The row of a channel that has these very bytes under another commit."""


def stands(here: AppFacts, known: Known = KNOWN) -> Standing:
    """The standing on these facts."""
    return standing(report(here, "", ""), known)
