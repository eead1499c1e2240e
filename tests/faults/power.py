"""The power cut at a call that changes a file: `python -m tests.faults.power SCENE FOLDER KIND PART PARTS [MUTANT]`.

Started with the library of shim.c preloaded. The file system is shut down without its log being written, the process
is killed, the disk is mounted again, and the machine must come right. The last point is a cut right after the work was
done and told: what was told must be there. MUTANT is the name of a safeguard that is taken out.
"""

from __future__ import annotations

import fcntl
import json
import os
import stat
import struct
import sys
from collections.abc import Callable
from pathlib import Path

from attrs import evolve

from cockpitpm.app.recover import recover
from cockpitpm.errors import CockpitPmError
from tests.faults.oracle import Told, held
from tests.faults.scenes import SCENES
from tests.faults.shim import Strike
from tests.faults.struck import calls, struck
from tests.faults.volume import VolumeSweep
from tests.sim.machine import MachineSim

GOING_DOWN = 0x8004587D
NO_LOG_FLUSH = struct.pack("I", 2)

sync = os.fsync


def no_files(handle: int) -> None:
    """A build that forgets to sync files."""
    if stat.S_ISDIR(os.fstat(handle).st_mode):
        sync(handle)


def no_folders(handle: int) -> None:
    """A build that forgets to sync folders."""
    if not stat.S_ISDIR(os.fstat(handle).st_mode):
        sync(handle)


MUTANTS: dict[str, Callable[[int], None]] = {"no-file-sync": no_files, "no-folder-sync": no_folders}


def cut(folder: Path) -> None:
    """Shut the file system down as it is."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.ioctl(handle, GOING_DOWN, NO_LOG_FLUSH)
    finally:
        os.close(handle)


def wrong(sweep: VolumeSweep, machine: MachineSim, what: Told) -> list[str]:
    """The broken promises after power came back. Who was killed told nothing; who was done before the cut was."""
    try:
        found = recover(machine.host())
    except CockpitPmError as error:
        return [f"I5: recovery raised {error}"]
    stuck = [f"I5: recovery could not finish {one.transaction}: {one.error}" for one in found if one.error]
    return stuck + held(machine, evolve(sweep.promise, starts=None), what)


def main(scene: str, folder: str, kind: str, part: str, parts: str, mutant: str = "") -> None:
    """Cut at every call of this part, and once after the end."""
    sweep = VolumeSweep(Path(folder), SCENES[scene], kind)
    try:
        assert sweep.promise
        last = calls(sweep)
        os.fsync = MUTANTS.get(mutant, sync)
        for number in [*range(1 + int(part), last + 1, int(parts)), last + 1]:
            machine, what = powerless(sweep, number)
            at = f"{scene} on {kind}, call {number} of {last}" if number <= last else f"{scene} on {kind}, told"
            print(json.dumps({"at": at, "wrong": wrong(sweep, machine, what)}), flush=True)
    finally:
        os.fsync = sync
        sweep.close()


def powerless(sweep: VolumeSweep, number: int) -> tuple[MachineSim, Told]:
    """The machine with power again after it was cut at a call, and what the work had told by then."""
    what = struck(sweep, number, Strike.CUT)[1]
    if what.code is not None:
        cut(sweep.volume.at)
    return sweep.after_a_cut(), what


if __name__ == "__main__":
    os.umask(0o022)
    main(*sys.argv[1:])
