"""What a process tree really executes, held against the bytes that are in place."""

from __future__ import annotations

from cockpitpm.model.bundle import Service
from cockpitpm.model.facts import InPlace, ServiceFact
from cockpitpm.model.process import ProcessId
from cockpitpm.model.service import Runs
from cockpitpm.model.state import Flip


def judge(service: Service, fact: ServiceFact, place: InPlace) -> Runs:
    """ELF files are judged by the inodes that the tree executes, scripts by the flip they were started under.

    One process on older bytes is enough for OLD, even where another one runs the current bytes: a wrapper that did
    not `exec` leaves such a child behind.
    """
    if fact.process is None or not fact.images:
        return Runs.NOTHING
    executed = {image.file for image in fact.images}
    if executed & place.older:
        return Runs.OLD
    binaries = [service.binary] if service.binary else list(place.files)
    if executed & {place.files[b] for b in binaries if b in place.files}:
        return Runs.CURRENT
    scripts = [b for b in binaries if b in place.scripts]
    if not scripts:
        return Runs.OTHER
    return _script(fact.process, scripts, place)


def _script(process: ProcessId, scripts: list[str], place: InPlace) -> Runs:
    under = started_under(process, place.flips)
    if under is None:
        return Runs.UNVERIFIED
    same = all(under.hashes.get(b) == place.hashes.get(b) for b in scripts)
    return Runs.CURRENT if same else Runs.OLD


def started_under(process: ProcessId, flips: tuple[Flip, ...]) -> Flip | None:
    """The flip that was in force when the process started; None if that cannot be told."""
    for flip in reversed(flips):
        if flip.boot_id != process.boot_id or flip.ended < process.start_ticks:
            return flip
        if flip.begun <= process.start_ticks:
            return None
    return None
