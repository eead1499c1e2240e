"""`channel`."""

from __future__ import annotations

from pathlib import Path

import click

from cockpitpm.cli.columns import write_table
from cockpitpm.cli.options import reading, setting
from cockpitpm.cli.session import Session
from cockpitpm.cli.terminal import bold, dim, green
from cockpitpm.cli.verbs import Family, Verb

EXAMPLES = ("cockpitpm channel", "cockpitpm channel set beta hero_db", "cockpitpm channel unset hero_db")


@click.group(cls=Family, examples=EXAMPLES, invoke_without_command=True)
@reading
@click.pass_context
def channel(context: click.Context) -> None:
    """Show which channel each app follows, or change it with `channel set` and `channel unset`."""
    if context.invoked_subcommand is None:
        _show(context.obj)


@channel.command("show", cls=Verb, examples=("cockpitpm channel show", "cockpitpm channel show --json"))
@reading
@click.pass_obj
def show(session: Session) -> None:
    """Show the channel of every app and what decided it."""
    _show(session)


def _show(session: Session) -> None:
    from cockpitpm.app.settings import channels
    from cockpitpm.model.codec import encode

    host = session.host()
    found = channels(host)
    if session.as_json:
        session.json({"channel": host.settings.channel, "apps": [encode(one) for one in found]})
        return
    session.out.line("This machine follows ", bold(host.settings.channel), ".")
    session.out.line()
    write_table(session.out, ("app", "channel", "decided by"), [[f.app, f.channel, dim(f.decided_by)] for f in found])


@channel.command("set", cls=Verb, examples=("cockpitpm channel set latest", "cockpitpm channel set beta hero_db"))
@click.argument("word", metavar="CHANNEL")
@click.argument("name", required=False, default="")
@setting
@click.pass_obj
def set_(session: Session, word: str, name: str) -> None:
    """Let one app, or the whole machine, follow another channel. Nothing is downloaded until the next upgrade."""
    from cockpitpm.app.settings import set_channel

    path = set_channel(session.host(), word, name)
    _told(session, word, name, path)


@channel.command("unset", cls=Verb, examples=("cockpitpm channel unset hero_db",))
@click.argument("name")
@setting
@click.pass_obj
def unset(session: Session, name: str) -> None:
    """Take back the channel of one app, so that it follows its bundle or the machine again."""
    from cockpitpm.app.settings import set_channel

    path = set_channel(session.host(), None, name)
    _told(session, None, name, path)


def _told(session: Session, word: str | None, name: str, path: Path) -> None:
    if session.as_json:
        session.json({"name": name or None, "channel": word, "file": str(path)})
        return
    who = name or "This machine"
    what = ("now follows ", bold(word)) if word else ("has no channel of its own any more", "")
    session.out.line(green("✓ "), bold(who), " ", *what, dim(f"  {path}"))
