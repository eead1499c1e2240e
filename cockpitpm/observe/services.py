"""Services: the supervisor's word, and the processes behind it."""

from __future__ import annotations

from collections.abc import Iterable

from cockpitpm.model.facts import ServiceFact
from cockpitpm.model.service import ServiceState, ServiceStatus
from cockpitpm.ports import Processes, Supervisor


def look_at(supervisor: Supervisor, processes: Processes, name: str) -> ServiceFact:
    """One service right now, without its definition."""
    return _fact(supervisor.status(name), processes)


def look_at_all(supervisor: Supervisor, processes: Processes, names: Iterable[str]) -> dict[str, ServiceFact]:
    """These services with their definitions; the supervisor is asked for its list once."""
    known = {status.name: status for status in supervisor.list()}
    found = {n: _fact(known.get(n) or ServiceStatus(name=n, state=ServiceState.ABSENT), processes) for n in names}
    return {name: _defined(fact, supervisor) for name, fact in found.items()}


def _fact(status: ServiceStatus, processes: Processes) -> ServiceFact:
    process = processes.identify(status.pid) if status.pid else None
    images = processes.tree(process.pid) if process else ()
    return ServiceFact(name=status.name, status=status, process=process, images=images)


def _defined(fact: ServiceFact, supervisor: Supervisor) -> ServiceFact:
    if fact.status.state is ServiceState.ABSENT:
        return fact
    return ServiceFact(
        name=fact.name,
        status=fact.status,
        process=fact.process,
        images=fact.images,
        definition=supervisor.definition(fact.name),
    )
