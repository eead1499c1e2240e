"""`schedule`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cockpitpm.cli.columns import write_table
from cockpitpm.cli.options import reading, setting
from cockpitpm.cli.session import Session
from cockpitpm.cli.terminal import Part, bold, dim, green, yellow
from cockpitpm.cli.verbs import Family, Verb

if TYPE_CHECKING:
    from cockpitpm.app.schedule import AppSchedule

EXAMPLES = (
    "cockpitpm schedule",
    'cockpitpm schedule set window "Sat 02:00..04:00"',
    "cockpitpm schedule set restart on hero_compute",
)
SET = (
    "cockpitpm schedule set download on",
    'cockpitpm schedule set window "Mon..Fri 22:00..23:30" hero_books',
    'cockpitpm schedule set window "0 2 * * 6L for 2h"',
    "cockpitpm schedule set zone Europe/Brussels",
    "cockpitpm schedule set restart on",
)


@click.group(cls=Family, examples=EXAMPLES, invoke_without_command=True)
@reading
@click.pass_context
def schedule(context: click.Context) -> None:
    """Show what a server of this machine does by itself and when, or change it with `set` and `unset`.

    notice reads the channels, download fetches newer builds ahead of time, restart carries upgrades out in their
    window. Without a server nothing happens by itself.
    """
    if context.invoked_subcommand is None:
        _show(context.obj, ())


@schedule.command("show", cls=Verb, examples=("cockpitpm schedule show hero_compute --json",))
@click.argument("names", metavar="[NAME]...", nargs=-1)
@reading
@click.pass_obj
def show(session: Session, names: tuple[str, ...]) -> None:
    """Show the schedule of these apps, or of all that are installed."""
    _show(session, names)


def _show(session: Session, names: tuple[str, ...]) -> None:
    from cockpitpm.app.schedule import schedule as scheduled
    from cockpitpm.app.schedule import to_json

    host = session.host()
    found = scheduled(host, names)
    if session.as_json:
        session.json(to_json(host, found))
        return
    if not found:
        session.out.line("No app is installed that could be upgraded.")
        return
    header = ("app", "notice", "download", "restart", "next")
    write_table(session.out, header, [_row(one) for one in found])
    for one in found:
        _trouble(session, one)


def _row(one: AppSchedule) -> list[Part]:
    on = one.switches
    return [bold(one.app), _switch(on.notice), _switch(on.download), _switch(on.restart), _next(one)]


def _switch(on: bool) -> Part:
    return green("on") if on else dim("off")


def _next(one: AppSchedule) -> Part:
    if one.held:
        return yellow("held")
    here = ", downloaded" if one.bytes_here else ""
    if one.turn:
        window = f" (window {one.switches.window.text})" if one.switches.window else ""
        return f"{one.waits}{here} waits for {one.says}{window}" if one.waits else f"{one.says}{window}"
    return f"{one.waits}{here} waits for you" if one.waits else dim("by hand")


def _trouble(session: Session, one: AppSchedule) -> None:
    for switch, said in one.failed.items():
        session.out.paragraph(f"{one.app}: {switch} failed: {said}", indent=2)


@schedule.command("set", cls=Verb, examples=SET)
@click.argument("key", metavar="KEY")
@click.argument("value")
@click.argument("name", required=False, default="")
@setting
@click.pass_obj
def set_(session: Session, key: str, value: str, name: str) -> None:
    """Store one key, for one app or for the machine.

    KEY is notice, download or restart (on or off), window (when upgrades may begin), jitter (how much later at most);
    for the machine also every (how often channels are read) and zone (whose wall clock the windows mean).
    """
    from cockpitpm.app.schedule import set_key

    _told(session, key, value, name, set_key(session.host(), key, value, name))


@schedule.command("unset", cls=Verb, examples=("cockpitpm schedule unset window hero_books",))
@click.argument("key", metavar="KEY")
@click.argument("name", required=False, default="")
@setting
@click.pass_obj
def unset(session: Session, key: str, name: str) -> None:
    """Take one key back: an app then follows the machine, the machine what is usual."""
    from cockpitpm.app.schedule import set_key

    _told(session, key, None, name, set_key(session.host(), key, None, name))


def _told(session: Session, key: str, value: str | None, name: str, path: Path) -> None:
    if session.as_json:
        session.json({"key": key, "value": value, "name": name or None, "file": str(path)})
        return
    who = name or "This machine"
    what = (f" has {key} ", bold(value)) if value is not None else (f" has no {key} of its own any more", "")
    session.out.line(green("✓ "), bold(who), *what, dim(f"  {path}"))
