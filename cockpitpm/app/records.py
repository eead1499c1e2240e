"""`receipts` and `history`: what was written down, joined for people and programs."""

from __future__ import annotations

from typing import Any

from attrs import frozen

from cockpitpm.app.host import Host
from cockpitpm.app.names import apps_of
from cockpitpm.errors import PlanError, UsageError
from cockpitpm.model.codec import encode
from cockpitpm.model.receipt import CHANGES_BYTES, ActivationRecord, Generation, Outcome, Receipt
from cockpitpm.record import generations
from cockpitpm.record import history as lines
from cockpitpm.record.history import HistoryLine


def receipts(host: Host, names: tuple[str, ...] = (), every: bool = False) -> dict[str, Any]:
    """The receipts in force, or with `every` those of all kept generations: `{receipts: [...]}`."""
    apps = apps_of(host, names) if names else generations.apps(host.layout)
    committed = _committed(host)
    found = [tree for app in apps for tree in _of_app(host, app, every, committed)]
    return {"receipts": found}


def _of_app(host: Host, app: str, every: bool, committed: dict[tuple[str, int], ActivationRecord]) -> list[Any]:
    current = generations.number_of(generations.current_live(host.layout, app))
    numbers = generations.numbers(host.layout, app) if every else (current,) if current else ()
    found = []
    for number in numbers:
        generation = generations.read(host.layout, app, number)
        activation = committed.get((app, number))
        found += [_json(r, number, number == current, activation) for r in generation.receipts]
    return found


def _json(receipt: Receipt, generation: int, current: bool, activation: ActivationRecord | None) -> dict[str, Any]:
    """A receipt joined with the activation that last made its generation the current one."""
    return {
        **encode(receipt),
        "generation": generation,
        "current": current,
        "installed_at": activation.at if activation else None,
        "transaction": activation.transaction if activation else None,
        "actor": activation.actor if activation else None,
    }


def _committed(host: Host) -> dict[tuple[str, int], ActivationRecord]:
    entries = lines.entries(host.layout.history)
    return {(e.app, e.to_generation): e for e in entries if e.outcome is Outcome.COMMITTED and e.verb in CHANGES_BYTES}


@frozen(kw_only=True)
class Pair:
    """One binary in two generations. None where a generation does not have it; `differs` are the fields that do."""

    binary: str
    a: Receipt | None
    b: Receipt | None
    differs: tuple[str, ...]


@frozen(kw_only=True)
class Comparison:
    """Two generations of an app, binary by binary."""

    app: str
    a: int
    b: int
    binaries: tuple[Pair, ...]


COMPARED = ("asset", "commit", "md5", "sha256", "size", "fetched_at")


def compare(host: Host, names: tuple[str, ...], a: int, b: int) -> Comparison:
    """Two generations side by side; without a name, those of the only app there is.

    Raises UsageError if it is not one app, PlanError for a generation that is not kept.
    """
    apps = apps_of(host, names) if names else generations.apps(host.layout)
    if len(apps) != 1:
        raise UsageError("Generations are those of one app", "Name it: cockpitpm receipts --diff 1 2 NAME")
    (app,) = apps
    old, new = _generation(host, app, a), _generation(host, app, b)
    binaries = dict.fromkeys(r.binary for r in (*old.receipts, *new.receipts))
    pairs = tuple(_pair(name, old.receipt(name), new.receipt(name)) for name in binaries)
    return Comparison(app=app, a=a, b=b, binaries=pairs)


def _generation(host: Host, app: str, number: int) -> Generation:
    kept = generations.numbers(host.layout, app)
    if number not in kept:
        told = f"kept: {', '.join(map(str, kept))}" if kept else "it is not installed"
        raise PlanError(f"Generation {number} of {app} is not kept; {told}", "See `cockpitpm history`")
    return generations.read(host.layout, app, number)


def _pair(binary: str, a: Receipt | None, b: Receipt | None) -> Pair:
    fields = tuple(name for name in COMPARED if getattr(a, name, None) != getattr(b, name, None))
    return Pair(binary=binary, a=a, b=b, differs=fields)


def compared_json(found: Comparison) -> dict[str, Any]:
    """The public shape of `receipts --diff --json`."""
    return {
        "app": found.app,
        "generations": [found.a, found.b],
        "binaries": [
            {"binary": p.binary, "differs": list(p.differs), "receipts": [encode(p.a), encode(p.b)]}
            for p in found.binaries
        ],
    }


def history(host: Host, names: tuple[str, ...] = ()) -> tuple[HistoryLine, ...]:
    """The lines of history, newest first; only those about these apps if any are named. Checks the whole chain."""
    apps = _history_apps(host, names)
    found = (line for line in reversed(lines.read(host.layout.history)))
    return tuple(line for line in found if not names or line.entry.app in apps)


def _history_apps(host: Host, names: tuple[str, ...]) -> tuple[str, ...]:
    """An app that was removed still has its history."""
    known = {entry.app for entry in lines.entries(host.layout.history)}
    return tuple(app for name in names for app in ((name,) if name in known else apps_of(host, (name,))))


def history_json(found: tuple[HistoryLine, ...]) -> dict[str, Any]:
    """The public shape of `history --json`."""
    return {"history": [{"number": line.number, "hash": line.hash, **encode(line.entry)} for line in found]}
