"""From a request to its end: plan, question, run, report, exit code. Every changing verb takes this way."""

from __future__ import annotations

import sys

from attrs import evolve

from cockpitpm.cli.narrate import narrator
from cockpitpm.cli.outcome_text import write_report
from cockpitpm.cli.plan_text import write_plan
from cockpitpm.cli.session import Session, actor
from cockpitpm.cli.terminal import bold
from cockpitpm.errors import UsageError
from cockpitpm.model.codec import encode
from cockpitpm.model.plan import Plan, Request
from cockpitpm.model.receipt import Verb
from cockpitpm.model.request import going_past

UNASKED = (Verb.CONVERGE, Verb.START, Verb.RESTART)
"""Verbs that change no bytes: nobody is asked."""


def request(verb: Verb, names: tuple[str, ...] = (), to: int | None = None) -> Request:
    """The request of whoever is at the command line."""
    return Request(verb=verb, names=names, to=to, actor=actor())


def carry_through(session: Session, wanted: Request, everything: bool = False) -> int:
    """Do what was asked, or only show it with `--dry-run`. Gives the exit code."""
    from cockpitpm.app.change import change, exit_code
    from cockpitpm.app.report import to_json

    wanted = permitted(session, wanted)
    if session.dry_run:
        return foretell(session, wanted, everything)
    with narrator(session.aside) as reporter:
        report = change(session.host(reporter), wanted, lambda plan: agreed(session, plan))
    code = exit_code(report, everything)
    if session.as_json:
        session.json(to_json(report, code))
    else:
        write_report(session.out, report)
    return code


def permitted(session: Session, wanted: Request) -> Request:
    """The request with what was allowed and why. Raises UsageError where somebody allows without saying why or what."""
    if session.allow_downgrade and not session.reason.strip():
        raise UsageError("--allow-downgrade needs a reason", 'Say why: --reason "WHY"; the history keeps it')
    said = (("--past-hold", session.past_hold), ("--retry-failed", session.retry_failed))
    if not wanted.names and (flag := next((flag for flag, yes in said if yes), "")):
        hint = f"Name them: `cockpitpm {wanted.verb.value} NAME {flag}`"
        raise UsageError(f"{flag} is for apps that are named, not for all at once", hint)
    allow = going_past(older=session.allow_downgrade, hold=session.past_hold, failed=session.retry_failed)
    return evolve(wanted, allow=allow, reason=session.reason.strip())


def foretell(session: Session, wanted: Request, everything: bool) -> int:
    """Show the plan and change nothing. The exit code is that of what is refused or cannot be planned."""
    from cockpitpm.app.change import exit_code, plan_for
    from cockpitpm.app.report import foreseen

    plan = plan_for(session.host(), wanted)
    if session.as_json:
        session.json(encode(plan))
    else:
        write_plan(session.out, plan)
    return exit_code(foreseen(plan), everything)


def agreed(session: Session, plan: Plan) -> bool:
    """Show the plan and ask. Raises UsageError where there is nobody to ask."""
    if plan.verb in UNASKED:
        return True
    write_plan(session.aside, plan)
    if session.yes:
        return True
    if not sys.stdin.isatty():
        raise UsageError("There is nobody here to ask, so nothing was changed", "Add --yes to go ahead")
    session.aside.write(session.aside.shown(bold("Go ahead? [y/N] ")))
    return sys.stdin.readline().strip().lower() in ("y", "yes")
