"""Packed programs are unpacked before anything is stopped, and their old folders deleted when nobody runs from them.

A packed program unpacks itself when it is first started. So it is started once, for its version, as soon as its bytes
are in place for the flip: the new build alone knows where and how it unpacks, a full disk or a Python that it was not
packed for ends the upgrade while the old build still runs, and the real start finds everything there.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from cockpitpm import beneath, unpacked
from cockpitpm.act.machine import Machine
from cockpitpm.errors import ProbeError, StoreError
from cockpitpm.model.receipt import Generation
from cockpitpm.model.service import PATH
from cockpitpm.record import generations
from cockpitpm.record.durable import disk
from cockpitpm.record.layout import Layout

PATIENCE = 120.0
"""Seconds that a program may take to unpack itself and say its version."""


def unpack(machine: Machine, generation: Generation, live: str) -> None:
    """Have the packed programs of a live folder unpack themselves; each content once.

    Raises ProbeError for one that does not start at all, StoreError.
    """
    for path in packed(machine.layout, generation, live):
        machine.reporter.step(generation.app, f"unpacking {path.name}")
        _start_once(path, _environment(machine.layout))


def packed(layout: Layout, generation: Generation, live: str) -> Iterator[Path]:
    """The packed programs of a live folder, one of each content."""
    for name in {r.sha256: r.binary for r in generation.receipts}.values():
        path = layout.copy(generation.app, live, name)
        if _says(path):
            yield path


def _says(path: Path) -> dict[str, Any] | None:
    with disk("read"), beneath.reading(path) as source:
        return unpacked.says(source)


def _environment(layout: Layout) -> Mapping[str, str]:
    """What the supervisor would give it too; nothing of whoever asked for the upgrade."""
    return {"PATH": PATH, "PATH_ROOT": str(layout.root), "LANG": "C.UTF-8"}


def _start_once(path: Path, environment: Mapping[str, str]) -> None:
    """Have it say its version, for which it must be unpacked."""
    why, full = _why_not(path, environment)
    if why and full:
        raise StoreError(f"{path.name} {why}", "Free some space there and run the command again; nothing was stopped")
    if why:
        hint = "Mend the build or the machine and run the command again; nothing was stopped"
        raise ProbeError(f"{path.name} does not start on this machine: {why}", hint)


def _why_not(path: Path, environment: Mapping[str, str]) -> tuple[str, bool]:
    """Why it does not answer, empty if it does; and whether it is for the disk."""
    try:
        done = subprocess.run(
            [str(path), "--version"],
            cwd="/",
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            timeout=PATIENCE,
            check=False,
        )
    except OSError as error:
        return os.strerror(error.errno or 0), False
    except subprocess.TimeoutExpired:
        return f"it did not say its version within {PATIENCE:g} s", False
    if done.returncode == 0:
        return "", False
    said = done.stderr.decode(errors="replace").strip().splitlines()
    why = said[-1].removeprefix(f"{path.name}: ")[:200] if said else f"it ended with status {done.returncode}"
    return why, done.returncode == unpacked.NO_ROOM


def drop_unused(machine: Machine, app: str) -> None:
    """After a change of an app with packed programs: delete what nobody runs from and its build does not need.

    To be called before its old live folders go. What cannot be deleted is only told.
    """
    layout = machine.layout
    try:
        with disk("clean the unpacked programs"):
            if not beneath.is_folder(layout.unpacked):
                return
            found = {folder.name: _ids(folder) for folder in generations.lives(layout, app)}
            if any(found.values()):
                keep = found.get(generations.current_live(layout, app), set())
                unpacked.drop_unused(str(layout.unpacked), keep)
    except StoreError as error:
        machine.reporter.warning("", f"Old unpacked programs stay: {error.message}")


def _ids(live: Path) -> set[str]:
    paths = (live / name for name in beneath.names(live))
    found = (_says(path) for path in paths if beneath.is_file(path))
    return {says["id"] for says in found if says}
