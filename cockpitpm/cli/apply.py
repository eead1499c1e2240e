"""`apply`."""

from __future__ import annotations

import click

from cockpitpm.cli.flow import agreed
from cockpitpm.cli.narrate import narrator
from cockpitpm.cli.options import asking
from cockpitpm.cli.outcome_text import write_report
from cockpitpm.cli.plan import show
from cockpitpm.cli.session import Session
from cockpitpm.cli.verbs import Verb as Command

EXAMPLES = (
    "cockpitpm plan --out tonight.plan",
    "cockpitpm apply tonight.plan",
    "cockpitpm apply tonight.plan --yes --json",
    "cockpitpm apply tonight.plan --dry-run",
)


@click.command(cls=Command, examples=EXAMPLES)
@click.argument("file", metavar="FILE")
@asking
@click.pass_obj
def apply(session: Session, file: str) -> int:
    """Carry out a plan that `plan --out FILE` saved, exactly as it was saved.

    If anything that it rests on has changed since (catalog, receipts, files, release, definitions, what is meant to
    run), it names that, changes nothing and exits with 21. Process numbers and free space may change.
    """
    from cockpitpm.app import planfile
    from cockpitpm.app.change import exit_code
    from cockpitpm.app.report import to_json

    saved = planfile.load(session.absolute(file))
    everything = not saved.request.names
    if session.dry_run:
        return show(session, planfile.check(session.host(), saved), everything)
    with narrator(session.aside) as reporter:
        report = planfile.apply(session.host(reporter), saved, lambda plan: agreed(session, plan))
    code = exit_code(report, everything)
    if session.as_json:
        session.json(to_json(report, code))
    else:
        write_report(session.out, report)
    return code
