"""A sweep over the calls that change files: `python -m tests.faults.struck SCENE FOLDER STRIKE CODES PART PARTS …`.

Started with the library of shim.c preloaded; tells a line of JSON for each point. CODES are names of errors or numbers,
such as `ENOSPC,EIO`, or `-` where none is needed. MUTANT is a build of ours that takes two steps where one is promised.
"""

from __future__ import annotations

import contextlib
import errno
import itertools
import json
import math
import os
import sys
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from attrs import frozen

from tests.faults.lines import in_child
from tests.faults.oracle import Told
from tests.faults.scenes import SCENES, played
from tests.faults.shim import Blow, Strike, armed
from tests.faults.sweep import Sweep
from tests.sim.machine import MachineSim

DIED = {-9}
AGAIN = 5
"""At one of so many points the work is done again, where it is not done yet: it must succeed."""


@frozen
class Struck:
    """The machine after the work was struck, what the work told, the calls that it made ("unlinkat bin/x", the last
    one struck if it died), and whether the blow fell."""

    machine: MachineSim
    told: Told
    calls: tuple[str, ...]
    fell: bool


def struck(sweep: Sweep, blow: Blow) -> Struck:
    """Do the work of the scene on a fresh machine, and strike it."""
    machine = sweep.machine()
    with tempfile.TemporaryFile("a+") as trace:
        work = partial(played, sweep.scene, machine)
        status, answer = in_child(partial(armed, work, machine.root, blow, trace.fileno()))
        trace.seek(0)
        made = tuple(trace.read().splitlines())
    if status == 0:
        return Struck(machine, answer[0], made, answer[1] > 0)
    if status not in DIED:
        raise SystemExit(f"the work ended with {status} at call {blow.number}")
    return Struck(machine, Told(), made, fell=True)


def calls(sweep: Sweep, strike: Strike = Strike.COUNT) -> tuple[str, ...]:
    """The calls that count for this strike, if nobody is struck."""
    return struck(sweep, Blow(strike)).calls


def blows(strike: Strike, last: int, codes: list[int], part: int, parts: int) -> Iterator[Blow]:
    """This part of all pairs of a call and an error. If the number of parts has no divisor in common with that of the
    errors, each error has its turn as often as any other."""
    assert math.gcd(parts, len(codes)) == 1, f"with one of {parts}, some of {len(codes)} errors would never be"
    pairs = itertools.product(range(1, last + 1), codes)
    return (Blow(strike, number, code) for number, code in itertools.islice(pairs, part, None, parts))


def in_two_steps(old: str, new: str, *, src_dir_fd: int | None = None, dst_dir_fd: int | None = None) -> None:
    """A rename that first takes away what had the name."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(new, dir_fd=dst_dir_fd)
    os.rename(old, new, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd)


def _number(word: str) -> int:
    return 0 if word == "-" else int(word) if word.isdigit() else int(getattr(errno, word))


def main(scene: str, folder: str, strike: str, codes: str, part: str, parts: str, mutant: str = "") -> None:
    """Strike every call of this part with every code."""
    if mutant == "no-atomic-rename":
        os.replace = in_two_steps  # type: ignore[assignment]
    kind, numbers = Strike[strike], [_number(word) for word in codes.split(",")]
    sweep = Sweep(Path(folder), SCENES[scene])
    last = len(calls(sweep, kind))
    for turn, blow in enumerate(blows(kind, last, numbers, int(part), int(parts))):
        hit = struck(sweep, blow)
        call = hit.calls[blow.number - 1] if hit.fell else "none"
        code = "" if codes == "-" else codes.split(",")[numbers.index(blow.code)]
        at = f"{scene}, call {blow.number} of {last}, {call} {code}"
        wrong = sweep.wrong(hit.machine, hit.told, again=turn % AGAIN == AGAIN - 1)
        facts = {"number": blow.number, "code": code, "told": hit.told.code, "fell": hit.fell}
        print(json.dumps({"at": at, "wrong": wrong, **facts}), flush=True)


if __name__ == "__main__":
    os.umask(0o022)
    main(*sys.argv[1:])
