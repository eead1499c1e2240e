"""`receipts`."""

from __future__ import annotations

from typing import Any

import click

from cockpitpm.cli.columns import write_table
from cockpitpm.cli.options import reading
from cockpitpm.cli.session import Session
from cockpitpm.cli.terminal import Part, Terminal, bold
from cockpitpm.cli.verbs import Verb as Command
from cockpitpm.cli.words import moment, short, size

EXAMPLES = ("cockpitpm receipts", "cockpitpm receipts hero_compute --all-generations", "cockpitpm receipts --json")


@click.command(cls=Command, examples=EXAMPLES)
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--all-generations", "every", is_flag=True, help="Those of older generations too.")
@reading
@click.pass_obj
def receipts(session: Session, names: tuple[str, ...], every: bool) -> None:
    """Show which bytes are installed: build, asset, digests, and since when."""
    from cockpitpm.app.records import receipts as read

    found = read(session.host(), names, every)
    if session.as_json:
        session.json(found)
    else:
        _tell(session.out, found["receipts"])


def _tell(out: Terminal, found: list[dict[str, Any]]) -> None:
    if not found:
        out.line("Nothing is installed on this machine.")
        return
    apps = dict.fromkeys((r["app"], r["generation"]) for r in found)
    for at, (app, generation) in enumerate(apps):
        mine = [r for r in found if (r["app"], r["generation"]) == (app, generation)]
        if at:
            out.line()
        _head(out, mine[0])
        write_table(out, HEADER, [_row(out, one) for one in mine], indent=2)


HEADER = ("binary", "commit", "size", "md5", "asset")


def _head(out: Terminal, one: dict[str, Any]) -> None:
    since = f", since {moment(one['installed_at'])} UTC" if one["installed_at"] and one["current"] else ""
    place = f"generation {one['generation']} from {one['tag']}{since}"
    out.paragraph(place if one["current"] else f"{place} (kept)", first=bold(f"{one['app']}  "))


def _row(out: Terminal, one: dict[str, Any]) -> list[Part]:
    """The asset mostly is the binary's name and the target; on a narrow terminal only the target is shown."""
    narrow = 0 < out.width < 140
    md5 = one["md5"][:12] if narrow else one["md5"]
    asset = one["asset"]
    if narrow and asset.startswith(one["binary"] + "-"):
        asset = "…" + asset.removeprefix(one["binary"])
    return [one["binary"], short(one["commit"]), size(one["size"]), md5, asset]
