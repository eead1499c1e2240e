"""Services: the supervisor's word, and the processes behind it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from cockpitpm.model.bundle import Service
from cockpitpm.model.facts import ServiceFact
from cockpitpm.model.service import ServiceState, ServiceStatus
from cockpitpm.model.watched import Copies
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


def copies_of(services: Iterable[Service], processes: Processes, socket_root: str) -> dict[str, Copies]:
    """For each service the processes that listen at one of its unix sockets, where there is more than one."""
    places = {str(Path(socket_root, s.path)): service.name for service in services for s in service.sockets if s.path}
    found = processes.holders(places) if places else {}
    return {places[path]: Copies(pids=pids, where=path) for path, pids in found.items()}
