"""`logs`."""

from __future__ import annotations

import click

from cockpitpm.cli.options import reading
from cockpitpm.cli.session import Session
from cockpitpm.cli.terminal import bold, dim
from cockpitpm.cli.verbs import Verb as Command


@click.command(cls=Command, examples=("cockpitpm logs hero_db_server", "cockpitpm logs hero_compute -n 200"))
@click.argument("name")
@click.option("-n", "--lines", type=click.IntRange(min=1), default=20, help="How many of each service [20].")
@reading
@click.pass_obj
def logs(session: Session, name: str, lines: int) -> None:
    """Show the last lines that a service wrote, or every service of an app."""
    from cockpitpm.app.services import logs as read

    found = read(session.host(), name, lines)
    if session.as_json:
        session.json({"logs": [{"service": service, "lines": text.splitlines()} for service, text in found.items()]})
        return
    for service, text in found.items():
        if len(found) > 1:
            session.out.line(bold(service))
        for line in text.expandtabs().splitlines() or [""]:
            session.out.line(line if text else dim("(nothing yet)"))
