"""`pin` and `unpin`."""

from __future__ import annotations

import click

from cockpitpm.cli.options import setting
from cockpitpm.cli.session import Session
from cockpitpm.cli.terminal import bold, dim, green
from cockpitpm.cli.verbs import Verb

PIN = ("cockpitpm pin hero_books v1.4.0", "cockpitpm upgrade hero_books")


@click.command(cls=Verb, examples=PIN)
@click.argument("name")
@click.argument("tag")
@setting
@click.pass_obj
def pin(session: Session, name: str, tag: str) -> None:
    """Give an app the release of one exact tag instead of its channel. The next upgrade brings it."""
    _store(session, name, tag)


@click.command(cls=Verb, examples=("cockpitpm unpin hero_books",))
@click.argument("name")
@setting
@click.pass_obj
def unpin(session: Session, name: str) -> None:
    """Let an app follow its channel again."""
    _store(session, name, None)


def _store(session: Session, name: str, tag: str | None) -> None:
    from cockpitpm.app.settings import set_pin

    path = set_pin(session.host(), name, tag)
    if session.as_json:
        session.json({"name": name, "pin": tag, "file": str(path)})
        return
    what = (" is pinned to ", bold(tag)) if tag else (" follows its channel", "")
    session.out.line(green("✓ "), bold(name), *what, dim(f"  {path}"))
