"""`register`."""

from __future__ import annotations

import click

from cockpitpm.cli.narrate import narrator
from cockpitpm.cli.options import setting
from cockpitpm.cli.outcome_text import write_report
from cockpitpm.cli.session import Session
from cockpitpm.cli.terminal import dim
from cockpitpm.cli.verbs import Verb
from cockpitpm.cli.words import listed

EXAMPLES = (
    "cockpitpm register hero_cockpit",
    "COCKPIT_MACHINE_ROLE=admin cockpitpm register hero_cockpit_server",
    "cockpitpm register hero_cockpit_server --unset COCKPIT_MACHINE_ROLE",
)


@click.command(cls=Verb, examples=EXAMPLES)
@click.argument("name")
@click.option("--unset", multiple=True, metavar="VAR", help="Forget a variable that was kept; may be repeated.")
@setting
@click.pass_obj
def register(session: Session, name: str, unset: tuple[str, ...]) -> int:
    """Register a service, or all of an app, with the supervisor, and restart what is defined anew.

    Variables of this command's environment that the bundle declares for the service are kept: no later registration
    or upgrade loses them. A secret of the service's context wins over them; `explain SERVICE VAR` shows who wins.
    """
    from cockpitpm.app.change import exit_code
    from cockpitpm.app.register import register as carry_through
    from cockpitpm.app.report import to_json

    with narrator(session.aside) as reporter:
        report, kept = carry_through(session.host(reporter), name, session.environ, unset)
    code = exit_code(report, everything=False)
    if session.as_json:
        names = {service: sorted(said) for service, said in kept.items()}
        session.json({**to_json(report, code), "exported": names})
        return code
    write_report(session.out, report)
    for service, said in kept.items():
        if said:
            session.out.line("  ", dim(f"{service} keeps {listed(sorted(said))}"))
    return code
