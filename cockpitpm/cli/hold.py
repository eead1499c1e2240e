"""`hold` and `unhold`."""

from __future__ import annotations

import click

from cockpitpm.cli.options import setting
from cockpitpm.cli.session import Session
from cockpitpm.cli.terminal import bold, dim, green
from cockpitpm.cli.verbs import Verb

HOLD = (
    'cockpitpm hold hero_books --until 2d --reason "demo on Thursday"',
    'cockpitpm hold hero_books --until 2026-12-24T18:00:00Z --reason "frozen for the fair"',
)


@click.command(cls=Verb, examples=HOLD)
@click.argument("name")
@click.option("--until", default="", metavar="WHEN", help="A moment, a date (UTC), or a span: 2d, 6h [no end].")
@click.option("--reason", required=True, metavar="TEXT", help="Why, for whoever meets the hold.")
@setting
@click.pass_obj
def hold(session: Session, name: str, until: str, reason: str) -> None:
    """Keep an app from being upgraded, until an end that is then past by itself.

    Rolling a held app back and removing it is allowed, and so is whatever leaves its bytes as they are.
    """
    from cockpitpm.app.settings import set_hold

    found = set_hold(session.host(), name, until, reason)
    if session.as_json:
        session.json({"name": name, "until": found.until or None, "reason": found.reason})
        return
    end = (" until ", bold(found.until)) if found.until else (" without an end", "")
    session.out.line(green("✓ "), bold(name), " is held", *end, dim(f"  {found.reason}"))
    session.out.paragraph("Rollback and remove work meanwhile.", indent=2, style="2")


@click.command(cls=Verb, examples=("cockpitpm unhold hero_books",))
@click.argument("name")
@setting
@click.pass_obj
def unhold(session: Session, name: str) -> None:
    """Let an app be upgraded again."""
    from cockpitpm.app.settings import end_hold

    was = end_hold(session.host(), name)
    if session.as_json:
        session.json({"name": name, "was_held": was})
    elif was:
        session.out.line(green("✓ "), bold(name), " is held no more")
    else:
        session.out.line(bold(name), " was not held")
