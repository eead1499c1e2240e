"""Recovery: every transaction that was interrupted is finished, forward or back, from what is on disk.

Whether it flipped is read from `current`, not believed from the journal.
"""

from __future__ import annotations

from pathlib import Path

from attrs import frozen

from cockpitpm.act.conclude import clean
from cockpitpm.act.intent import Case, open_case
from cockpitpm.act.machine import Machine
from cockpitpm.act.stage import abandon
from cockpitpm.act.transaction import finish
from cockpitpm.errors import CockpitPmError
from cockpitpm.model.receipt import ActivationRecord
from cockpitpm.record import generations, journal, leftovers
from cockpitpm.record.journal import Journal


@frozen(kw_only=True)
class Recovered:
    """One transaction that was found unfinished. `record` is None if it had changed nothing; `error` if it stays."""

    transaction: str
    app: str
    record: ActivationRecord | None = None
    error: CockpitPmError | None = None


def recover(machine: Machine) -> tuple[Recovered, ...]:
    """Finish every unfinished transaction, oldest first. Doing it again changes nothing."""
    leftovers.sweep(machine.layout)
    return tuple(_one(machine, path) for path in journal.unfinished(machine.layout.journal))


def _one(machine: Machine, path: Path) -> Recovered:
    app = ""
    try:
        case = open_case(machine.layout, Journal.read(path))
        app = case.app
        machine.reporter.step(app, f"finishing an interrupted {case.intent.verb.value}")
        return Recovered(transaction=path.stem, app=app, record=_finish(machine, case))
    except CockpitPmError as error:
        return Recovered(transaction=path.stem, app=app, error=error)


def _finish(machine: Machine, case: Case) -> ActivationRecord | None:
    if case.journal.last("done"):
        clean(machine, case)
        return None
    if case.journal.last("verdict") or _flipped(machine, case):
        return finish(machine, case)
    if case.journal.last("cycling"):
        # Services were stopped for a flip that never came. Nothing is the build's fault.
        why = "it was interrupted before the new bytes were in place"
        case.journal.write("verdict", way="back", why=why, blame=False, interrupted=False)
        return finish(machine, case)
    abandon(machine, case)
    return None


def _flipped(machine: Machine, case: Case) -> bool:
    """A transaction that changes no bytes counts as flipped once it was staged: what is left is to converge."""
    if not case.flips:
        return case.journal.last("staged") is not None
    return generations.current_live(machine.layout, case.app) == case.intent.live_to
