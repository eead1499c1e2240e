"""`plan`."""

from __future__ import annotations

import click

from cockpitpm.cli.flow import foretell, request
from cockpitpm.cli.options import as_role, reading
from cockpitpm.cli.session import Session
from cockpitpm.cli.verbs import Verb as Command
from cockpitpm.errors import UsageError
from cockpitpm.model.receipt import Verb

EXAMPLES = (
    "cockpitpm plan",
    "cockpitpm plan hero_compute",
    "cockpitpm plan hero_db --verb remove",
    "cockpitpm plan --json",
)


@click.command(cls=Command, examples=EXAMPLES)
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--all", "everything", is_flag=True, help="Every app that is installed; the same as no name.")
@click.option("--verb", type=click.Choice([verb.value for verb in Verb]), help="Plan for this verb.")
@as_role
@reading
@click.pass_obj
def plan(session: Session, names: tuple[str, ...], everything: bool, verb: str | None) -> int:
    """Show what would be done, to which app, in which order, and why; or why not. Changes nothing.

    What is installed would be upgraded, what is not would be installed; --verb asks for something else. The exit
    code tells what stands in the way: 21 if an app is refused, 6 if its forge does not answer.
    """
    if everything and names:
        raise UsageError("--all and names exclude each other", "Say one of them")
    meant = Verb(verb) if verb else _meant(session, names)
    return foretell(session, request(meant, names), everything=not names)


def _meant(session: Session, names: tuple[str, ...]) -> Verb:
    from cockpitpm.app.names import apps_of
    from cockpitpm.cli.words import listed

    host = session.host()
    here = host.facts().installed
    apps = apps_of(host, names)
    missing = [app for app in apps if app not in here]
    if missing and len(missing) < len(apps):
        hint = "Ask for them apart, or add --verb install or --verb upgrade"
        raise UsageError(f"{listed(missing)} is not installed and the others are", hint)
    return Verb.INSTALL if missing else Verb.UPGRADE
