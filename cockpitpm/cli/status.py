"""`status`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from cockpitpm.cli.options import as_role, reading
from cockpitpm.cli.session import Session
from cockpitpm.cli.terminal import Terminal, yellow
from cockpitpm.cli.verbs import Verb as Command
from cockpitpm.errors import UsageError

if TYPE_CHECKING:
    from cockpitpm.app.host import Host
    from cockpitpm.app.status import MachineReport

EXAMPLES = (
    "cockpitpm status",
    "cockpitpm status hero_compute",
    "cockpitpm status --watch --interval 5",
    "cockpitpm status --refresh",
    "cockpitpm status --probe",
    "cockpitpm status --json",
)


@click.command(cls=Command, examples=EXAMPLES)
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--refresh", is_flag=True, help="Read the channels first; sees a tag that moved without any file.")
@click.option("--probe", is_flag=True, help="Ask every running service once whether it works.")
@click.option("--watch", "watching", is_flag=True, help="Show it again and again, until Ctrl-C.")
@click.option("--interval", type=click.FloatRange(min=0.1), default=2.0, metavar="S", help="Seconds between two [2].")
@click.option("--times", type=click.IntRange(min=1), metavar="N", help="Watch only so many times.")
@as_role
@reading
@click.pass_obj
def status(
    session: Session,
    names: tuple[str, ...],
    refresh: bool,
    probe: bool,
    watching: bool,
    interval: float,
    times: int | None,
) -> None:
    """Show four truths about every service: what runs, what is on disk, what was recorded, what is published.

    Reads disk and processes alone: nothing goes out, and nothing changes. What is published is what was read last, with
    its time; --refresh reads it now. --probe asks each running service what its bundle says, but for those that may
    still be getting ready.
    """
    from cockpitpm.app import status as app

    if refresh:
        _refresh(session, names)

    if watching:
        _watch(session, names, interval, times, app.probed if probe else app.status)
        return
    found = app.probed(session.host(), names) if probe else app.status(session.host(), names)
    if session.as_json:
        session.json(app.to_json(found))
        return
    from cockpitpm.cli.status_text import write_status

    write_status(session.out, found)


def _refresh(session: Session, names: tuple[str, ...]) -> None:
    from cockpitpm.app.refresh import refresh

    for app, problem in refresh(session.host(), names).items():
        session.aside.line(yellow("warning: "), f"{app}: {problem.message}. {problem.hint}")


def _watch(
    session: Session,
    names: tuple[str, ...],
    interval: float,
    times: int | None,
    look: Callable[[Host, tuple[str, ...]], MachineReport],
) -> None:
    from cockpitpm.app.host import Host
    from cockpitpm.cli.status_text import write_status
    from cockpitpm.cli.watch import watch

    if session.as_json:
        raise UsageError("--watch and --json exclude each other", "Ask for JSON as often as you need it")
    host = session.host()

    def show(out: Terminal) -> None:
        write_status(out, look(Host(host.invocation), names))

    watch(session.out, session.environ, show, lambda: host.clock.sleep(interval), times)
