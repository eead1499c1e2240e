"""`verify`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cockpitpm.cli.options import reading
from cockpitpm.cli.session import Session
from cockpitpm.cli.terminal import Part, Terminal, bold, dim, green, red, yellow
from cockpitpm.cli.verbs import Verb as Command
from cockpitpm.cli.words import count
from cockpitpm.errors import ExitCode

if TYPE_CHECKING:
    from cockpitpm.app.verify import Checked

EXAMPLES = ("cockpitpm verify", "cockpitpm verify hero_compute", "cockpitpm verify --json")
WORST = len("recorded")


@click.command(cls=Command, examples=EXAMPLES)
@click.argument("names", nargs=-1, metavar="[NAME]...")
@reading
@click.pass_obj
def verify(session: Session, names: tuple[str, ...]) -> int:
    """Hash every installed binary again, and check every record and the chain of the history.

    Exit code 22 if anything is not as it was recorded, else 0. Nothing is changed.
    """
    from cockpitpm.app import verify as app

    found = app.verify(session.host(), names)
    if session.as_json:
        session.json(app.to_json(found))
    else:
        _tell(session.out, found)
    return ExitCode.DRIFT if any(one.differs for one in found) else ExitCode.DONE


def _tell(out: Terminal, found: tuple[Checked, ...]) -> None:
    for app in dict.fromkeys(one.app for one in found):
        out.line(bold(app or "history"))
        for one in found:
            if one.app == app:
                _file(out, one)
    out.line()
    odd = [one for one in found if one.differs]
    for step in dict.fromkeys(one.next_step for one in odd if one.next_step):
        out.paragraph(step, style="36", first=dim("→ "))
    total = count(len(found), "file")
    end: Part = yellow(f", {len(odd)} not as recorded") if odd else green(", all as recorded")
    out.line(bold(f"{total} checked"), end)


def _file(out: Terminal, one: Checked) -> None:
    word = one.verdict.value.ljust(WORST)
    mark = dim(word) if not one.differs else red(word) if one.verdict.value == "damaged" else yellow(word)
    out.line("  ", mark, "  ", dim(one.kind.value.ljust(len("generation"))), "  ", one.path)
    if one.told:
        out.paragraph(one.told, indent=4)
