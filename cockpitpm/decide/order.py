"""Which apps a request is about, and in which order: what is required comes first."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable

from cockpitpm.errors import UnknownName
from cockpitpm.model.bundle import Bundle
from cockpitpm.model.catalog import Catalog

OWN = "hero_cockpit"
"""The app whose services are ourselves."""


def closure(catalog: Catalog, apps: Iterable[str]) -> tuple[str, ...]:
    """These apps and everything they need, requirements first. Soft requirements order, but do not add.

    Our own services come last, unless somebody requires them: until then they tell what happens. Cycles were refused
    when the catalog was made.
    """
    named = dict.fromkeys(apps)
    needed = dict(named)
    pending = list(named)
    while pending:
        bundle = catalog.bundle(pending.pop())
        for wanted in _hard(bundle):
            if wanted not in needed:
                needed[wanted] = None
                pending.append(wanted)
    return _sorted(catalog, list(needed))


def _hard(bundle: Bundle | None) -> list[str]:
    return [r.app for r in bundle.requires if r.hard] if bundle else []


def _sorted(catalog: Catalog, apps: list[str]) -> tuple[str, ...]:
    done: dict[str, None] = {}

    def visit(app: str, under: frozenset[str]) -> None:
        if app in done or app in under:
            return
        bundle = catalog.bundle(app)
        for requirement in bundle.requires if bundle else ():
            if requirement.app in apps:
                visit(requirement.app, under | {app})
        done[app] = None

    for app in sorted(apps, key=lambda app: (app == OWN, app)):
        visit(app, frozenset())
    return tuple(done)


def unknown_name(name: str, known: Collection[str]) -> UnknownName:
    """The error for a name that this machine's catalog does not hold, with what was perhaps meant."""
    close = difflib.get_close_matches(name, sorted(known), n=3, cutoff=0.6)
    hint = f"Did you mean {' or '.join(close)}?" if close else "`cockpitpm catalog` lists every name"
    return UnknownName(f"No app, binary or service of this machine's catalog is called {name!r}", hint)
