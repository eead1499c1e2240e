"""The command that leads past what stops an app."""

from __future__ import annotations

from cockpitpm.model.facts import AppFacts
from cockpitpm.model.plan import OLDER, Reason

FLAGS = (
    ((Reason.HOLD,), "--past-hold"),
    ((Reason.BLOCKED_BUILD,), "--retry-failed"),
    (OLDER, '--allow-downgrade --reason "WHY"'),
)


def way_past(facts: AppFacts, reason: Reason, allow: tuple[Reason, ...]) -> str:
    """The command that goes past this too, beside what somebody goes past already."""
    said = {reason, *allow}
    flags = " ".join(flag for reasons, flag in FLAGS if said.intersection(reasons))
    return f"cockpitpm {'upgrade' if facts.installed else 'install'} {facts.app} {flags}"
