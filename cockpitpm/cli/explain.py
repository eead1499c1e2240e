"""`explain`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cockpitpm.cli.columns import write_pairs, write_table
from cockpitpm.cli.options import as_role, reading
from cockpitpm.cli.role import write_levels
from cockpitpm.cli.session import Session
from cockpitpm.cli.terminal import Part, Terminal, bold, cyan, dim, green
from cockpitpm.cli.verbs import Verb
from cockpitpm.cli.words import listed
from cockpitpm.model.bundle import Bundle

if TYPE_CHECKING:
    from cockpitpm.app.explain import Explanation, Variable

EXAMPLES = (
    "cockpitpm explain hero_compute",
    "cockpitpm explain role",
    "cockpitpm explain hero_db_server --json",
    "cockpitpm explain hero_cockpit_server COCKPIT_MACHINE_ROLE",
)
WIDE = 100
"""Columns from which the name of the file is repeated in each line."""


@click.command(cls=Verb, examples=EXAMPLES)
@click.argument("name", metavar="NAME|role")
@click.argument("var", required=False, default="")
@as_role
@reading
@click.pass_obj
def explain(session: Session, name: str, var: str) -> None:
    """Show where a name leads and which line of which file says each value; or, for `role`, what decided the role.

    With VAR: which value a service gets for a variable, who gives it, and which values lose against it.
    """
    from cockpitpm.app import explain as app

    host = session.host()
    if var:
        _variable(session, app.explain_variable(host, name, var))
        return
    if name == "role":
        if session.as_json:
            session.json(app.role_json(host.role))
        else:
            write_levels(session.out, host.role)
        return
    found = app.explain(host, name)
    if session.as_json:
        session.json(app.to_json(found))
    else:
        _tell(session.out, found)


def _variable(session: Session, found: Variable) -> None:
    from cockpitpm.app.explain import variable_json

    if session.as_json:
        session.json(variable_json(found))
        return
    out = session.out
    out.line(bold(found.service), f" of {found.app} gets ", bold(found.var))
    rows: list[list[Part]] = [[green("→ "), found.winner.by, cyan(found.winner.value or "nothing")]]
    rows += [["  ", dim(one.by), dim(one.value or "nothing")] for one in found.losers]
    write_table(out, ("", "given by", "value"), rows, indent=2)


def _tell(out: Terminal, found: Explanation) -> None:
    bundle = found.bundle
    if found.name == bundle.name:
        out.paragraph(bundle.summary, first=bold(f"{bundle.name}  "))
    else:
        out.line(
            bold(found.name), f" is a {' and a '.join(found.kinds)} of ", bold(bundle.name), dim(f" {bundle.title}")
        )
    write_pairs(out, _leads(found))
    out.line()
    _values(out, found)


def _leads(found: Explanation) -> list[tuple[str, Part]]:
    from cockpitpm.app.explain import assets

    bundle = found.bundle
    names = [", else ".join(names) for names in assets(bundle).values()]
    pairs: list[tuple[str, Part]] = [
        ("repository", _repo(bundle)),
        ("channel", f"{found.channel.channel}, decided by {found.channel.decided_by}"),
        ("layer", bundle.layer.value),
        *(("asset" if at == 0 else "", name) for at, name in enumerate(names)),
        ("services", listed([s.name for s in bundle.services]) or "none"),
        ("change over", f"{bundle.activation.value}"),
    ]
    if bundle.requires:
        pairs.append(("requires", listed([r.app if r.hard else f"{r.app} (soft)" for r in bundle.requires])))
    return pairs


def _repo(bundle: Bundle) -> str:
    owner = f"{bundle.repo.owner}/" if bundle.repo.owner else ""
    return f"{owner}{bundle.repo.name} on the forge {bundle.repo.forge}"


def _values(out: Terminal, found: Explanation) -> None:
    """Each value with its place: for a person the file once and the lines below it, for others both in each line."""
    out.line(dim(found.origins[0].file))
    rows: list[list[Part]] = [[cyan(_place(out, o.file, o.line)), o.key, _value(o.value)] for o in found.origins]
    write_table(out, ("line", "key", "value"), rows, indent=2)


def _place(out: Terminal, file: str, line: int) -> str:
    name = Path(file).name
    return f"{line:>4}" if 0 < out.width < WIDE else f"{name}:{line}"


def _value(value: str | int | float | bool | None) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "nothing" if value is None else str(value)
