"""`history`."""

from __future__ import annotations

import click

from cockpitpm.cli.columns import write_table
from cockpitpm.cli.options import reading
from cockpitpm.cli.session import Session
from cockpitpm.cli.terminal import Part, Terminal, bold, dim, green, yellow
from cockpitpm.cli.verbs import Verb as Command
from cockpitpm.cli.words import count, moment
from cockpitpm.model.receipt import ActivationRecord, Outcome

EXAMPLES = ("cockpitpm history", "cockpitpm history hero_compute -n 5", "cockpitpm history --json")


@click.command(cls=Command, examples=EXAMPLES)
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("-n", "--lines", type=click.IntRange(min=1), metavar="N", help="Only the newest N.")
@reading
@click.pass_obj
def history(session: Session, names: tuple[str, ...], lines: int | None) -> None:
    """Show what happened, newest first, and check that no line was changed since it was written."""
    from cockpitpm.app import records

    found = records.history(session.host(), names)
    newest = found[:lines]
    if session.as_json:
        session.json(records.history_json(newest))
    else:
        _tell(session.out, [line.entry for line in newest], len(found) - len(newest))


HEADER = ("when (UTC)", "app", "what", "gen", "by", "ended")


def _tell(out: Terminal, shown: list[ActivationRecord], older: int) -> None:
    if not shown:
        out.line("Nothing has happened on this machine yet.")
        return
    write_table(out, HEADER, [_row(entry) for entry in shown])
    told = [(entry, words) for entry in shown if (words := _words(entry))]
    if told:
        out.line()
    for entry, words in told:
        out.paragraph(words, first=yellow(f"{moment(entry.at)}  "))
    if older:
        out.line(dim(f"{count(older, 'older line')} not shown"))


def _words(entry: ActivationRecord) -> str:
    """What went wrong, and what somebody said about it or went through."""
    through = f"(went through: {', '.join(entry.allowed)})" if entry.allowed else ""
    return "; ".join(part for part in (entry.detail, f"{entry.reason} {through}".strip()) if part)


def _row(entry: ActivationRecord) -> list[Part]:
    well = entry.outcome is Outcome.COMMITTED
    ended = green("done") if well else yellow("rolled back")
    return [dim(moment(entry.at)), bold(entry.app), entry.verb.value, _moved(entry), entry.actor, ended]


def _moved(entry: ActivationRecord) -> str:
    before, after = entry.from_generation, entry.to_generation
    return str(after) if before == after else f"{before or '–'} → {after or '–'}"
