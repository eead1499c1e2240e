"""`plan`."""

from __future__ import annotations

from pathlib import Path
from shlex import quote

import click

from cockpitpm.cli.flow import permitted, request
from cockpitpm.cli.options import again, as_role, reading, through
from cockpitpm.cli.plan_text import write_plan
from cockpitpm.cli.session import Session
from cockpitpm.cli.terminal import cyan
from cockpitpm.cli.verbs import Verb as Command
from cockpitpm.errors import ExitCode, UsageError
from cockpitpm.model.codec import encode
from cockpitpm.model.plan import Plan, Request
from cockpitpm.model.receipt import Verb

EXAMPLES = (
    "cockpitpm plan",
    "cockpitpm plan hero_compute",
    "cockpitpm plan hero_db --verb remove",
    "cockpitpm plan --out tonight.plan && cockpitpm apply tonight.plan",
    "cockpitpm plan --exit-code",
    "cockpitpm plan --json",
)


@click.command(cls=Command, examples=EXAMPLES)
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--all", "everything", is_flag=True, help="Every app that is installed; the same as no name.")
@click.option("--verb", type=click.Choice([verb.value for verb in Verb]), help="Plan for this verb.")
@click.option("--out", metavar="FILE", help="Save the plan for `apply`.")
@click.option("--exit-code", "telling", is_flag=True, help="Exit with 24 if something would be changed.")
@again
@through
@as_role
@reading
@click.pass_obj
def plan(
    session: Session, names: tuple[str, ...], everything: bool, verb: str | None, out: str | None, telling: bool
) -> int:
    """Show what would be done, to which app, in which order, and why; or why not. Changes nothing.

    What is installed would be upgraded, what is not would be installed; --verb asks for something else. The exit
    code tells what stands in the way: 21 if an app is refused, 6 if its forge does not answer.
    """
    if everything and names:
        raise UsageError("--all and names exclude each other", "Say one of them")
    if out is not None and verb == Verb.ADOPT.value and not session.reason.strip():
        raise UsageError("Bytes without a receipt need a reason", 'Say why: --reason "WHY"; the history keeps it')
    target = _target(session, out) if out is not None else None
    wanted = permitted(session, request(Verb(verb) if verb else _meant(session, names), names))
    found = _made(session, wanted, target)
    code = show(session, found, everything=not names)
    if target and not session.as_json:
        session.out.line("Saved; carry it out with ", cyan(f"cockpitpm apply {quote(str(out))}"), ".")
    pending = telling and code == ExitCode.DONE and any(app.acts for app in found.apps)
    return ExitCode.CHANGES_PENDING if pending else code


def show(session: Session, found: Plan, everything: bool) -> int:
    """Write a plan that is not carried out. Gives the exit code of what is refused or cannot be planned."""
    from cockpitpm.app.change import exit_code
    from cockpitpm.app.report import foreseen

    if session.as_json:
        session.json(encode(found))
    else:
        write_plan(session.out, found)
    return exit_code(foreseen(found), everything)


def _target(session: Session, out: str) -> Path:
    from cockpitpm.app.planfile import writable

    if out == "-":
        raise UsageError("A plan is saved in a file, not written to the output", "Name a file, or say --json")
    if session.given_role:
        raise UsageError("--role only looks, and a plan that is saved is for this machine's role", "Leave one out")
    path = session.absolute(out)
    writable(path)
    return path


def _made(session: Session, wanted: Request, target: Path | None) -> Plan:
    if target is None:
        from cockpitpm.app.change import plan_for

        return plan_for(session.host(), wanted)
    from cockpitpm.app.planfile import make, save

    saved = make(session.host(), wanted)
    save(target, saved)
    return saved.plan


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
