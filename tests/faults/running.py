"""I6: what services run, how often they were started, and that nobody else of theirs is left."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Set

from cockpitpm.model.status import Note
from tests.sim.machine import MachineSim

Start = tuple[str, str]
"""A service, and what it was started as: its build and its definition."""
CHANNEL = {Note.BEHIND, Note.AHEAD, Note.DIVERGED, Note.STALE, Note.HELD}


def strangers(machine: MachineSim, services: Iterable[str], orphans: bool) -> Iterator[str]:
    """Processes that execute what is not in place, are one too many or of nobody, and what is still set aside."""
    layout, supervisor = machine.host().layout, machine.host().supervisor
    processes = machine.world.state()["processes"].values()
    current = {os.stat(p)[1:3] for p in layout.bin.glob("*") if p.exists()}
    for process in processes:
        ours = [i for i in process["images"] if i["file"].startswith(str(layout.apps))]
        if stale := [i for i in ours if (i["ino"], i["dev"]) not in current]:
            yield f"I6: {process['service']} executes {stale[0]['file']}, which is not in place"
    for service, many in Counter(process["service"] for process in processes).items():
        if many > 1 and not orphans:
            yield f"I6: {many} processes of {service} run at once"
        if service not in services:
            yield f"I6: a process of {service} runs, and the supervisor does not know it"
    if aside := [name for name in services if supervisor.aside(name)]:
        yield f"I6: the supervisor still keeps what was set aside of {aside}"


def ran(machine: MachineSim) -> frozenset[Start]:
    """As what each service that runs was started last."""
    running = {name for name, pid in machine.pids().items() if pid}
    last = dict(machine.starts())
    return frozenset((name, what) for name, what in last.items() if name in running)


def restarts(later: Iterable[Start], made: tuple[Start, ...], before: Set[Start], whole: bool) -> Iterator[str]:
    """Starts that nobody may see. `made` are those of a run without a fault.

    Each of them happens once; all of them if the work was done, which is what `whole` says. What went back was started
    once more as what it was, but only a service that the work restarts: nobody else is touched. A recovery starts what
    a dead run had left stopped or on the wrong bytes, and that is the one start that it is due.
    """
    found, once = Counter(later), Counter(made)
    touched = {service for service, _ in made}
    for service, what in sorted(found):
        if (service, what) not in once and not (service in touched and (service, what) in before):
            yield f"I6: {service} was started as {what}, which was not to be"
        elif found[service, what] > max(once[service, what], 1):
            yield f"I6: {service} was started {found[service, what]} times as {what}"
    for service, what in sorted(once - found) if whole else ():
        yield f"I6: {service} was not started as {what}"
    for service, what in sorted(found - once) if whole else ():
        yield f"I6: {service} was started as {what}, though nothing went back"


def remarks(machine: MachineSim) -> frozenset[str]:
    """What `status` remarks on services, but for what it says of their channel: a build that waits is no fault."""
    found = ((s.name, r.note) for app in machine.status().apps for s in app.services for r in s.remarks)
    return frozenset(f"{service}: {note.value}" for service, note in found if note not in CHANNEL)
