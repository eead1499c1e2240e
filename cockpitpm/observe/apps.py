"""One app: what is declared, installed, on disk and running."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import evolve

from cockpitpm.model.bundle import Bundle
from cockpitpm.model.facts import AppFacts, FileFact, InPlace, Unavailable
from cockpitpm.model.receipt import Generation
from cockpitpm.model.release import Release
from cockpitpm.model.state import AppState
from cockpitpm.observe.services import look_at_all
from cockpitpm.ports import Processes, Supervisor
from cockpitpm.record import generations, state
from cockpitpm.record.layout import Layout
from cockpitpm.record.places import file_fact, in_place


def on_disk(layout: Layout, app: str, declared: Bundle | None, channel: str) -> AppFacts:
    """What the disk says of an app. Raises StoreError for a record that was changed."""
    live = generations.current_live(layout, app)
    number = generations.number_of(live)
    known = tuple(generations.read(layout, app, n) for n in generations.numbers(layout, app))
    installed = next((g for g in known if g.number == number), None)
    if number and installed is None:
        installed = generations.read(layout, app, number)
    remembered = state.read(layout, app)
    return AppFacts(
        app=app,
        declared=declared,
        channel=channel,
        state=remembered,
        live=live,
        installed=installed,
        generations=known,
        files=_files(layout, app, declared, installed, remembered),
        in_place=_place(layout, app, live, installed, remembered),
    )


def _files(
    layout: Layout, app: str, declared: Bundle | None, installed: Generation | None, remembered: AppState
) -> Mapping[str, FileFact]:
    names = [
        b.name for bundle in (installed.bundle if installed else None, declared) if bundle for b in bundle.binaries
    ]
    return {n: _file(layout, app, n, installed, remembered) for n in dict.fromkeys(names)}


def _file(layout: Layout, app: str, name: str, installed: Generation | None, remembered: AppState) -> FileFact:
    receipt = installed.receipt(name) if installed else None
    return file_fact(layout, app, receipt, name, remembered.stamps.get(name))


def _place(layout: Layout, app: str, live: str, installed: Generation | None, remembered: AppState) -> InPlace:
    hashes = {r.binary: r.sha256 for r in installed.receipts} if installed else {}
    return in_place(layout, app, live, hashes, remembered.flips)


def with_services(facts: AppFacts, supervisor: Supervisor, processes: Processes) -> AppFacts:
    """The same facts with every service that today's bundle or the installed generation has."""
    bundles = [b for b in (facts.installed.bundle if facts.installed else None, facts.declared) if b]
    names = dict.fromkeys(s.name for bundle in bundles for s in bundle.services)
    return evolve(facts, services=look_at_all(supervisor, processes, names))


def with_release(facts: AppFacts, release: Release | Unavailable) -> AppFacts:
    """The same facts with what the channel holds."""
    return evolve(facts, release=release)
