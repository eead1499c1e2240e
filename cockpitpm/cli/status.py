"""`status`."""

from __future__ import annotations

import click

from cockpitpm.cli.options import as_role, reading
from cockpitpm.cli.session import Session
from cockpitpm.cli.verbs import Verb as Command

EXAMPLES = ("cockpitpm status", "cockpitpm status hero_compute", "cockpitpm status --json")


@click.command(cls=Command, examples=EXAMPLES)
@click.argument("names", nargs=-1, metavar="[NAME]...")
@as_role
@reading
@click.pass_obj
def status(session: Session, names: tuple[str, ...]) -> None:
    """Show four truths about every service: what runs, what is on disk, what was recorded, what is published.

    Reads disk and processes alone: nothing goes out, and nothing changes.
    """
    from cockpitpm.app import status as app

    found = app.status(session.host(), names)
    if session.as_json:
        session.json(app.to_json(found))
        return
    from cockpitpm.cli.status_text import write_status

    write_status(session.out, found)
