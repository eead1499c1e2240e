"""A run as every face tells it."""

from __future__ import annotations

from typing import Any

from cockpitpm.act.recovery import Recovered
from cockpitpm.act.run import without_steps
from cockpitpm.app.change import Report
from cockpitpm.model.codec import encode
from cockpitpm.model.plan import Plan

__all__ = ["Recovered", "Report", "foreseen", "recovered_json", "to_json"]


def foreseen(plan: Plan) -> Report:
    """The report of a run that is not made: what is refused or has to wait ends as it would, the rest is left out."""
    return Report(plan=plan, outcomes=tuple(without_steps(app) for app in plan.apps if not app.acts), confirmed=False)


def to_json(report: Report, exit_code: int) -> dict[str, Any]:
    """`{confirmed, exit_code, plan, outcomes: […], recovered: […]}`."""
    return {
        "confirmed": report.confirmed,
        "exit_code": int(exit_code),
        "plan": encode(report.plan),
        "outcomes": [encode(one) for one in report.outcomes],
        "recovered": recovered_json(report.recovered),
    }


def recovered_json(found: tuple[Recovered, ...]) -> list[dict[str, Any]]:
    """What an earlier run had left unfinished, and how it ended now."""
    return [
        {
            "transaction": one.transaction,
            "app": one.app or None,
            "record": encode(one.record),
            "error": {"message": one.error.message, "hint": one.error.hint} if one.error else None,
        }
        for one in found
    ]
