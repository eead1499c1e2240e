"""`lint`."""

from __future__ import annotations

import os
import time
from pathlib import Path

import click

from cockpitpm.cli.options import reading
from cockpitpm.cli.session import Session
from cockpitpm.cli.terminal import Terminal, bold, cyan, dim, green, red
from cockpitpm.cli.verbs import Verb
from cockpitpm.cli.words import count
from cockpitpm.errors import ExitCode
from cockpitpm.model.finding import Finding

EXAMPLES = ("cockpitpm lint", "cockpitpm lint bundles/admin", "cockpitpm lint my/bundles --format json")


@click.command(cls=Verb, examples=EXAMPLES)
@click.argument("paths", nargs=-1, metavar="[PATHS]...")
@click.option("--format", "shape", type=click.Choice(["text", "json"]), default="text", help="How to answer [text].")
@reading
@click.pass_obj
def lint(session: Session, paths: tuple[str, ...], shape: str) -> int:
    """Check bundles folders, layers of one, or single files; without any, the bundles in use.

    All faults of all files are told in one run. Exits with 3 if there are any.
    """
    from cockpitpm.app.lint import lint as check
    from cockpitpm.app.lint import to_json

    begun = time.monotonic()
    report = check([Path(path) for path in paths], session.bundles)
    took = time.monotonic() - begun
    if session.as_json or shape == "json":
        session.json(to_json(report))
    else:
        _tell(session, report.findings, report.checked, took)
    return ExitCode.BUNDLE if report.findings else ExitCode.DONE


def _tell(session: Session, findings: tuple[Finding, ...], checked: int, took: float) -> None:
    out = session.out
    here = str(session.absolute("."))
    for one in findings:
        _finding(out, one, here)
    files = count(checked, "file")
    if findings:
        wrong = count(len(findings), "finding")
        out.line(red("✗ "), bold(wrong), dim(f" in {files}, {took:.2f} s"))
    else:
        out.line(green("✓ "), bold(f"{files} checked, nothing to say"), dim(f" ({took:.2f} s)"))


def _finding(out: Terminal, one: Finding, here: str) -> None:
    """The place is written as editors and compilers write it, so that a click on it leads there."""
    file = os.path.relpath(one.file, here) if one.file.startswith(here + os.sep) else one.file
    out.line(cyan(f"{file}:{one.line}:{one.column}"), ": ", one.message, " ", dim(f"[{one.rule}]"))
    if one.hint:
        out.paragraph(one.hint, indent=4, style="2")
