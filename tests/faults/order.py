"""The order in which a verb writes: `python -m tests.faults.order SCENE FOLDER [MUTANT]`, started with the shim.

A file system may write names down sooner than it must, and mostly does; so a power cut seldom shows that a sync was
forgotten. The order of the calls shows it always. Bytes are synced before they get their name. A name is synced, by a
sync of its folder, before the journal tells of what comes after it, and before the verb ends.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePath

from tests.faults.power import MUTANTS, sync
from tests.faults.scenes import SCENES
from tests.faults.struck import calls
from tests.faults.sweep import Sweep

WRITES = {"write", "pwrite", "pwrite64", "copy_file_range", "sendfile64", "ftruncate64", "posix_fallocate64"}
NAMES = {"rename", "renameat", "link", "linkat", "symlink", "symlinkat", "mkdir", "mkdirat"}
REMOVES = {"unlink", "unlinkat", "rmdir"}
SYNCS = {"fsync", "fdatasync"}

LASTING = re.compile(r"bin/[^.].*|.*/current|.*\.journal")
"""Names whose removal is told; what else goes is rubbish, and swept away later if it comes back."""


def disordered(made: Iterable[str]) -> Iterator[str]:
    """What could be lost though it was told, by the calls that were made (lines of the shim's trace)."""
    loose: set[str] = set()
    names: set[str] = set()
    for line in made:
        call, _, place = line.partition(" ")
        path, _, old = place.partition("\t")
        if call in WRITES:
            if call.startswith("pwrite") and path.endswith(".journal"):
                yield from (
                    f"the journal goes on before {name} is synced" for name in sorted({*names, *loose & {path}})
                )
                names.clear()
            loose.add(path)
        elif call in SYNCS:
            loose.discard(path)
            names = {name for name in names if _folder(name) != path}
        elif call in NAMES:
            if old in loose:
                yield f"{path} gets its name before its bytes are synced"
            names.discard(old)
            names.add(path)
        elif call in REMOVES:
            loose.discard(path)
            names.discard(path)
            if LASTING.fullmatch(path):
                names.add(path)
    yield from (f"{name} is not synced at the end" for name in sorted(names))
    if told := sorted(path for path in loose if path.endswith((".journal", ".jsonl", ".json"))):
        yield f"the bytes of {told} are not synced at the end"


def named(made: Iterable[str]) -> list[str]:
    """The calls that give a name."""
    return [line for line in made if line.partition(" ")[0] in NAMES]


def _folder(path: str) -> str:
    return str(PurePath(path).parent)


def main(scene: str, folder: str, mutant: str = "") -> None:
    """Tell the calls of one undisturbed run."""
    sweep = Sweep(Path(folder), SCENES[scene])
    os.fsync = MUTANTS.get(mutant, sync)
    print(json.dumps({"calls": calls(sweep)}))


if __name__ == "__main__":
    os.umask(0o022)
    main(*sys.argv[1:])
