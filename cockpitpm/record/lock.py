"""The lock of one root: flock decides, the text in the file only names the holder.

The file is never deleted: two processes would lock two files of one name. The descriptor is not inherited, so a
supervisor or a daemon that we start cannot keep a machine locked.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from attrs import frozen

from cockpitpm import beneath
from cockpitpm.errors import LockedError
from cockpitpm.model.process import ProcessId
from cockpitpm.record.durable import disk, make_folder


@frozen(kw_only=True)
class Holder:
    """Who wrote into the lock file last, and what they were doing."""

    pid: int
    start_ticks: int
    boot_id: str
    command: str
    since: str

    @property
    def process(self) -> ProcessId:
        """The holder as the kernel names it."""
        return ProcessId(boot_id=self.boot_id, pid=self.pid, start_ticks=self.start_ticks)


@contextmanager
def locked(path: Path, me: Holder) -> Iterator[Holder | None]:
    """Hold the lock. Gives the holder that died without letting go of it, if one did.

    Raises LockedError at once if somebody else holds it, naming them.
    """
    with disk("open the lock"):
        make_folder(path.parent)
        handle = beneath.open_file(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise _refusal(path, holder(path)) from None
        dead = holder(path)
        _write(handle, _text(me))
        try:
            yield dead
        finally:
            # Only a process that died leaves its name here.
            _write(handle, b"")
    finally:
        os.close(handle)


def holder(path: Path) -> Holder | None:
    """Whom the lock file names; None if it names nobody (let go of, never taken, or not readable)."""
    try:
        tree: Any = json.loads(beneath.read(path))
        return Holder(**{name: tree[name] for name in ("pid", "start_ticks", "boot_id", "command", "since")})
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _refusal(path: Path, other: Holder | None) -> LockedError:
    who = f"process {other.pid} ({other.command}, since {other.since})" if other else "another process"
    return LockedError(f"The machine is being changed by {who}", f"Wait for it to end; the lock is {path}")


def _text(me: Holder) -> bytes:
    names = ("pid", "start_ticks", "boot_id", "command", "since")
    return json.dumps({name: getattr(me, name) for name in names}).encode()


def _write(handle: int, data: bytes) -> None:
    """The text only names the holder: a full disk must not keep anybody from stopping a service."""
    with contextlib.suppress(OSError):
        os.ftruncate(handle, 0)
        os.pwrite(handle, data, 0)
