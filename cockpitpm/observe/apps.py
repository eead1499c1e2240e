"""One app: what is declared, installed, on disk and running."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from attrs import evolve

from cockpitpm.errors import StoreError
from cockpitpm.model.bundle import Bundle
from cockpitpm.model.facts import AppFacts, FileFact, InPlace, Unavailable
from cockpitpm.model.receipt import ActivationRecord, Generation
from cockpitpm.model.release import Ancestry, Release
from cockpitpm.model.state import AppState
from cockpitpm.observe.services import copies_of, look_at_all
from cockpitpm.ports import Processes, Supervisor
from cockpitpm.record import generations, state
from cockpitpm.record.layout import Layout
from cockpitpm.record.places import file_fact, in_place


def on_disk(layout: Layout, app: str, declared: Bundle | None, channel: str) -> AppFacts:
    """What the disk says of an app. Raises StoreError for a state file that was changed."""
    try:
        live = generations.current_live(layout, app)
    except StoreError as error:  # nobody follows that link, so nobody knows what is in place
        remembered = state.read(layout, app)
        return AppFacts(app=app, declared=declared, channel=channel, state=remembered, damaged=str(error))
    number = generations.number_of(live)
    known, damage = _generations(layout, app)
    installed = next((g for g in known if g.number == number), None)
    remembered = state.read(layout, app)
    return AppFacts(
        app=app,
        declared=declared,
        channel=channel,
        state=remembered,
        live=live,
        installed=installed,
        generations=known,
        numbers=generations.numbers(layout, app),
        damaged=damage.get(number, f"generation {number} has no file") if number and not installed else "",
        files=_files(layout, app, declared, installed, remembered),
        in_place=_place(layout, app, live, installed, remembered),
    )


def _generations(layout: Layout, app: str) -> tuple[tuple[Generation, ...], dict[int, str]]:
    """The generations that can be read, and why the others cannot."""
    known: list[Generation] = []
    damage: dict[int, str] = {}
    for number in generations.numbers(layout, app):
        try:
            known.append(generations.read(layout, app, number))
        except StoreError as error:
            damage[number] = error.message
    return tuple(known), damage


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


def with_copies(facts: AppFacts, processes: Processes, socket_root: str) -> AppFacts:
    """The same facts with the processes that share a socket with one of the installed services."""
    services = facts.installed.bundle.services if facts.installed else ()
    found = copies_of(services, processes, socket_root)
    return evolve(facts, services={name: evolve(f, copies=found.get(name)) for name, f in facts.services.items()})


def with_activations(facts: AppFacts, recent: Iterable[ActivationRecord]) -> AppFacts:
    """The same facts with those of the last lines of history that are about the app."""
    return evolve(facts, activations=tuple(line for line in recent if line.app == facts.app))


def with_release(facts: AppFacts, release: Release | Unavailable) -> AppFacts:
    """The same facts with what the channel holds."""
    return evolve(facts, release=release)


def with_ancestry(facts: AppFacts, found: Ancestry | Unavailable) -> AppFacts:
    """The same facts with how the commits stand; without an answer there is no release to go to either."""
    return evolve(facts, release=found) if isinstance(found, Unavailable) else evolve(facts, ancestry=found)
