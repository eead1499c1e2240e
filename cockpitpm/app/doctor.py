"""`doctor`: what is wrong with this machine, and how it is mended. Looks at everything that a change would lean on."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from attrs import evolve, frozen

from cockpitpm import beneath
from cockpitpm.app.host import Host, unfinished
from cockpitpm.app.recover import recover
from cockpitpm.app.verify import Verdict, verify
from cockpitpm.decide import ailments
from cockpitpm.errors import CockpitPmError, MachineError, ReleaseNotFound, ReleaseNotReady, StoreError
from cockpitpm.model.ailment import Check, Grade, LockFact, Registered, Remedy, Symptom
from cockpitpm.model.bundle import Bundle
from cockpitpm.model.codec import encode
from cockpitpm.model.service import ServiceState, Wanted
from cockpitpm.observe import condition
from cockpitpm.record import generations, history, home, roots, state
from cockpitpm.record.lock import holder


@frozen(kw_only=True)
class Diagnosis:
    """What was found, in the order of the checks. `looked` are the checks that could be made at all."""

    symptoms: tuple[Symptom, ...]
    looked: tuple[Check, ...]

    @property
    def well(self) -> bool:
        """Whether nothing wants to be mended; what is merely odd may be there."""
        return all(one.grade is not Grade.WRONG for one in self.symptoms)


def examine(host: Host, forges: bool = True) -> Diagnosis:
    """Look at everything; `forges` are asked one question each. Changes nothing; what is wrong is told, not raised."""
    symptoms: list[Symptom] = []
    looked = []
    for check, look in _CHECKS.items():
        if check is Check.FORGE and not forges:
            continue
        try:
            symptoms += look(host)
        except CockpitPmError as error:
            if error.message not in {one.told for one in symptoms}:  # one broken file stops several checks
                symptoms.append(_broken(check, error.message, error.hint))
        except OSError as error:
            told = f"Cannot look at {error.filename or host.layout.root}: {error.strerror}"
            symptoms.append(_broken(check, told, "Run it as the owner of the root"))
        else:
            looked.append(check)
    return Diagnosis(symptoms=tuple(symptoms), looked=tuple(looked))


@frozen(kw_only=True)
class Attempt:
    """One symptom that was to be mended. `error` is why it stays, None if it is gone."""

    symptom: Symptom
    error: CockpitPmError | None = None


def mend(host: Host, found: Diagnosis) -> tuple[Attempt, ...]:
    """Do what is safe; what cannot be mended stops nothing else. A mode is set on the very path that was looked at,
    never through a link.

    Raises as every change does, if nothing could be begun: MachineError for anybody but the owner, LockedError if
    somebody is at work.
    """
    wanted = [one for one in found.symptoms if one.remedy is not Remedy.NONE]
    if not wanted:
        return ()
    roots.check_owner(host.layout, host.invocation.command)
    modes = [one for one in wanted if one.remedy is Remedy.MODE]
    # Without these places nobody can take the lock, or may.
    first = {str(path) for path in (host.layout.real, *host.layout.fixed)}
    done = [_set_mode(one) for one in modes if one.subject in first]
    rest = [one for one in wanted if one not in modes or one.subject not in first]
    try:
        with host.held():
            done += [_set_mode(one) for one in rest if one.remedy is Remedy.MODE]
    except CockpitPmError as error:
        if not done:
            raise
        return (*done, *(Attempt(symptom=one, error=error) for one in rest))
    return (*done, *_recovered(host, [one for one in rest if one.remedy is Remedy.RECOVER]))


def _set_mode(one: Symptom) -> Attempt:
    try:
        beneath.set_mode(one.subject, one.mode)
    except OSError as error:
        hint = error.hint if isinstance(error, beneath.Linked) else one.next_step
        why = MachineError(f"Cannot set the mode of {one.subject}: {error.strerror}", hint)
        return Attempt(symptom=one, error=why)
    return Attempt(symptom=one)


def _recovered(host: Host, wanted: list[Symptom]) -> list[Attempt]:
    """Recovering mends them all, but for the transactions that stay unfinished."""
    if not wanted:
        return []
    try:
        stuck = {one.transaction: one.error for one in recover(host)}
    except CockpitPmError as error:
        return [Attempt(symptom=one, error=error) for one in wanted]
    return [Attempt(symptom=one, error=stuck.get(one.subject)) for one in wanted]


def _broken(check: Check, told: str, hint: str) -> Symptom:
    return Symptom(check=check, grade=Grade.WRONG, subject=check.value, told=told, next_step=hint)


def _settings(host: Host) -> Iterator[Symptom]:
    """Asking for them raises what is wrong with machine.yaml."""
    _ = host.settings, host.role
    return iter(())


def _catalog(host: Host) -> Iterator[Symptom]:
    """Asking for it raises what is wrong with the bundles."""
    _ = host.catalog
    return iter(())


def _places(host: Host) -> Iterator[Symptom]:
    """What every change would refuse at once: others on the way to the root, links in the places of ours.

    The root itself is looked at with the modes.
    """
    layout = host.layout
    for folder, error in roots.weak(layout, _owner(host)):
        if folder != str(layout.real):
            yield evolve(_broken(Check.PLACES, error.message, error.hint), subject=folder)
    for link in roots.linked(layout):
        yield evolve(_broken(Check.PLACES, link.message, link.hint), subject=str(link.filename))


def _owner(host: Host) -> int:
    """Of the root; of one that is not there, whoever would make it."""
    root = beneath.seen(host.layout.real)
    return root.st_uid if root else os.geteuid()


def _modes(host: Host) -> Iterator[Symptom]:
    return ailments.modes(condition.spots(host.layout), _owner(host))


def _owners(host: Host) -> Iterator[Symptom]:
    return ailments.owners(condition.spots(host.layout), _owner(host))


def _lock(host: Host) -> Iterator[Symptom]:
    named = holder(host.layout.lock)
    if named is None:
        return iter(())
    alive = host.processes.alive(named.process)
    return ailments.lock(LockFact(process=named.process, command=named.command, since=named.since, alive=alive))


def _journals(host: Host) -> Iterator[Symptom]:
    return ailments.journals(unfinished(host.layout))


def _leftovers(host: Host) -> Iterator[Symptom]:
    busy = holder(host.layout.lock)
    if busy and host.processes.alive(busy.process):
        return iter(())  # what looks left may be what they are writing
    return ailments.leftovers(condition.unnamed(host.layout))


def _records(host: Host) -> Iterator[Symptom]:
    """Where the machine is, and what is remembered of each app. Generations and the history are looked at with the
    files.
    """
    try:
        home.read(host.layout)
    except StoreError as error:
        yield from ailments.home(str(host.layout.home), error.message)
    for name in beneath.names(host.layout.state):
        app, _, ending = name.rpartition(".")
        try:
            if ending == "json" and not app.startswith("."):
                state.read(host.layout, app)
        except CockpitPmError as error:
            yield evolve(_broken(Check.RECORDS, error.message, error.hint), subject=str(host.layout.state / name))


def _files(host: Host) -> Iterator[Symptom]:
    for one in verify(host):
        if one.differs:
            grade = Grade.ODD if one.verdict is Verdict.DRIFTED else Grade.WRONG
            told = f"{one.verdict.value}: {one.told}"
            yield Symptom(check=Check.FILES, grade=grade, subject=one.path, told=told, next_step=one.next_step)


def _installed(host: Host) -> dict[str, Bundle]:
    return dict(host.facts().installed)


def _supervisor(host: Host) -> Iterator[Symptom]:
    ours = {s.name for bundle in _installed(host).values() for s in bundle.services if not s.external}
    silent = (
        status.name
        for status in host.supervisor.list()
        if status.name in ours and status.state is ServiceState.UNKNOWN and status.wanted is Wanted.RUNNING
    )
    return ailments.supervisor(silent)


def _services(host: Host) -> Iterator[Symptom]:
    declared = {s.name: (app, s.external) for app, bundle in _installed(host).items() for s in bundle.services}
    found = []
    for status in host.supervisor.list():
        app, external = declared.get(status.name, ("", False))
        definition = host.supervisor.definition(status.name)
        command = definition.command if definition else ()
        found.append(Registered(name=status.name, app=app, command=command, external=external))
    return ailments.services(found, f"{host.layout.apps}/")


def _clock(host: Host) -> Iterator[Symptom]:
    newest = max((entry.at for entry in history.recent(host.layout.history)), default="")
    if not newest:
        return iter(())
    back = (datetime.fromisoformat(newest) - host.clock.now()).total_seconds()
    return ailments.clock(back, newest)


def _disk(host: Host) -> Iterator[Symptom]:
    if not beneath.is_folder(host.layout.real):
        return iter(())
    return ailments.disk(condition.space(host.layout), str(host.layout.root))


def _forges(host: Host) -> Iterator[Symptom]:
    """One question to each forge that an app of the catalog is on. That it lacks a release is no illness."""
    installed = set(generations.apps(host.layout))
    asked: set[str] = set()
    for bundle in sorted(host.catalog.bundles, key=lambda one: one.name not in installed):
        name = bundle.repo.forge
        if name in asked or name not in host.settings.forges:
            continue
        asked.add(name)
        try:
            host.forge(bundle.repo).release(bundle.repo, host.channel_of(bundle))
        except (ReleaseNotFound, ReleaseNotReady):
            continue
        except CockpitPmError as error:
            grade = Grade.WRONG if installed else Grade.ODD
            hint = error.hint or "What runs goes on; try again later"
            yield Symptom(check=Check.FORGE, grade=grade, subject=name, told=error.message, next_step=hint)


_CHECKS: dict[Check, Callable[[Host], Iterator[Symptom]]] = {
    Check.SETTINGS: _settings,
    Check.CATALOG: _catalog,
    Check.PLACES: _places,
    Check.OWNER: _owners,
    Check.MODES: _modes,
    Check.LOCK: _lock,
    Check.JOURNAL: _journals,
    Check.LEFTOVERS: _leftovers,
    Check.RECORDS: _records,
    Check.FILES: _files,
    Check.SUPERVISOR: _supervisor,
    Check.SERVICES: _services,
    Check.CLOCK: _clock,
    Check.DISK: _disk,
    Check.FORGE: _forges,
}


def to_json(found: Diagnosis, attempts: tuple[Attempt, ...]) -> dict[str, Any]:
    """The public shape of `doctor --json`."""
    return {
        "well": found.well,
        "symptoms": [encode(one) for one in found.symptoms],
        "mended": [encode(one.symptom) for one in attempts if one.error is None],
        "not_mended": [{**encode(one.symptom), "why": str(one.error)} for one in attempts if one.error],
        "looked_at": [check.value for check in found.looked],
    }
