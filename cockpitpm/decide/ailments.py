"""From what was seen of a machine to what is wrong with it: pure, one function for each kind of fact."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from shlex import quote

from cockpitpm.model.ailment import Check, Grade, Keeping, LockFact, Registered, Remedy, Space, Spot, Symptom

MIB = 1024 * 1024
LEAST = 256 * MIB
"""Bytes that should be free: the download of a large app, its stored bytes and its live copy."""
LEAST_FILES = 1_000
SKEW = 120
"""Seconds by which the history may be ahead of the clock: two machines' clocks never agree wholly."""

_OTHERS = 0o077
_OTHERS_WRITE = 0o022
_RUN = 0o755

_unfinished = partial(Symptom, next_step="cockpitpm recover", remedy=Remedy.RECOVER)
"""What an interrupted change left, and recovering mends."""


def right_mode(spot: Spot) -> int:
    """The permission bits that the path should have; those it has, if they will do."""
    if spot.keeping is Keeping.PROGRAM:
        return _RUN if spot.mode & _OTHERS_WRITE or spot.mode & _RUN != _RUN else spot.mode
    unwanted = _OTHERS if spot.keeping is Keeping.PRIVATE else _OTHERS_WRITE
    needed = 0o700 if spot.folder else 0o400
    return (spot.mode & ~unwanted) | needed


def modes(spots: Iterable[Spot], owner: int) -> Iterator[Symptom]:
    """Paths that others may change, or may read though they hold secrets, or that their owner cannot use.

    The owner of the root may set the mode of what belongs to that user, and of nothing else. Whoever owns a folder says
    what is in it, so what lies there is looked at once the folder is the owner's. Folders come before what is in them.
    """
    theirs: list[str] = []
    for spot in spots:
        mode, ours = right_mode(spot), spot.uid == owner
        inside = any(spot.path.startswith(folder) for folder in theirs)
        if spot.folder and not ours:
            theirs.append(f"{spot.path}/")
        if mode != spot.mode and not inside:
            yield Symptom(
                check=Check.MODES,
                grade=Grade.WRONG,
                subject=spot.path,
                told=f"its mode is {spot.mode:04o}: {_allows(spot)}",
                next_step=f"{'' if ours else 'sudo '}chmod {mode:04o} {quote(spot.path)}",
                remedy=Remedy.MODE if ours else Remedy.NONE,
                mode=mode,
            )


def _allows(spot: Spot) -> str:
    if spot.mode & _OTHERS_WRITE:
        return "others may change it"
    if spot.keeping is Keeping.PRIVATE and spot.mode & _OTHERS:
        return "others may read it"
    return "its owner cannot run it" if spot.keeping is Keeping.PROGRAM else "its owner cannot use it"


def owners(spots: Iterable[Spot], owner: int) -> Iterator[Symptom]:
    """Paths that belong to somebody else than the owner of the root."""
    for spot in spots:
        if spot.uid != owner:
            yield Symptom(
                check=Check.OWNER,
                grade=Grade.WRONG,
                subject=spot.path,
                told=f"it belongs to user {spot.uid}, the root of the machine to user {owner}",
                next_step=f"sudo chown -h {owner} {quote(spot.path)}",
            )


def lock(fact: LockFact | None) -> Iterator[Symptom]:
    """Somebody who is at work, or who died at it."""
    if fact is None:
        return
    who = f"process {fact.process.pid} ({fact.command}, since {fact.since})"
    if fact.alive:
        told, step = f"{who} is changing this machine", "Wait for it to end"
        yield Symptom(check=Check.LOCK, grade=Grade.ODD, subject="lock", told=told, next_step=step)
        return
    yield _unfinished(
        check=Check.LOCK,
        grade=Grade.ODD,
        subject="lock",
        told=f"{who} died without letting go of it; it stops nobody",
    )


def journals(unfinished: Iterable[str]) -> Iterator[Symptom]:
    """Transactions that were interrupted."""
    for name in unfinished:
        yield _unfinished(
            check=Check.JOURNAL,
            grade=Grade.WRONG,
            subject=name,
            told="a change was interrupted and is not finished",
        )


def leftovers(paths: Iterable[str]) -> Iterator[Symptom]:
    """Half-written files."""
    found = tuple(paths)
    if found:
        yield _unfinished(
            check=Check.LEFTOVERS,
            grade=Grade.ODD,
            subject=found[0],
            told="half a write is left" + (f", and {len(found) - 1} more" if len(found) > 1 else ""),
        )


def home(path: str, why: str) -> Iterator[Symptom]:
    """The record of where the machine is, at `path`, cannot be used. Every change writes it anew."""
    yield _unfinished(
        check=Check.RECORDS,
        grade=Grade.WRONG,
        subject=path,
        told=f"{why}, so nobody knows whether this machine was moved",
    )


def supervisor(silent: Iterable[str]) -> Iterator[Symptom]:
    """No supervisor runs, though these services are meant to."""
    names = tuple(silent)
    if names:
        more = f" and {len(names) - 1} more" if len(names) > 1 else ""
        yield _unfinished(
            check=Check.SUPERVISOR,
            grade=Grade.WRONG,
            subject=names[0],
            told=f"{names[0]}{more} should run, and no supervisor does",
        )


def services(registered: Iterable[Registered], live: str) -> Iterator[Symptom]:
    """Services of nobody, and definitions that name a live folder (`live` is its place among the words of a path)."""
    for one in registered:
        if not one.app:
            yield Symptom(
                check=Check.SERVICES,
                grade=Grade.ODD,
                subject=one.name,
                told="the supervisor has this service, and no installed app declares it",
                next_step="If it is not yours, ask whoever registered it; cockpitpm never touches it",
            )
        elif word := next((word for word in one.command if live in word), ""):
            theirs = "Have whoever registered it start the program at bin/ instead; cockpitpm does not define it"
            yield Symptom(
                check=Check.SERVICES,
                grade=Grade.WRONG,
                subject=one.name,
                told=f"its definition starts {word}, which the next upgrade takes away",
                next_step=theirs if one.external else f"cockpitpm register {one.name}",
            )


def clock(seconds_back: float, newest: str) -> Iterator[Symptom]:
    """The wall clock is before the newest line of the history, `newest`, by so many seconds."""
    if seconds_back > SKEW:
        yield Symptom(
            check=Check.CLOCK,
            grade=Grade.WRONG,
            subject="clock",
            told=f"it is {_span(seconds_back)} before the newest line of the history, {newest}",
            next_step="Set the clock (`timedatectl set-ntp true`); holds and windows go by it",
        )


def _span(seconds: float) -> str:
    """In the largest unit that it has one of."""
    units = ((86_400, "day"), (3_600, "hour"), (60, "minute"))
    size, word = next(unit for unit in units if seconds >= unit[0])
    count = int(seconds // size)
    return f"{count} {word}{'s' if count > 1 else ''}"


def disk(space: Space, root: str) -> Iterator[Symptom]:
    """Too little room for the next upgrade."""
    if space.free < min(LEAST, space.size // 10):
        told = f"{space.free // MIB} MiB of {space.size // MIB} MiB are free"
        yield Symptom(check=Check.DISK, grade=Grade.WRONG, subject=root, told=told, next_step="Free some space there")
    if space.files and space.files_free < LEAST_FILES:
        told = f"{space.files_free} of {space.files} files (inodes) are free"
        yield Symptom(check=Check.DISK, grade=Grade.WRONG, subject=root, told=told, next_step="Delete files there")
