"""`catalog`."""

from __future__ import annotations

import click

from cockpitpm.cli.options import as_role, reading
from cockpitpm.cli.session import Session
from cockpitpm.cli.terminal import Terminal, bold, dim
from cockpitpm.cli.verbs import Verb
from cockpitpm.cli.words import count
from cockpitpm.model.bundle import Bundle, Layer
from cockpitpm.model.catalog import Catalog

EXAMPLES = ("cockpitpm catalog", "cockpitpm catalog --role admin", "cockpitpm catalog --json")


@click.command(cls=Verb, examples=EXAMPLES)
@as_role
@reading
@click.pass_obj
def catalog(session: Session) -> None:
    """List the apps that this machine's role may have, by layer."""
    from cockpitpm.app.catalog import catalog as find
    from cockpitpm.app.catalog import to_json

    found = find(session.host())
    if session.as_json:
        session.json(to_json(found))
    else:
        _tell(session.out, found)


def _tell(out: Terminal, found: Catalog) -> None:
    width = max((len(b.name) for b in found.bundles), default=0)
    for layer in Layer:
        bundles = [b for b in found.bundles if b.layer is layer]
        if bundles:
            out.line(bold(f"{layer.value} layer"))
            for bundle in bundles:
                _row(out, bundle, width)
            out.line()
    apps = count(len(found.bundles), "app")
    out.line(f"{apps} for the role {found.role.value}", dim(f" · digest {found.digest[:12]}"))


def _row(out: Terminal, bundle: Bundle, width: int) -> None:
    out.paragraph(bundle.summary, indent=2, first=bold(bundle.name.ljust(width + 2)))
    services = len(bundle.services)
    told = f"{bundle.category} · {count(len(bundle.binaries), 'binary').replace('binarys', 'binaries')}"
    if out.width == 0 or out.width >= 100:
        out.line(" " * (width + 4), dim(f"{told} · {count(services, 'service')} · {bundle.repo.name}"))
