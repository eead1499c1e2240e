"""What follows from a service's processes and answers over some minutes, and the remarks on it."""

from __future__ import annotations

from collections.abc import Iterator

from cockpitpm.decide.definition import definition_of
from cockpitpm.decide.environment import NOTHING, context_of
from cockpitpm.model.bundle import Service
from cockpitpm.model.facts import AppFacts, MachineFacts, ServiceFact
from cockpitpm.model.process import ProcessId
from cockpitpm.model.service import Definition, Health, Healthy, Runs
from cockpitpm.model.status import Note, Remark
from cockpitpm.model.watched import Asked, Restarts, Sightings, Unanswered

WINDOW = 120.0
"""Seconds in which restarts are counted."""
OFTEN = 3
"""So many of them are more than an accident."""
PAUSE = 15.0
"""Seconds without a process after which nobody can say that it keeps restarting; supervisors wait between two tries."""
AGAIN = 10.0
"""Seconds between two questions to one service."""
BELIEVED = 45.0
"""Seconds for which an answer tells how a service is."""


def sighted(before: Sightings | None, process: ProcessId | None, now: float) -> Sightings:
    """What is known after another look."""
    if before is None or before.process is None:
        return Sightings(process=process, seen=now)
    recent = tuple(at for at in before.starts if now - at <= WINDOW)
    if process is None:
        return Sightings(process=before.process, seen=before.seen, starts=recent)
    starts = recent if process == before.process else (*recent, now)
    return Sightings(process=process, seen=now, starts=starts)


def restarts(seen: Sightings, now: float) -> Restarts | None:
    """Whether it keeps restarting; one that nobody has started again for a while has failed instead."""
    if len(seen.starts) < OFTEN or now - seen.seen > PAUSE:
        return None
    return Restarts(count=len(seen.starts), within=int(WINDOW))


def is_due(service: Service, age: float, last: float | None, now: float) -> bool:
    """Whether to ask a process that is so many seconds old and was asked at `last`, if at all.

    One that may still get ready is left alone.
    """
    if service.probe is None or age < service.probe.ready_within:
        return False
    return last is None or now - last >= AGAIN


def heard(before: Asked | None, process: ProcessId, health: Health, now: float, moment: str) -> Asked:
    """What is known after another answer. `moment` is now as RFC 3339."""
    if isinstance(health, Healthy):
        return Asked(process=process, at=now)
    if before is None or before.process != process or not before.missed:
        return Asked(process=process, at=now, missed=1, since=moment, answer=health.answer)
    return Asked(process=process, at=now, missed=before.missed + 1, since=before.since, answer=health.answer)


def unanswered(asked: Asked | None, process: ProcessId | None, now: float, strikes: int) -> Unanswered | None:
    """Whether this process is silent: so many good answers in a row were missing, the last one not long ago."""
    if asked is None or asked.process != process or asked.missed < strikes or now - asked.at > BELIEVED:
        return None
    return Unanswered(process=asked.process, since=asked.since, answer=asked.answer)


def unapplied(facts: AppFacts, service: Service, fact: ServiceFact, machine: MachineFacts | None) -> tuple[str, ...]:
    """The names of what a running service was started with and is declared otherwise by now; never a value.

    Nothing where the definition is not ours, or nobody knows what is declared.
    """
    if machine is None or service.external or fact.process is None or fact.definition is None:
        return ()
    secrets = machine.secrets.get(context_of(facts.app), NOTHING)
    exported = facts.state.exported.get(service.name, NOTHING)
    return differing(fact.definition, definition_of(service, machine.root, machine.socket_root, exported, secrets))


def differing(held: Definition, wanted: Definition) -> tuple[str, ...]:
    """The variables in which two definitions of a service differ, and the words for the rest."""
    before, after = dict(held.env), dict(wanted.env)
    variables = sorted(var for var in {*before, *after} if before.get(var) != after.get(var))
    rest = {
        "its command": held.command != wanted.command,
        "its folder": held.directory != wanted.directory,
        "its time to stop": held.stop_timeout != wanted.stop_timeout,
    }
    return (*variables, *(words for words, differs in rest.items() if differs))


def watched_remarks(fact: ServiceFact, runs: Runs, names: tuple[str, ...]) -> Iterator[Remark]:
    """The remarks on these facts; `names` are those that `unapplied` gave."""
    logs = f"cockpitpm logs {fact.name}"
    if fact.unanswered and runs is not Runs.NOTHING:
        pid, since, answer = fact.unanswered.process.pid, fact.unanswered.since, fact.unanswered.answer
        told = f"process {pid} has given no good answer since {since}: {answer}"
        yield Remark(note=Note.SILENT, evidence=told, next_step=logs)
    if fact.restarts:
        told = f"its process ended {fact.restarts.count} times in {fact.restarts.within // 60} minutes"
        yield Remark(note=Note.RESTARTING, evidence=told, next_step=logs)
    if fact.copies:
        pids = ", ".join(map(str, fact.copies.pids))
        told = f"processes {pids} all listen at {fact.copies.where}"
        yield Remark(note=Note.COPIED, evidence=told, next_step=f"cockpitpm stop {fact.name}")
    if names:
        told = f"it was started with another value of {', '.join(names)} than is declared now"
        yield Remark(note=Note.UNAPPLIED, evidence=told, next_step=f"cockpitpm converge {fact.name}")
