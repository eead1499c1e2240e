"""What must not be left on disk: journals, locks, half-written files, bytes that nobody names, secrets."""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Iterator
from pathlib import Path

from cockpitpm.record import generations, journal, schedule
from tests.faults.look import TRANSACTION, generation, sha256_of
from tests.sim.machine import MachineSim

APP = r"[a-z][a-z0-9_]*"
DIGEST = r"[0-9a-f]{64}"
KNOWN = re.compile(
    rf"""
    bin(/(?!\.)[^/]+)?
  | cfg(/cockpitpm(/machine\.yaml|/secrets(/[a-z0-9_-]+(/[A-Z0-9_]+)?)?)?)?
  | var(/cockpitpm(/lock|/root|/history\.jsonl|/journal|/incoming|/unpacked|/crashes)?)?
  | var/cockpitpm/store(/{DIGEST})?
  | var/cockpitpm/plans(/{DIGEST}\.json)?
  | var/cockpitpm/jobs(/\.lock|/\d+(/job\.json|/result\.json|/events\.jsonl)?)?
  | var/cockpitpm/schedule(/\.lock|/attempts\.json|/incoming|/ahead(/{APP}\.json)?)?
  | var/cockpitpm/aside(/{TRANSACTION}-{APP})?
  | var/cockpitpm/state(/{APP}\.json)?
  | var/cockpitpm/apps(/{APP}(/\d+\.json|/current|/live(/\d+\.{TRANSACTION}(/{APP})?)?)?)?
    """,
    re.VERBOSE,
)
"""Every path of a root that waits for nothing, relative to it: no file that never got its name is among them."""
LOCKS = ("lock", "jobs/.lock", "schedule/.lock")


def unfinished(machine: MachineSim) -> list[str]:
    """The journals that are there."""
    return [path.name for path in journal.unfinished(machine.host().layout.journal)]


def temporary(machine: MachineSim) -> list[Path]:
    """Files and links that a dead process was about to give their name, and downloads that it had begun."""
    layout = machine.host().layout
    ahead = schedule.incoming(layout).glob("*")
    return [*(p for p in layout.root.rglob(".*.new")), *ahead]


def strays(machine: MachineSim, keep: int) -> Iterator[str]:
    """What a machine that waits for nothing has no use for."""
    layout = machine.host().layout
    for path in sorted(layout.root.rglob("*")):
        if not KNOWN.fullmatch(str(path.relative_to(layout.root))):
            yield f"I7: nobody knows {path.relative_to(layout.root)}"
    installed = generations.apps(layout)
    if left := [p.name for p in layout.apps.glob("*") if p.name not in installed]:
        yield f"I7: the folders of {left} are left"
    if left := [p.stem for p in layout.state.glob("*.json") if p.stem not in installed]:
        yield f"I7: the state of {left} is left"
    images = [i for p in machine.world.state()["processes"].values() for i in p["images"]]
    executed = {(i["dev"], i["ino"]) for i in images} - {_id(p) for p in layout.bin.glob("*") if p.exists()}
    named = set()
    for app in installed:
        live = generations.current_live(layout, app)
        numbers = generations.numbers(layout, app)
        if not 0 < len(numbers) <= keep:
            yield f"I7: {app} has {len(numbers)} generations"
        named |= {r.sha256 for n in numbers for r in generation(layout, app, n).receipts}
        for folder in generations.lives(layout, app):
            if folder.name != live and not any(_id(path) in executed for path in folder.glob("*")):
                yield f"I7: the live folder {folder.name} of {app} is left"
    stored = {p.name for p in layout.store.glob("*")} - set(schedule.named_ahead(layout, installed))
    if stored != named:
        yield f"I7: {len(stored - named)} files of the store have no name, {len(named - stored)} are missing"


def rotten(machine: MachineSim) -> list[str]:
    """The files of the store that do not hold the bytes of their name."""
    return [path.name[:12] for path in machine.host().layout.store.glob("*") if sha256_of(path) != path.name]


def _id(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_dev, found.st_ino


def lock_held(machine: MachineSim) -> str:
    """The lock that cannot be taken, if one cannot."""
    layout = machine.host().layout
    for path in (layout.var / name for name in LOCKS):
        if path.exists():
            handle = os.open(path, os.O_RDWR | os.O_CLOEXEC)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return str(path.relative_to(layout.root))
            finally:
                os.close(handle)
    return ""


def leaks(machine: MachineSim, secrets: tuple[str, ...]) -> list[str]:
    """The files of the root, but for the secret store and the supervisor's own folder, that hold a secret."""
    if not secrets:
        return []
    layout = machine.host().layout
    allowed = (layout.settings.with_name("secrets"), layout.supervisor)
    files = (p for p in layout.root.rglob("*") if p.is_file() and not any(p.is_relative_to(a) for a in allowed))
    return [str(p.relative_to(layout.root)) for p in files if any(s.encode() in p.read_bytes() for s in secrets)]
