"""Of several apps' endings the gravest is the run's."""

from __future__ import annotations

import pytest

from cockpitpm.app.change import Report, exit_code
from cockpitpm.errors import ExitCode as E
from cockpitpm.model.outcome import AppOutcome, Ended
from cockpitpm.model.plan import Decision, Held, Plan, UpToDate, Waiting
from cockpitpm.model.receipt import Verb
from cockpitpm.model.role import Role

PLAN = Plan(verb=Verb.UPGRADE, role=Role.TESTER, catalog_digest="", apps=())
WAITING = Waiting(why="a draft", way_out="wait")
HELD = Held(why="the fair", until="", way_out="wait")


def outcome(code: E, decision: Decision) -> AppOutcome:
    return AppOutcome(app="x", decision=decision, ended=Ended.DONE, exit_code=code)


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        ((), E.DONE),
        ((E.DONE, E.DONE), E.DONE),
        ((E.DONE, E.REFUSED), E.REFUSED),
        ((E.REFUSED, E.FORGE), E.FORGE),
        ((E.STORE, E.FORGE), E.FORGE),
        ((E.FORGE, E.ROLLED_BACK, E.REFUSED), E.ROLLED_BACK),
        ((E.ROLLED_BACK, E.TRANSACTION), E.TRANSACTION),
    ],
)
def test_the_gravest_ending_is_told(codes: tuple[E, ...], expected: E) -> None:
    outcomes = tuple(outcome(code, UpToDate(why="")) for code in codes)
    assert exit_code(Report(plan=PLAN, outcomes=outcomes), everything=False) is expected


@pytest.mark.parametrize("decision", [WAITING, HELD])
@pytest.mark.parametrize(("everything", "expected"), [(False, E.REFUSED), (True, E.DONE)])
def test_an_app_that_waits_is_a_failure_only_when_it_was_named(
    decision: Decision, everything: bool, expected: E
) -> None:
    report = Report(plan=PLAN, outcomes=(outcome(E.DONE, UpToDate(why="")), outcome(E.REFUSED, decision)))
    assert exit_code(report, everything=everything) is expected
