"""`doctor`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cockpitpm.cli.narrate import narrator
from cockpitpm.cli.options import reading
from cockpitpm.cli.session import Session
from cockpitpm.cli.terminal import Terminal, bold, dim, green, red, yellow
from cockpitpm.cli.verbs import Verb as Command
from cockpitpm.cli.words import count
from cockpitpm.errors import ExitCode

if TYPE_CHECKING:
    from cockpitpm.app.doctor import Diagnosis
    from cockpitpm.model.ailment import Symptom

EXAMPLES = ("cockpitpm doctor", "cockpitpm doctor --fix", "cockpitpm doctor --offline --json")


@click.command(cls=Command, examples=EXAMPLES)
@click.option("--fix", is_flag=True, help="Mend what is safe: finish what was interrupted, clean up, set modes.")
@click.option("--offline", is_flag=True, help="Ask no forge.")
@reading
@click.pass_obj
def doctor(session: Session, fix: bool, offline: bool) -> int:
    """What is wrong with this machine, and how to mend it.

    Looks at settings, bundles, owners and modes, the lock, what was interrupted, every record and file, the supervisor
    and its services, the clock, the disk and the forges. Exit code 4 if something is left to mend, else 0.
    """
    from cockpitpm.app import doctor as app

    found = app.examine(session.host(), forges=not offline)
    mended: tuple[Symptom, ...] = ()
    if fix:
        with narrator(session.aside) as reporter:
            mended = app.mend(session.host(reporter), found)
        found = app.examine(session.host(), forges=not offline) if mended else found
    if session.as_json:
        session.json(app.to_json(found, mended))
    else:
        _tell(session.out, found, mended, fix)
    return ExitCode.DONE if found.well else ExitCode.MACHINE


def _tell(out: Terminal, found: Diagnosis, mended: tuple[Symptom, ...], fix: bool) -> None:
    for one in mended:
        out.line(green("✓ "), bold(one.check.value), "  ", f"{one.subject}: mended")
    for one in found.symptoms:
        _symptom(out, one)
    wrong = sum(one.grade.value == "wrong" for one in found.symptoms)
    if not found.symptoms:
        out.line(green("✓ "), bold(f"{count(len(found.looked), 'check')}, nothing is wrong"))
        return
    out.line()
    odd = len(found.symptoms) - wrong
    parts = [f"{wrong} to mend" if wrong else "", f"{odd} worth knowing" if odd else ""]
    out.line(bold(", ".join(filter(None, parts))), dim(f" in {count(len(found.looked), 'check')}"))
    if not fix and any(one.remedy.value != "none" for one in found.symptoms):
        out.paragraph("cockpitpm doctor --fix mends what is safe", style="36", first=dim("→ "))


def _symptom(out: Terminal, one: Symptom) -> None:
    mark = red("✗ ") if one.grade.value == "wrong" else yellow("! ")
    named = "" if one.subject in (one.check.value, "") or one.subject in one.told else f"{one.subject}: "
    out.line(mark, bold(one.check.value.ljust(len("supervisor"))), "  ", f"{named}{one.told}")
    if one.next_step:
        out.paragraph(one.next_step, indent=4, style="36", first=dim("→ "))
