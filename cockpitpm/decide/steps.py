"""The steps that lead from one set of bytes and definitions to another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from cockpitpm.decide.definition import definition_of
from cockpitpm.decide.environment import NOTHING, context_of
from cockpitpm.model.bundle import Activation, Bundle, Service
from cockpitpm.model.facts import AppFacts, MachineFacts
from cockpitpm.model.plan import Ask, Converge, Fetch, Record, Register, Retire, Step, Swap
from cockpitpm.model.service import Wanted


def steps_towards(
    facts: AppFacts,
    target: Bundle,
    fetches: tuple[Fetch, ...],
    to: int,
    wanted: Mapping[str, Wanted],
    machine: MachineFacts,
) -> tuple[Step, ...]:
    """Everything between the facts and generation `to` of the target bundle, in the order it will be done."""
    origin = facts.installed.number if facts.installed else 0
    swap = Swap(origin=origin, to=to, binaries=tuple(b.name for b in target.binaries))
    return (
        *fetches,
        swap,
        *registers(facts, target, machine),
        *converges(target, wanted),
        *retires(facts, target),
        Record(generation=to),
    )


def registers(facts: AppFacts, target: Bundle, machine: MachineFacts) -> Iterator[Register]:
    """A step for each definition that the supervisor does not hold as it should be."""
    secrets = machine.secrets.get(context_of(facts.app), NOTHING)
    for service in target.services:
        exported = facts.state.exported.get(service.name, NOTHING)
        wanted = definition_of(service, machine.root, machine.socket_root, exported, secrets)
        fact = facts.services.get(service.name)
        held = fact.definition if fact else None
        if not service.external and wanted != held:
            yield Register(service=service.name, new=held is None)


def retires(facts: AppFacts, target: Bundle | None) -> Iterator[Retire]:
    """A step for each service of the installed generation that the target does not have."""
    staying = {s.name for s in target.services} if target else set()
    for service in facts.installed.bundle.services if facts.installed else ():
        if not service.external and service.name not in staying:
            yield Retire(service=service.name)


def converges(target: Bundle, wanted: Mapping[str, Wanted]) -> Iterator[Step]:
    """The steps for each service that is meant to run, in declared order."""
    first = target.activation is Activation.ROLLING
    for service in target.services:
        if wanted.get(service.name) is Wanted.RUNNING:
            yield Converge(service=service.name, canary=first)
            first = False
            yield from _ask(service)


def _ask(service: Service) -> Iterator[Step]:
    if service.probe:
        yield Ask(service=service.name, ready_within=service.probe.ready_within, stays_ready=service.probe.stays_ready)
