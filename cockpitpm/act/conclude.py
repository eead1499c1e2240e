"""The end of a transaction: state, history, and what nobody needs any more."""

from __future__ import annotations

from typing import Any

from cockpitpm import beneath
from cockpitpm.act.intent import Case
from cockpitpm.act.machine import Machine
from cockpitpm.act.remember import remembered
from cockpitpm.act.unpacked import drop_unused
from cockpitpm.errors import StoreError
from cockpitpm.model.codec import decode, encode
from cockpitpm.model.receipt import ActivationRecord, Outcome, ServiceChange
from cockpitpm.record import generations, history, schedule, state, store
from cockpitpm.record.durable import disk, remove
from cockpitpm.record.layout import Layout


def conclude(
    machine: Machine, case: Case, changes: tuple[ServiceChange, ...], verdict: dict[str, Any]
) -> ActivationRecord:
    """Write state and history, then clean up and end the journal. Each part can be done again."""
    record = _record(machine, case, changes, verdict)
    state.write(machine.layout, remembered(machine, case, record, verdict))
    history.append(machine.layout.history, record)
    case.journal.write("done")
    clean(machine, case)
    return record


def _record(
    machine: Machine, case: Case, changes: tuple[ServiceChange, ...], verdict: dict[str, Any]
) -> ActivationRecord:
    """The line of history. It is kept in the journal first, so that a second attempt writes the same line."""
    known = case.journal.last("record")
    if known:
        return decode(ActivationRecord, known["entry"])
    back = verdict["way"] == "back"
    record = ActivationRecord(
        transaction=case.intent.transaction,
        app=case.app,
        verb=case.intent.verb,
        outcome=Outcome.ROLLED_BACK if back else Outcome.COMMITTED,
        at=machine.now(),
        actor=case.intent.actor,
        reason=case.intent.reason,
        from_generation=case.intent.origin,
        to_generation=case.intent.to,
        services=changes,
        detail=verdict["why"],
        allowed=case.intent.allowed,
    )
    case.journal.write("record", entry=encode(record))
    return record


def clean(machine: Machine, case: Case) -> None:
    """Delete what no generation, process or transaction needs, and end the journal."""
    layout, app = machine.layout, case.app
    for service in case.intent.known:
        machine.supervisor.drop_aside(service)
    _prune_generations(machine, case)
    drop_unused(machine, app)
    _drop_lives(machine, app)
    if not generations.current_live(layout, app):
        generations.erase(layout, app)
        state.forget(layout, app)
    sweep(machine)
    case.journal.close()


def _drop_lives(machine: Machine, app: str) -> None:
    """Live folders stay as long as a process executes a file that stands nowhere else: bytes that did not change, or
    were adopted, have names in several of them.
    """
    layout = machine.layout
    live = generations.current_live(layout, app)
    current = {s.id for s in generations.stamps(layout, app, live).values()} if live else set()
    for folder in generations.lives(layout, app):
        files = generations.stamps(layout, app, folder.name)
        with disk("look at"):
            entries = [beneath.seen(layout.binary(binary)) for binary in files]
        elsewhere = current | {store.stamp_of(found).id for found in entries if found}
        if not machine.processes.executed({s.id for s in files.values()} - elsewhere):
            generations.discard(layout, app, folder.name)


def _prune_generations(machine: Machine, case: Case) -> None:
    layout, app = machine.layout, case.app
    current = generations.number_of(generations.current_live(layout, app))
    known = generations.numbers(layout, app)
    others = [n for n in known if n != current and not (case.intent.fresh and n == case.intent.to)]
    kept = {current, *others[max(0, len(others) - machine.keep + 1) :]}
    with disk("clean the generations"):
        for number in known:
            if number not in kept:
                remove(layout.generation(app, number))


def sweep(machine: Machine) -> None:
    """Delete bytes that no generation names and that were not fetched ahead, and downloads that nobody finishes."""
    layout = machine.layout
    with disk("clean the downloads"):
        for name in beneath.names(layout.incoming):
            remove(layout.incoming / name)
    try:
        store.prune(layout.store, _named(layout) | schedule.named_ahead(layout, generations.apps(layout)))
    except StoreError as error:
        machine.reporter.warning("", f"The store was not cleaned: {error.message}")


def _named(layout: Layout) -> set[str]:
    """Every sha256 that some generation needs. Raises StoreError if a generation cannot be read: then all stay."""
    apps = generations.folders(layout)
    found = (generations.read(layout, app, n) for app in apps for n in generations.numbers(layout, app))
    return {receipt.sha256 for generation in found for receipt in generation.receipts}
