"""Downloads: several at once, hashed while they are written, never whole in memory."""

from __future__ import annotations

import os
import shutil
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from pathlib import Path
from threading import Event

from cockpitpm.act.machine import Machine
from cockpitpm.errors import CockpitPmError, StoreError
from cockpitpm.model.bundle import Repo
from cockpitpm.model.plan import Fetch, FileKind, Staged
from cockpitpm.model.release import Asset
from cockpitpm.record.durable import disk, make_folder
from cockpitpm.record.store import Incoming, Stored, begins_with

AT_ONCE = 4
SPARE = 16 * 1024 * 1024
"""Bytes left free beside what a download needs, so that journals and logs still fit."""


class _Cancelled(CockpitPmError):
    """Another download of the same app failed."""


def fetch_all(machine: Machine, app: str, repo: Repo, fetches: tuple[Fetch, ...]) -> dict[str, Staged]:
    """Download the first candidate of each fetch into the store. Gives what arrived, by binary.

    Raises the first error (ForgeError, StoreError); the other downloads are stopped, and nothing of them is left.
    """
    _check_space(machine, fetches)
    stop = Event()
    pool = ThreadPoolExecutor(max_workers=AT_ONCE, thread_name_prefix="fetch")
    try:
        jobs = {pool.submit(_fetch, machine, app, repo, f, stop): f.binary for f in fetches}
        wait(jobs, return_when=FIRST_EXCEPTION)
    finally:
        stop.set()
        pool.shutdown(wait=True, cancel_futures=True)
    errors = [e for job in jobs if not job.cancelled() and (e := job.exception())]
    for error in sorted(errors, key=lambda e: isinstance(e, _Cancelled)):
        raise error
    return {binary: job.result() for job, binary in jobs.items()}


def _fetch(machine: Machine, app: str, repo: Repo, fetch: Fetch, stop: Event) -> Staged:
    asset = fetch.candidates[0]
    begun = machine.clock.monotonic()
    machine.reporter.fetch_started(app, asset.name, asset.size)
    with Incoming(machine.layout.incoming / f"{app}-{fetch.binary}", asset.size) as incoming:

        def sink(piece: bytes | memoryview) -> None:
            if stop.is_set():
                raise _Cancelled(f"The download of {asset.name} was stopped")
            incoming.write(piece)
            machine.reporter.fetch_moved(app, asset.name, incoming.done)

        machine.forge(repo).fetch(asset, sink)
        stored = incoming.keep(machine.layout.store)
    machine.reporter.fetch_finished(app, asset.name, machine.clock.monotonic() - begun)
    return _staged(machine, asset, stored)


def _staged(machine: Machine, asset: Asset, stored: Stored) -> Staged:
    kind, problem = inspect(machine.layout.blob(stored.sha256))
    return Staged(asset=asset, sha256=stored.sha256, md5=stored.md5, kind=kind, problem=problem)


def inspect(blob: Path) -> tuple[FileKind, str]:
    """What the kernel can do with these bytes, and why it cannot run them here (empty if nothing says so)."""
    head = begins_with(blob)
    if head.startswith(b"\x7fELF"):
        return FileKind.ELF, ""
    if not head.startswith(b"#!"):
        return FileKind.OTHER, ""
    words = head[2:].partition(b"\n")[0].split()
    interpreter = os.fsdecode(words[0]) if words else ""
    if not interpreter.startswith("/") or not os.access(interpreter, os.X_OK):
        return FileKind.SCRIPT, f"its interpreter {interpreter or '(none)'} does not exist on this machine"
    return FileKind.SCRIPT, ""


def _check_space(machine: Machine, fetches: tuple[Fetch, ...]) -> None:
    """A download is kept once in the store and once as the copy that runs."""
    need = 2 * sum(f.candidates[0].size for f in fetches)
    with disk("look at"):
        make_folder(machine.layout.var)
        free = shutil.disk_usage(machine.layout.var).free
    if fetches and need + SPARE > free:
        message = f"{machine.layout.var} has {_mb(free)} free, this needs {_mb(need + SPARE)}"
        raise StoreError(message, "Free some space there and run the command again; nothing was changed")


def _mb(size: int) -> str:
    return f"{size / 1e6:.1f} MB"
