"""`receipts`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from cockpitpm.cli.columns import write_table
from cockpitpm.cli.options import reading
from cockpitpm.cli.session import Session
from cockpitpm.cli.terminal import Part, Terminal, bold, dim, yellow
from cockpitpm.cli.verbs import Verb as Command
from cockpitpm.cli.words import count, moment, short, size

if TYPE_CHECKING:
    from cockpitpm.app.records import Comparison, Pair

EXAMPLES = (
    "cockpitpm receipts",
    "cockpitpm receipts hero_compute --all-generations",
    "cockpitpm receipts hero_compute --diff 3 4",
    "cockpitpm receipts --json",
)


@click.command(cls=Command, examples=EXAMPLES)
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--all-generations", "every", is_flag=True, help="Those of older generations too.")
@click.option("--diff", type=(int, int), metavar="A B", help="Two generations of one app side by side.")
@reading
@click.pass_obj
def receipts(session: Session, names: tuple[str, ...], every: bool, diff: tuple[int, int] | None) -> None:
    """Show which bytes are installed: build, asset, digests, and since when."""
    from cockpitpm.app import records

    if diff:
        _compare(session, records.compare(session.host(), names, *diff))
        return
    found = records.receipts(session.host(), names, every)
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


def _compare(session: Session, found: Comparison) -> None:
    from cockpitpm.app.records import compared_json

    if session.as_json:
        session.json(compared_json(found))
        return
    out = session.out
    for pair in found.binaries:
        out.line(bold(pair.binary), dim(f"  of {found.app}"))
        header = ("", "", f"generation {found.a}", f"generation {found.b}")
        write_table(out, header, _side_by_side(out, pair), indent=2)
        out.line()
    differing = sum(bool(pair.differs) for pair in found.binaries)
    total = count(len(found.binaries), "binary").replace("binarys", "binaries")
    out.line(f"{differing} of {total} differ" if differing else f"{total}, all the same")


def _side_by_side(out: Terminal, pair: Pair) -> list[list[Part]]:
    from cockpitpm.app.records import COMPARED

    rows: list[list[Part]] = []
    for name in COMPARED:
        values = [_value(out, getattr(receipt, name, None)) for receipt in (pair.a, pair.b)]
        differs = name in pair.differs
        rows.append([yellow("*") if differs else "", dim(name), *map(yellow if differs else dim, values)])
    return rows


def _value(out: Terminal, value: object) -> str:
    """Digests and commits are cut where a person reads them on a narrow terminal; assets are whole."""
    text = "–" if value is None else str(value)
    is_hex = len(text) in (32, 40, 64) and set(text) <= set("0123456789abcdef")
    return text[:12] if is_hex and 0 < out.width < 160 else text
