"""The one checker of what must hold of a machine after any fault: promises I1 to I11, each broken one by its name.

How to use it from any sweep, whatever its fault is (a kill at a line or a syscall, an error of the disk, a power cut):

1.  Have a folder with `root/`, `world.json` and `bundles/`, as `MachineSim(folder)` makes and opens them. A process of
    its own may do the work there; forge and world come back with the folder, published bytes by `machine.forge`.
2.  `promised = promise(machine, work)` before the fault, on a copy that may be used up: it looks, does the work
    without any fault, and looks again. These two looks are the states that are allowed.
3.  Let the fault happen to the work. `Told(code=…, text=…)` is its exit code and its output; no code if it died.
4.  `held(machine, promised, told)` looks, recovers, looks, recovers once more, and gives the broken promises:
    `["I3: …", …]`; empty if the machine is whole. `machine` is a `MachineSim` on the folder, with the same forge.

I1  every managed path is, bit for bit, what one generation says; mode and owner are right
I2  all binaries of an app come from one generation
I3  a receipt tells the bytes on disk, and the asset that was fetched
I4  success told is success: without any recovery, and after it
I5  failure told is the old state, or the journal says otherwise; doing it again works
I6  each service runs the bytes in place, was restarted once, and stays stopped if it was
I7  nothing is left behind, generations are bounded
I8  the lock is free
I9  nothing outside the root was written
I10 a secret is in the secret store and with the supervisor, nowhere else
I11 a second recovery writes nothing
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping

from attrs import evolve, field, frozen

from cockpitpm.app.recover import recover
from cockpitpm.errors import CockpitPmError
from cockpitpm.model.receipt import Outcome, Receipt
from cockpitpm.model.status import Note
from cockpitpm.record import generations, history
from tests.faults.look import Look, difference, look, picture, sha256_of
from tests.faults.residue import leaks, lock_held, strays, unfinished
from tests.sim.machine import MachineSim
from tests.sim.world import stamp

Act = Callable[[MachineSim], object]
"""Something that is done to a machine."""
BUG, TRANSACTION, INTERRUPTED = 1, 10, 130
CHANNEL = {Note.BEHIND, Note.AHEAD, Note.DIVERGED, Note.STALE, Note.HELD}


@frozen(kw_only=True)
class Promise:
    """What a machine may end as: as it was, or as the work makes it.

    `apart` says that each service may be on either side (a command that mends them one by one). `secrets` are values
    that must not be seen. `starts` is how many processes had been started before; None if the world itself starts some
    (a fault of the supervisor), so that nobody counts them. `passing` are the bytes, by binary, of a build that comes
    into place and is taken back, because it does not work.
    """

    before: Look
    after: Look
    apart: bool = False
    secrets: tuple[str, ...] = ()
    keep: int = 3
    starts: int | None = None
    notes: frozenset[str] = frozenset()
    passing: Mapping[str, bytes] = field(factory=dict)


@frozen(kw_only=True)
class Told:
    """What the process told before it ended: its exit code (None: it died) and everything that it wrote."""

    code: int | None = None
    text: str = ""

    @property
    def failed(self) -> bool:
        """Whether it told that the work was not done."""
        return self.code not in (None, 0)


@frozen
class Seen:
    """A machine, what was promised, what was told, and one look."""

    machine: MachineSim
    promise: Promise
    told: Told
    now: Look = field(init=False)

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "now", look(self.machine))

    def patched(self, binary: str) -> bool:
        """Whether somebody put other bytes in place before the work began, and they are still there."""
        before = self.promise.before
        known = {sha256 for receipts in before.apps.values() for name, sha256 in receipts.items() if name == binary}
        there = before.entries.get(binary, "")
        return there not in known and self.now.entries.get(binary) == there and self.now.apps == before.apps


def promise(machine: MachineSim, work: Act, apart: bool = False, secrets: tuple[str, ...] = ()) -> Promise:
    """Look, do the work without a fault, look again. What `status` remarks on either side may be remarked later."""
    before, starts, notes = look(machine), len(machine.starts()), _notes(machine)
    work(machine)
    made = Promise(before=before, after=look(machine), apart=apart, secrets=secrets, starts=starts)
    return evolve(made, notes=notes | _notes(machine))


def held(machine: MachineSim, promised: Promise, told: Told = Told()) -> list[str]:
    """After the fault, after recovery, after recovery again: every promise that is broken."""
    waiting = unfinished(machine)
    wrong = [f"before recovery, {one}" for one in broken(machine, promised, told, meanwhile=True)]
    try:
        found = recover(machine.host())
    except CockpitPmError as error:
        return [*wrong, f"I5: recovery raised {error}"]
    wrong += [f"I5: recovery could not finish {one.transaction}: {one.error}" for one in found if one.error]
    settled = told if not waiting or told.code == 0 else evolve(told, code=None)
    wrong += broken(machine, promised, settled)
    before = picture(machine.root)
    recover(machine.host())
    return wrong if picture(machine.root) == before else [*wrong, "I11: the second recovery wrote something"]


def broken(machine: MachineSim, promised: Promise, told: Told = Told(), meanwhile: bool = False) -> list[str]:
    """What is wrong now. `meanwhile`: nothing was recovered yet, so only what holds at any moment is asked for."""
    try:
        seen = Seen(machine, promised, told)
        return list(_at_any_moment(seen) if meanwhile else _whole(seen))
    except (CockpitPmError, OSError, LookupError, ValueError, TypeError) as error:
        return [f"I1: it cannot be read: {type(error).__name__}: {error}"]


def done_again(machine: MachineSim, promised: Promise, work: Act) -> list[str]:
    """The second half of I5: where recovery led back, the same command works."""
    if look(machine) != promised.before:
        return []
    anew = evolve(promised, starts=None if promised.starts is None else len(machine.starts()))
    work(machine)
    return [f"I5: done again, {one}" for one in broken(machine, anew, Told(code=0))]


def _at_any_moment(seen: Seen) -> Iterator[str]:
    """What holds even where the machine stands in the middle of it."""
    before, after, now = seen.promise.before, seen.promise.after, seen.now
    passing = {name: hashlib.sha256(data).hexdigest() for name, data in seen.promise.passing.items()}
    for name, sha256 in now.entries.items():
        # A link that comes or goes may for a moment lead nowhere.
        known = {side.get(name, "") for side in (before.entries, after.entries, passing)}
        if sha256 not in known:
            yield f"I1: bin/{name} is neither what it was nor what it becomes"
    if gone := sorted((before.entries.keys() & after.entries.keys()) - now.entries.keys()):
        yield f"I1: bin/{gone[0]} is gone"
    both = before.entries.keys() & after.entries.keys() & now.entries.keys()
    sides = (before.entries, after.entries, {**before.entries, **passing})
    if all({n: now.entries[n] for n in both} != {n: side[n] for n in both} for side in sides):
        yield "I2: bin/ holds bytes of two builds"
    for name, service in now.services.items():
        known_runs = {side.services[name].runs for side in (before, after) if name in side.services}
        known_runs |= {stamp(data)["version"] for data in seen.promise.passing.values()}
        if service.runs and service.runs not in known_runs:
            yield f"I6: {name} runs {service.runs}, which is of neither side"
    yield from _sourced(seen)
    yield from _told(seen)
    yield from _always(seen)
    if unfinished(seen.machine) and not seen.machine.status().unfinished:
        yield "I5: status does not tell what is unfinished"


def _sourced(seen: Seen) -> Iterator[str]:
    """No receipt ever names bytes that are not there."""
    layout = seen.machine.host().layout
    for app in generations.folders(layout):
        for number in generations.numbers(layout, app):
            for receipt in generations.read(layout, app, number).receipts:
                if not layout.blob(receipt.sha256).exists():
                    yield f"I3: generation {number} of {app} names bytes of {receipt.binary} that are not there"


def _told(seen: Seen) -> Iterator[str]:
    """I4 and I5: what was told against what is."""
    code, now = seen.told.code, seen.now
    waiting = unfinished(seen.machine)
    if code == 0 and (now != seen.promise.after or waiting):
        yield f"I4: success was told, but {waiting or difference(now, seen.promise.after)}"
    if code == TRANSACTION and not waiting:
        yield "I5: the journal was to be kept"
    if seen.told.failed and not waiting and not _either(seen, seen.promise.before):
        # An interruption, or a bug while it was told, that came too late to take anything back; the history holds it.
        if code in (INTERRUPTED, BUG) and _either(seen, seen.promise.after):
            return
        yield f"I5: failure ({code}) was told, but {difference(now, seen.promise.before)}"


def _either(seen: Seen, side: Look) -> bool:
    if not seen.promise.apart:
        return seen.now == side
    return seen.now == evolve(side, services=seen.now.services) and _mixed(seen)


def _whole(seen: Seen) -> Iterator[str]:
    """Everything, for a machine that waits for nothing."""
    allowed = [side for side in (seen.promise.before, seen.promise.after) if _either(seen, side)]
    if not allowed:
        gaps = [difference(seen.now, side) for side in (seen.promise.before, seen.promise.after)]
        yield f"I1: it is neither as it was ({gaps[0]}) nor as it becomes ({gaps[1]})"
    if waiting := unfinished(seen.machine):
        yield f"I7: journals are left: {waiting}"
    yield from _told(seen)
    yield from _bytes(seen)
    yield from _services(seen)
    yield from _always(seen)
    yield from strays(seen.machine, seen.promise.keep)
    yield from _history(seen)


def _mixed(seen: Seen) -> bool:
    sides = (seen.promise.before, seen.promise.after)
    now = seen.now.services
    return all(any(side.services.get(name) == one for side in sides) for name, one in now.items())


def _always(seen: Seen) -> Iterator[str]:
    if held_lock := lock_held(seen.machine):
        yield f"I8: {held_lock} is locked"
    if seen.now.outside != seen.promise.before.outside:
        yield f"I9: written outside the root: {difference(seen.now, seen.promise.before)}"
    if found := leaks(seen.machine, seen.promise.secrets):
        yield f"I10: a secret is in {found}"
    if any(secret in seen.told.text for secret in seen.promise.secrets):
        yield "I10: a secret was told"


def _bytes(seen: Seen) -> Iterator[str]:
    machine, layout = seen.machine, seen.machine.host().layout
    for app in seen.now.apps:
        live = generations.current_live(layout, app)
        for receipt in generations.read(layout, app, generations.number_of(live)).receipts:
            path = layout.binary(receipt.binary)
            if seen.patched(receipt.binary):
                continue
            if sha256_of(path) != receipt.sha256:
                yield f"I3: bin/{receipt.binary} is not what its receipt says"
            if path.resolve() != (layout.live(app) / live / receipt.binary).resolve():
                yield f"I2: bin/{receipt.binary} does not lead to the current generation"
            if path.exists() and path.stat().st_mode & 0o7777 != 0o755:
                yield f"I1: bin/{receipt.binary} has mode {path.stat().st_mode:o}"
            yield from _fetched(machine, receipt)
    owner = layout.root.stat().st_uid
    for path in layout.var.rglob("*"):
        found = path.lstat()
        if found.st_uid != owner or (not path.is_symlink() and found.st_mode & 0o022):
            yield f"I1: {path.relative_to(layout.root)} belongs to {found.st_uid}, mode {found.st_mode:o}"


def _fetched(machine: MachineSim, receipt: Receipt) -> Iterator[str]:
    assets = (asset for release in machine.forge.releases.values() for asset in release.assets)
    known = next((asset for asset in assets if asset.uuid == receipt.uuid), None)
    if known and known.name != receipt.asset:
        yield f"I3: the receipt of {receipt.binary} names {receipt.asset}, {known.name} was fetched"


def _services(seen: Seen) -> Iterator[str]:
    layout, host = seen.machine.host().layout, seen.machine.host()
    state = seen.machine.world.state()
    current = {os.stat(p)[1:3] for p in layout.bin.glob("*") if p.exists()}
    for process in state["processes"].values():
        ours = [i for i in process["images"] if i["file"].startswith(str(layout.apps))]
        if stale := [i for i in ours if (i["ino"], i["dev"]) not in current]:
            yield f"I6: {process['service']} executes {stale[0]['file']}, which is not in place"
    if aside := [name for name in seen.now.services if host.supervisor.aside(name)]:
        yield f"I6: the supervisor still keeps what was set aside of {aside}"
    if seen.promise.starts is not None:
        later = seen.machine.starts()[seen.promise.starts :]
        for service, what in sorted({one for one in later if later.count(one) > 1}):
            yield f"I6: {service} was started twice as {what}"
    if notes := sorted(_notes(seen.machine) - seen.promise.notes):
        yield f"I6: status remarks on {notes}"


def _notes(machine: MachineSim) -> frozenset[str]:
    """What `status` remarks on services, but for what it says of their channel: a build that waits is no fault."""
    found = ((s.name, r.note) for app in machine.status().apps for s in app.services for r in s.remarks)
    return frozenset(f"{service}: {note.value}" for service, note in found if note not in CHANNEL)


def _history(seen: Seen) -> Iterator[str]:
    layout = seen.machine.host().layout
    entries = [line.entry for line in history.read(layout.history)]
    named = [entry.transaction for entry in entries]
    if len(set(named)) != len(named):
        yield "I7: the history has a transaction twice"
    for app in {entry.app for entry in entries}:
        last = [e.to_generation for e in entries if e.app == app and e.outcome is Outcome.COMMITTED][-1:]
        number = generations.number_of(generations.current_live(layout, app))
        if (last or [0]) != [number]:
            yield f"I4: history says generation {last} of {app}, current is {number}"
