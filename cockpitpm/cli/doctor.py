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
    from cockpitpm.app.doctor import Attempt, Diagnosis
    from cockpitpm.model.ailment import Symptom

EXAMPLES = ("cockpitpm doctor", "cockpitpm doctor --fix", "cockpitpm doctor --offline --json")


@click.command(cls=Command, examples=EXAMPLES)
@click.option("--fix", is_flag=True, help="Mend what is safe: finish what was interrupted, clean up, set modes.")
@click.option("--offline", is_flag=True, help="Ask no forge.")
@reading
@click.pass_obj
def doctor(session: Session, fix: bool, offline: bool) -> int:
    """What is wrong with this machine, and how to mend it.

    Looks at settings, bundles, the way to the root and its places, owners and modes, the lock, what was interrupted,
    every record and file, the supervisor and its services, the clock, the disk and the forges. Exit code 4 if something
    is wrong, or could not be mended; 0 also where something is merely worth knowing.
    """
    from cockpitpm.app import doctor as app

    found = app.examine(session.host(anyhow=True), forges=not offline)
    attempts: tuple[Attempt, ...] = ()
    if fix:
        with narrator(session.aside) as reporter:
            attempts = app.mend(session.host(reporter, anyhow=True), found)
        found = app.examine(session.host(anyhow=True), forges=not offline) if attempts else found
    if session.as_json:
        session.json(app.to_json(found, attempts))
    else:
        _tell(session.out, found, attempts, fix)
    well = found.well and not any(one.error for one in attempts)
    return ExitCode.DONE if well else ExitCode.MACHINE


def _tell(out: Terminal, found: Diagnosis, attempts: tuple[Attempt, ...], fix: bool) -> None:
    for one in attempts:
        _attempt(out, one)
    for symptom in found.symptoms:
        _symptom(out, symptom)
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


def _attempt(out: Terminal, one: Attempt) -> None:
    check, subject = bold(one.symptom.check.value), one.symptom.subject
    if one.error is None:
        out.line(green("✓ "), check, "  ", f"{subject}: mended")
        return
    out.line(red("✗ "), check, "  ", f"{subject}: not mended: {one.error.message}")
    if one.error.hint:
        out.paragraph(one.error.hint, indent=4, style="36", first=dim("→ "))


def _symptom(out: Terminal, one: Symptom) -> None:
    mark = red("✗ ") if one.grade.value == "wrong" else yellow("! ")
    named = "" if one.subject in (one.check.value, "") or one.subject in one.told else f"{one.subject}: "
    out.line(mark, bold(one.check.value.ljust(len("supervisor"))), "  ", f"{named}{one.told}")
    if one.next_step:
        out.paragraph(one.next_step, indent=4, style="36", first=dim("→ "))
