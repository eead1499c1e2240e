"""One transaction is one app. Each part can be done again, so finishing an interrupted one is the same as doing it.

    intent -> fetch, settle, stage -> staged -> flip -> flipped -> register, converge -> verdict -> record -> done

Before the flip, going back means deleting the stage. After it, the verdict decides: forward, or back by the same
flip and the same converge.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import evolve

from cockpitpm.act import swap
from cockpitpm.act.conclude import conclude
from cockpitpm.act.converge import GIVEN_UP_FOR, PAUSE, converge, groups, put
from cockpitpm.act.intent import Case, after, timeline
from cockpitpm.act.machine import Machine
from cockpitpm.act.remember import withdraw
from cockpitpm.errors import CockpitPmError, ProbeError, StoreError, SupervisorError, TransactionError
from cockpitpm.model.bundle import Activation, Service
from cockpitpm.model.codec import decode, encode
from cockpitpm.model.facts import Entry, InPlace, Sight
from cockpitpm.model.job import Phase
from cockpitpm.model.process import ProcessId
from cockpitpm.model.receipt import ActivationRecord, Generation, ServiceChange, Verb
from cockpitpm.model.service import Definition, Runs, ServiceState, Wanted
from cockpitpm.record import generations
from cockpitpm.record.places import entry_of, in_place


def finish(machine: Machine, case: Case) -> ActivationRecord:
    """Carry a staged transaction to its end, from wherever it is. Gives the line of history.

    Raises TransactionError if it could be finished neither forward nor back; its journal is kept. Raises
    KeyboardInterrupt once it has gone back, if it was interrupted: nobody asked for what would come next.
    """
    known = case.journal.last("verdict")
    verdict = known or _judge(machine, case)
    back = verdict["way"] == "back"
    try:
        changes = _back(machine, case, verdict["why"]) if back else _retire(machine, case)
    except CockpitPmError as error:
        raise _stuck(case, back, error) from error
    record = _written(machine, case, changes, verdict)
    if verdict["interrupted"] and not known:
        raise KeyboardInterrupt
    return record


def _written(
    machine: Machine, case: Case, changes: tuple[ServiceChange, ...], verdict: dict[str, Any]
) -> ActivationRecord:
    """The services are where the verdict puts them. What cannot be written down now is left to the next command."""
    machine.reporter.phase(case.app, Phase.RECORD)
    try:
        return conclude(machine, case, changes, verdict)
    except (StoreError, SupervisorError) as error:
        done = "was taken back" if verdict["way"] == "back" else "is done"
        message = (
            f"The {case.intent.verb.value} of {case.app} {done}, but not all of it could be recorded: {error.message}"
        )
        raise TransactionError(message, "Mend that, then run `cockpitpm recover`") from error


def _judge(machine: Machine, case: Case) -> dict[str, Any]:
    """Try the way forward and write the verdict. Only a service that does not come up is the build's fault."""
    why, blame, interrupted = "", False, False
    try:
        _forward(machine, case)
    except CockpitPmError as error:
        why, blame = error.message, isinstance(error, ProbeError)
    except KeyboardInterrupt:
        why, interrupted = "it was interrupted by its operator", True
    case.journal.write("verdict", way="back" if why else "forward", why=why, blame=blame, interrupted=interrupted)
    return case.journal.records[-1]


def _stuck(case: Case, back: bool, error: CockpitPmError) -> TransactionError:
    way = "back" if back else "to its end"
    message = f"The {case.intent.verb.value} of {case.app} could not be taken {way}: {error.message}"
    return TransactionError(message, f"Mend that, then run `cockpitpm recover`; the journal is {case.journal.path}")


def _forward(machine: Machine, case: Case) -> None:
    """Flip, link, register, converge. Raises the error that makes it go back."""
    target, adopting = after(machine.layout, case), case.intent.verb is Verb.ADOPT
    if case.flips:
        if case.journal.last("flipped") is None and case.before and _together(case.before) and not adopting:
            _stop_all(machine, case, case.before)
        machine.reporter.phase(case.app, Phase.SWAP)
        swap.flip(machine, case, case.intent.live_to, target, "flipped")
    if target:
        swap.link(machine, case, target)
    if target and not adopting:
        machine.reporter.phase(case.app, Phase.RESTART)
        _register(machine, case, target)
        changes = _converge_all(machine, case, target)
        case.journal.write("converged", services=[encode(c) for c in changes])


def _together(generation: Generation) -> bool:
    return generation.bundle.activation is Activation.TOGETHER


def _wanted(case: Case, generation: Generation) -> tuple[Service, ...]:
    """The services that are meant to run."""
    return tuple(s for s in generation.bundle.services if case.intent.wanted.get(s.name) is Wanted.RUNNING)


def _stop_all(machine: Machine, case: Case, before: Generation) -> None:
    place = _place(machine, case, case.intent.live_from, before)
    for service in _wanted(case, before):
        process = machine.rules.look(service, place).process
        case.mark(service.name, process)
        machine.reporter.step(case.app, f"stopping {service.name}")
        if process:
            case.away.left(service.name, machine.clock.monotonic())
        machine.supervisor.stop(service.name)


def _register(machine: Machine, case: Case, target: Generation) -> None:
    for service in target.bundle.services:
        if not service.external:
            wanted = machine.rules.define(service)
            if machine.supervisor.definition(service.name) != wanted:
                case.mark(service.name, None)
                machine.reporter.step(case.app, f"registering {service.name}")
                machine.supervisor.set_aside(service.name)
                _define(machine, case, wanted)


def _define(machine: Machine, case: Case, definition: Definition) -> None:
    """Change a definition, which stops the process of the one before."""
    if machine.supervisor.status(definition.name).pid:
        case.away.left(definition.name, machine.clock.monotonic())
    machine.supervisor.define(definition)


def _converge_all(machine: Machine, case: Case, target: Generation) -> tuple[ServiceChange, ...]:
    place = _place(machine, case, case.intent.live_to, target)
    wanted = tuple(s for s in _wanted(case, target) if not s.external or _known(machine, s))
    parts = groups(wanted, _together(target), first=case.intent.origin == 0)
    cycle = tuple(s.name for s in wanted if s.name in case.intent.cycle and not _cycled(machine, case, place, s))
    found = [converge(machine, case.app, place, part, case.mark, case.away, cycle) for part in parts]
    return tuple(change for changes in found for change in changes)


def _cycled(machine: Machine, case: Case, place: InPlace, service: Service) -> bool:
    """Whether a service that is to be restarted has been already, by a process that died since: once is enough."""
    marks = [r["process"] for r in case.journal.all("cycling") if r["service"] == service.name]
    now = machine.rules.look(service, place).process
    return bool(marks) and now is not None and encode(now) != marks[-1]


def _known(machine: Machine, service: Service) -> bool:
    return machine.supervisor.status(service.name).state is not ServiceState.ABSENT


def _place(machine: Machine, case: Case, live: str, generation: Generation | None) -> InPlace:
    hashes: Mapping[str, str] = {r.binary: r.sha256 for r in generation.receipts} if generation else {}
    return in_place(machine.layout, case.app, live, hashes, timeline(case))


def _back(machine: Machine, case: Case, why: str) -> tuple[ServiceChange, ...]:
    """Everything as it was: the flip, the links, the definitions, and every service that worked before."""
    machine.reporter.phase(case.app, Phase.UNDO)
    machine.reporter.step(case.app, f"going back: {why}")
    withdraw(machine, case)
    target, adopting = _left(machine, case), case.intent.verb is Verb.ADOPT
    if adopting and target:
        swap.put_back(machine, case, target)
    if case.flips:
        swap.flip(machine, case, case.intent.live_from, case.before, "flipped_back")
    _drop_new(machine, case, target)
    if case.before is None:
        _give_back(machine, case)
        return ()
    swap.restore_aside(machine, case)
    _restore_links(machine, case, case.before)
    if adopting:
        return ()  # no service was touched
    _restore_definitions(machine, case)
    place = _place(machine, case, case.intent.live_from, case.before)
    wanted = tuple(s for s in _wanted(case, case.before) if not s.external or _known(machine, s))
    well = [s for s in wanted if s.name in case.intent.well]
    changes = converge(machine, case.app, place, well, case.mark, case.away, watch=False)
    for service in wanted:
        if service.name not in case.intent.well:
            _get_off(machine, case, place, service)
    return tuple(evolve(c, before=_at_first(case, c.service) or c.before) for c in changes)


def _at_first(case: Case, service: str) -> ProcessId | None:
    """The process that ran before any of this: the one of the build that was taken back is nobody's before."""
    marks = (r["process"] for r in case.journal.records if r["phase"] == "cycling" and r["service"] == service)
    found = next((tree for tree in marks if tree is not None), None)
    return decode(ProcessId, found) if found else None


def _get_off(machine: Machine, case: Case, place: InPlace, service: Service) -> None:
    """A service that did not work before has to leave the bytes too; that it still does not work is no obstacle.

    Raises SupervisorError if it stays on them, or if nobody can see what it runs.
    """
    try:
        put(machine, case.app, place, service, case.mark, case.away)
    except (ProbeError, SupervisorError) as error:
        machine.reporter.warning(case.app, error.message)
    until = machine.clock.monotonic() + GIVEN_UP_FOR
    while stays := _stays(machine.rules.look(service, place)):
        if machine.clock.monotonic() >= until:
            raise SupervisorError(f"{service.name} {stays}", f"Stop it (`cockpitpm stop {service.name}`)")
        machine.clock.sleep(PAUSE)


def _stays(sight: Sight) -> str:
    """How a service still has to do with the build that is taken back; empty if it does not."""
    if sight.runs is Runs.OLD:
        return "still runs the build that is taken back"
    unseen = sight.status.pid is not None and sight.process is None
    return f"is process {sight.status.pid} to its supervisor, which there is not" if unseen else ""


def _left(machine: Machine, case: Case) -> Generation | None:
    """The generation that is being left; its file is gone if an earlier attempt to go back got far."""
    known = case.intent.to in generations.numbers(machine.layout, case.app)
    return after(machine.layout, case) if known else None


def _restore_links(machine: Machine, case: Case, before: Generation) -> None:
    """Links that are missing; what an operator put there meanwhile stays."""
    for binary in (r.binary for r in before.receipts):
        if entry_of(machine.layout, case.app, binary)[0] is Entry.ABSENT:
            swap.relink(machine, case, binary)


def _restore_definitions(machine: Machine, case: Case) -> None:
    """As they were set aside, value by value; one that somebody took away meanwhile is made anew."""
    ours = {s.name: s for s in case.before.bundle.services} if case.before else {}
    for name in case.intent.known:
        now = machine.supervisor.definition(name)
        old = machine.supervisor.aside(name) or now
        if old is None and name in ours:
            old = machine.rules.define(ours[name])
        if old is not None and now != old:
            case.mark(name, None)
            _define(machine, case, old)


def _give_back(machine: Machine, case: Case) -> None:
    """Services that the supervisor knew before the app was installed are somebody else's again, and run if they did."""
    _restore_definitions(machine, case)
    for name in case.intent.known:
        try:
            (machine.supervisor.start if name in case.intent.well else machine.supervisor.stop)(name)
        except SupervisorError as error:
            machine.reporter.warning(case.app, error.message)


def _drop_new(machine: Machine, case: Case, target: Generation | None) -> None:
    """Forget the services and links that only the generation that is left has."""
    kept = {r.binary for r in case.before.receipts} if case.before else set()
    for service in target.bundle.services if target else ():
        if not service.external and service.name not in case.intent.known:
            machine.supervisor.forget(service.name)
    swap.unlink(machine, case, [r.binary for r in target.receipts if r.binary not in kept] if target else [])


def _retire(machine: Machine, case: Case) -> tuple[ServiceChange, ...]:
    """Stop and forget what the new generation does not have any more. Gives the changes that were written down."""
    target = after(machine.layout, case)
    if case.intent.verb is Verb.ROLLBACK:
        swap.keep_patched(machine, case)
    staying = {s.name for s in target.bundle.services} if target else set()
    kept = {r.binary for r in target.receipts} if target else set()
    for service in case.before.bundle.services if case.before else ():
        if not service.external and service.name not in staying:
            machine.reporter.step(case.app, f"stopping {service.name}")
            machine.supervisor.forget(service.name)
    swap.unlink(machine, case, [r.binary for r in case.before.receipts if r.binary not in kept] if case.before else [])
    converged = case.journal.last("converged")
    return tuple(decode(ServiceChange, tree) for tree in converged["services"]) if converged else ()
