"""A sweep over the calls that change files: `python -m tests.faults.struck SCENE FOLDER STRIKE CODES PART PARTS …`.

Started with the library of shim.c preloaded; tells a line of JSON for each point. CODES are names of errors, such as
`ENOSPC,EIO`, or `-` where none is needed. MUTANT is a build of ours that takes two steps where one is promised.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import sys
from pathlib import Path
from typing import Any

from tests.faults.lines import in_child
from tests.faults.oracle import Told
from tests.faults.scenes import SCENES, told
from tests.faults.shim import Strike, armed
from tests.faults.sweep import Sweep
from tests.sim.machine import MachineSim

DIED = {-9}


def struck(sweep: Sweep, number: int, strike: Strike, code: int = 0) -> tuple[MachineSim, Told, int]:
    """The machine after the work was struck at a call, what it told, and how many calls it made (0 if it died)."""
    machine = sweep.machine()

    def work() -> Any:
        return armed(lambda: told(lambda: sweep.scene.work(machine)), machine.root, number, strike, code)

    status, answer = in_child(work)
    if status == 0:
        return machine, answer[0], answer[1]
    if status not in DIED:
        raise SystemExit(f"the work ended with {status} at call {number}")
    return machine, Told(), 0


def calls(sweep: Sweep) -> int:
    """How many calls the work makes if nobody strikes it."""
    return struck(sweep, 0, Strike.COUNT)[2]


def judged(sweep: Sweep, machine: MachineSim, what: Told) -> list[str]:
    """The broken promises; what is told as a bug of ours is one of them."""
    wrong = sweep.wrong(machine, what)
    return [*wrong, f"it was told as a bug: {what.text[-300:]}"] if what.code == 1 else wrong


def in_two_steps(old: str, new: str, *, src_dir_fd: int | None = None, dst_dir_fd: int | None = None) -> None:
    """A rename that first takes away what had the name."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(new, dir_fd=dst_dir_fd)
    os.rename(old, new, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd)


def main(scene: str, folder: str, strike: str, codes: str, part: str, parts: str, mutant: str = "") -> None:
    """Strike every call of this part with every code."""
    if mutant == "no-atomic-rename":
        os.replace = in_two_steps  # type: ignore[assignment]
    kind, numbers = Strike[strike], [0] if codes == "-" else [getattr(errno, name) for name in codes.split(",")]
    sweep = Sweep(Path(folder), SCENES[scene])
    assert sweep.promise
    last = calls(sweep)
    turn = 0
    for number in range(1, last + 1):
        for code in numbers:
            turn += 1
            if turn % int(parts) != int(part):
                continue
            machine, what, _ = struck(sweep, number, kind, code)
            at = f"{scene}, call {number} of {last}" + (f", {errno.errorcode[code]}" if code else "")
            print(json.dumps({"at": at, "wrong": judged(sweep, machine, what)}), flush=True)


if __name__ == "__main__":
    os.umask(0o022)
    main(*sys.argv[1:])
