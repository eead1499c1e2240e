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

from tests.faults.scenes import SCENES
from tests.faults.shim import Blow, Strike
from tests.faults.struck import AGAIN, Struck, calls, struck
from tests.faults.volume import VolumeSweep

GOING_DOWN = 0x8004587D
NO_LOG_FLUSH = struct.pack("I", 2)

AFTER = 0
"""The number of the cut after the end."""
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


def main(scene: str, folder: str, kind: str, part: str, parts: str, mutant: str = "") -> None:
    """Cut at every call of this part, and once after the end."""
    sweep = VolumeSweep(Path(folder), SCENES[scene], kind)
    try:
        os.fsync = MUTANTS.get(mutant, sync)
        last = len(calls(sweep))
        for turn, number in enumerate([*range(1 + int(part), last + 1, int(parts)), AFTER]):
            hit = powerless(sweep, number)
            call = f"call {number} of {last}, {hit.calls[-1]}" if number else "told"
            found = sweep.wrong(hit.machine, hit.told, again=turn % AGAIN == AGAIN - 1)
            fell = hit.fell or number == AFTER
            print(json.dumps({"at": f"{scene} on {kind}, {call}", "wrong": found, "fell": fell}), flush=True)
    finally:
        os.fsync = sync
        sweep.close()


def powerless(sweep: VolumeSweep, number: int) -> Struck:
    """The work cut at a call, or after its end, and the machine with power again."""
    hit = struck(sweep, Blow(Strike.CUT, number))
    if not hit.fell:
        cut(sweep.volume.at)
    return evolve(hit, machine=sweep.after_a_cut())


if __name__ == "__main__":
    os.umask(0o022)
    main(*sys.argv[1:])
