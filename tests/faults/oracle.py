"""The one checker of what must hold of a machine after any fault: promises I1 to I11, each broken one by its name.

How to use it from any sweep, whatever its fault is (a kill at a line or a syscall, an error of the disk, a power cut):

1.  Have a folder with `root/`, `world.json` and `bundles/`, as `MachineSim(folder)` makes and opens them. A process of
    its own may do the work there; forge and world come back with the folder, published bytes by `machine.forge`.
2.  `promised = promise(machine, work)` before the fault, on a copy that may be used up: it looks, does the work
    without any fault, and looks again. These two looks are the states that are allowed.
3.  Let the fault happen to the work. `Told(code=…, text=…)` is its exit code and its output; no code if it died.
4.  `held(machine, promised, told)` looks, recovers, looks, recovers once more, looks, and gives the broken promises:
    `["I3: …", …]`; empty if the machine is whole. `machine` is a `MachineSim` on the folder, with the same forge.
    With `again=work` a machine that is whole and not done does the work once more, which must succeed.

I1  every managed path is, bit for bit, what one generation says; mode and owner are right
I2  all binaries of an app come from one generation
I3  a receipt tells the bytes on disk, and the asset that was fetched; the store holds the bytes of its names
I4  success told is success: without any recovery, and after it; the history says so, in one line
I5  failure told is the old state, or the journal says otherwise; doing it again works; nothing is told as a bug of ours
I6  each service runs the bytes in place, in one process, was started as often as without the fault, and stays stopped
    if it was
I7  nothing is left behind, generations are bounded
I8  the lock is free
I9  nothing outside the root was written
I10 a secret is in the secret store and with the supervisor, nowhere else, and nobody tells it
I11 a second recovery changes nothing
"""

from __future__ import annotations

import hashlib
import os
import traceback
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from attrs import evolve, field, frozen

from cockpitpm.app.change import Report, exit_code
from cockpitpm.app.recover import recover
from cockpitpm.app.report import to_json
from cockpitpm.errors import CockpitPmError, ExitCode
from cockpitpm.model.receipt import Receipt, build_of
from cockpitpm.record import generations
from tests.faults.chronicle import Line, chronicle, misrecorded
from tests.faults.look import Look, difference, generation, look, picture, sha256_of
from tests.faults.residue import leaks, lock_held, rotten, strays, temporary, unfinished
from tests.faults.running import Start, ran, remarks, restarts, strangers
from tests.sim.machine import MachineSim
from tests.sim.world import stamp

Act = Callable[[MachineSim], object]
"""Something that is done to a machine."""
BUG, TRANSACTION, INTERRUPTED = 1, 10, 130
HOUR = 3600


@frozen(kw_only=True)
class Promise:
    """What a machine may end as: as it was, or as the work makes it.

    `apart` says that each service may be on either side (a command that mends them one by one). `secrets` are values
    that must not be seen. `code` is what the work tells without a fault, `lines` the history of before, `recorded` what
    the work adds to it. `starts` is how many processes had been started before, `ran` as what those that ran, `made`
    those that the work starts; None for `starts` if the world itself starts some (a power cut), so that nobody counts.
    `passing` are the bytes, by binary, of a build that comes into place and is taken back, because it does not work.

    What a fault may bring beside: with `bugs` it may be told as a bug (there is no memory to tell anything), with
    `blame` a build may be blocked for it (its supervisor says that it failed), with `orphans` there may be processes
    that the supervisor has lost.
    """

    before: Look
    after: Look
    apart: bool = False
    secrets: tuple[str, ...] = ()
    keep: int = 3
    code: int = 0
    lines: tuple[Line, ...] = ()
    recorded: tuple[Line, ...] = ()
    starts: int | None = None
    ran: frozenset[Start] = frozenset()
    made: tuple[Start, ...] = ()
    notes: frozenset[str] = frozenset()
    passing: Mapping[str, bytes] = field(factory=dict)
    bugs: bool = False
    blame: bool = False
    orphans: bool = False


@frozen(kw_only=True)
class Told:
    """What the process told before it ended: its exit code (None: it died) and everything that it wrote."""

    code: int | None = None
    text: str = ""

    @property
    def failed(self) -> bool:
        """Whether it told that the work was not done."""
        return self.code not in (None, 0)


def told(work: Callable[[], Any], machine: MachineSim | None = None) -> Told:
    """Do it as the command line does: every end becomes an exit code and words, those on the way among them if they
    were told to the machine."""
    answer = _ended(work)
    return evolve(answer, text="\n".join((*machine.heard, answer.text))) if machine else answer


def _ended(work: Callable[[], Any]) -> Told:
    try:
        report = work()
    except CockpitPmError as error:
        return Told(code=int(error.exit_code), text=str(error))
    except KeyboardInterrupt:
        return Told(code=INTERRUPTED, text="Interrupted")
    except Exception:  # noqa: BLE001 - the command line tells any of them as a bug
        return Told(code=int(ExitCode.BUG), text=traceback.format_exc())
    report = report[0] if isinstance(report, tuple) and report else report
    if not isinstance(report, Report):
        return Told(code=0)
    code = exit_code(report, everything=False)
    return Told(code=int(code), text=str(to_json(report, code)))


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

    def on(self, side: Look) -> bool:
        """Whether the machine is as on this side."""
        now = self._absolved(side) if self.promise.blame else self.now
        if not self.promise.apart:
            return now == side
        sides = (self.promise.before, self.promise.after)
        mixed = all(any(s.services.get(name) == one for s in sides) for name, one in now.services.items())
        meant = any(now.wanted == s.wanted for s in sides)
        return mixed and meant and now == evolve(side, services=now.services, wanted=now.wanted)

    def _absolved(self, side: Look) -> Look:
        """The look without the blame for the build that was to come."""
        new = {build_of(receipts.values()) for receipts in self.promise.after.apps.values()}
        blocked = {app: tuple(b for b in builds if b not in new) for app, builds in self.now.blocked.items()}
        return evolve(self.now, blocked=blocked) if self.promise.before == side else self.now

    @property
    def done(self) -> bool:
        """Whether the machine is as the work makes it, and not as it was."""
        return self.promise.before != self.promise.after and self.now == self.promise.after


def promise(
    machine: MachineSim, work: Act, apart: bool = False, secrets: tuple[str, ...] = (), code: int = 0
) -> Promise:
    """Look, do the work without a fault, look again. What `status` remarks on either side may be remarked later.

    Fails if the work does not end with `code`, or changes nothing: a sweep over it would prove nothing.
    """
    before, starts, notes = look(machine), len(machine.starts()), remarks(machine)
    running, lines = ran(machine), chronicle(machine)
    answer = told(lambda: work(machine), machine)
    assert answer.code == code, f"without a fault the work ended with {answer.code}, not {code}: {answer.text[-500:]}"
    made = Promise(
        before=before,
        after=look(machine),
        apart=apart,
        secrets=secrets,
        code=code,
        lines=lines,
        recorded=chronicle(machine)[len(lines) :],
        starts=starts,
        ran=running,
        made=tuple(machine.starts()[starts:]),
        notes=notes | remarks(machine),
    )
    assert made.after != before or made.made, "the work changes nothing"
    return made


def held(machine: MachineSim, promised: Promise, told: Told = Told(), again: Act | None = None) -> list[str]:
    """After the fault, after recovery, after recovery again: every promise that is broken.

    Whoever recovers comes an hour later: what a dead process left half-written is old by then. With `again`, doing that
    where the machine is not done yet is asked for as well.
    """
    waiting = unfinished(machine)
    wrong = [f"before recovery, {one}" for one in broken(machine, promised, told, meanwhile=True)]
    age(machine)
    try:
        found = recover(machine.host())
    except CockpitPmError as error:
        return [*wrong, f"I5: recovery raised {error}", *_betrayed(machine, promised, str(error))]
    wrong += [f"I5: recovery could not finish {one.transaction}: {one.error}" for one in found if one.error]
    settled = told if not waiting or told.code == 0 else evolve(told, code=None)
    wrong += broken(machine, promised, settled)
    before = _everything(machine)
    try:
        recover(machine.host())
    except CockpitPmError as error:
        wrong.append(f"I11: the second recovery raised {error}")
    # Where nothing is another thing now, all that may be is what is beside the root, and a lock that was left.
    same = _everything(machine) == before
    wrong += [] if same else ["I11: the second recovery changed something"]
    later = _asked(machine, promised, settled, _always if same else _whole)
    wrong += [f"after the second recovery, {one}" for one in later if one not in wrong]
    wrong += _betrayed(machine, promised, *(str(one) for one in found))
    return done_again(machine, promised, again) if again and not wrong else wrong


def age(machine: MachineSim) -> None:
    """Let an hour pass for what a dead process was writing."""
    for path in temporary(machine):
        found = path.lstat()
        os.utime(path, (found.st_atime - HOUR, found.st_mtime - HOUR), follow_symlinks=False)


def _everything(machine: MachineSim) -> tuple[object, ...]:
    """The root, every process and definition, and what has been started, but not the time."""
    world = machine.world.state()
    return picture(machine.root), {name: part for name, part in world.items() if name != "time"}


def _betrayed(machine: MachineSim, promised: Promise, *more: str) -> list[str]:
    text = "\n".join((*machine.heard, *more))
    return ["I10: recovery told a secret"] if any(secret in text for secret in promised.secrets) else []


def broken(machine: MachineSim, promised: Promise, told: Told = Told(), meanwhile: bool = False) -> list[str]:
    """What is wrong now. `meanwhile`: nothing was recovered yet, so only what holds at any moment is asked for."""
    return _asked(machine, promised, told, _at_any_moment if meanwhile else _whole)


def _asked(machine: MachineSim, promised: Promise, told: Told, ask: Callable[[Seen], Iterator[str]]) -> list[str]:
    try:
        return list(ask(Seen(machine, promised, told)))
    except (CockpitPmError, OSError, LookupError, ValueError, TypeError) as error:
        return [f"I1: it cannot be read: {type(error).__name__}: {error}"]


def done_again(machine: MachineSim, promised: Promise, work: Act) -> list[str]:
    """The second half of I5: where recovery led back, or half of the way, the same command works."""
    now = look(machine)
    if now == promised.after != promised.before or not (promised.apart or now == promised.before):
        return []
    if now.blocked != promised.before.blocked:
        return []  # a build that failed is refused from then on
    known = chronicle(machine)
    anew = evolve(promised, lines=known, ran=ran(machine))
    anew = anew if promised.starts is None else evolve(anew, starts=len(machine.starts()))
    answer = told(lambda: work(machine))
    if answer.code != promised.code:
        return [f"I5: done again, it ended with {answer.code}: {answer.text[-300:]}"]
    return [f"I5: done again, {one}" for one in broken(machine, anew, answer)]


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
    """No receipt ever names bytes that are not there, and no bytes of the store are others than those of their name."""
    layout = seen.machine.host().layout
    for app in generations.folders(layout):
        for number in generations.numbers(layout, app):
            for receipt in generation(layout, app, number).receipts:
                if not layout.blob(receipt.sha256).exists():
                    yield f"I3: generation {number} of {app} names bytes of {receipt.binary} that are not there"
    if found := rotten(seen.machine):
        yield f"I3: {found} of the store do not hold the bytes of their name"


def _told(seen: Seen) -> Iterator[str]:
    """I4 and I5: what was told against what is."""
    code, expected, waiting = seen.told.code, seen.promise.code, unfinished(seen.machine)
    if code == 0 and (seen.now != seen.promise.after or waiting or expected):
        yield f"I4: success was told, but {waiting or difference(seen.now, seen.promise.after)}"
    if code == TRANSACTION and not waiting:
        yield "I5: the journal was to be kept"
    # What the work always tells, or an interruption or a bug that came too late to take anything back.
    late = code in (expected, INTERRUPTED, BUG) and seen.on(seen.promise.after)
    if seen.told.failed and not waiting and not late and not seen.on(seen.promise.before):
        yield f"I5: failure ({code}) was told, but {difference(seen.now, seen.promise.before)}"
    if code == BUG and not seen.promise.bugs:
        yield f"I5: it was told as a bug: {seen.told.text[-300:]}"


def _whole(seen: Seen) -> Iterator[str]:
    """Everything, for a machine that waits for nothing."""
    sides = (seen.promise.before, seen.promise.after)
    if not any(seen.on(side) for side in sides):
        gaps = [difference(seen.now, side) for side in sides]
        yield f"I1: it is neither as it was ({gaps[0]}) nor as it becomes ({gaps[1]})"
    if waiting := unfinished(seen.machine):
        yield f"I7: journals are left: {waiting}"
    yield from _sourced(seen)
    yield from _told(seen)
    yield from _bytes(seen)
    yield from _services(seen)
    yield from _always(seen)
    yield from strays(seen.machine, seen.promise.keep)
    # A mending that is interrupted takes nothing back that works by then, and yet says that it went back.
    done = seen.told.code == 0 or (seen.done and not seen.promise.apart)
    yield from misrecorded(seen.machine, seen.promise.lines, seen.promise.recorded, done)


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
        for receipt in generation(layout, app, generations.number_of(live)).receipts:
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
    promised = seen.promise
    yield from strangers(seen.machine, seen.now.services, promised.orphans)
    if promised.starts is not None:
        later = seen.machine.starts()[promised.starts :]
        done = not promised.apart and (seen.told.code == promised.code == 0 or seen.done)
        yield from restarts(later, promised.made, promised.ran, done)
    if notes := sorted(remarks(seen.machine) - promised.notes):
        yield f"I6: status remarks on {notes}"
