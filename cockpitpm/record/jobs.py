"""Jobs on disk, one folder each: what was ordered, how it stands, what it told, how it ended.

A job belongs to the process that carries it out; everybody else reads. So a server may die and come back in the middle
of one and misses nothing. The journal, not this, is what a machine is made right from.
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

from cockpitpm import beneath
from cockpitpm.errors import StoreError
from cockpitpm.model.codec import Malformed, decode, encode
from cockpitpm.model.job import Job, JobEvent
from cockpitpm.record import documents
from cockpitpm.record.durable import disk, make_folder, replace_file, write_all
from cockpitpm.record.layout import Layout

KEPT = 50
"""Ended jobs that stay."""


@contextmanager
def ordering(layout: Layout) -> Iterator[None]:
    """Hold the list of jobs still: two orders at once become one after the other. Never held for long."""
    with disk("open the list of jobs"):
        make_folder(layout.jobs)
        handle = beneath.open_file(layout.jobs / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def numbers(layout: Layout) -> tuple[int, ...]:
    """The numbers of the jobs that are there, oldest first."""
    with disk("list the jobs"):
        return tuple(sorted(int(name) for name in beneath.names(layout.jobs) if name.isdecimal()))


def read(layout: Layout, number: int) -> Job:
    """One job. Raises StoreError if there is none of this number or its file was changed."""
    return documents.read(layout.job(number) / "job.json", Job)


def readable(layout: Layout) -> tuple[Job, ...]:
    """Every job that can be read, oldest first; a damaged one hides nothing but itself."""
    found = []
    for number in numbers(layout):
        with contextlib.suppress(StoreError):
            found.append(read(layout, number))
    return tuple(found)


def write(layout: Layout, job: Job) -> None:
    """Write how a job stands, durably. The folder of all jobs is touched, so that who watches it sees the change."""
    documents.write(layout.job(job.id) / "job.json", job)
    with contextlib.suppress(OSError):
        beneath.touch(layout.jobs)


def prune(layout: Layout, keep: int = KEPT) -> None:
    """Forget the oldest jobs that have ended, beyond so many."""
    ended = [job for job in readable(layout) if job.state.ended]
    with disk("forget old jobs"):
        for job in ended[: max(0, len(ended) - keep)]:
            beneath.erase(layout.job(job.id))


def append(layout: Layout, number: int, events: list[JobEvent]) -> None:
    """Add lines to what a job has told. Not synced: after a power cut the journal tells, not this."""
    data = b"".join(json.dumps(encode(e), separators=(",", ":")).encode() + b"\n" for e in events)
    with disk("tell of a job"):
        handle = beneath.open_file(layout.job(number) / "events.jsonl", os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            # A line that was cut short, by a full disk or a kill, must not take the next one with it.
            end = os.fstat(handle).st_size
            torn = end > 0 and os.pread(handle, 1, end - 1) != b"\n"
            write_all(handle, b"\n" + data if torn else data)
        finally:
            os.close(handle)


def events(layout: Layout, number: int, after: int = 0) -> tuple[JobEvent, ...]:
    """What a job has told since its event `after`, as far as it is whole."""
    path = layout.job(number) / "events.jsonl"
    with disk("read a job"):
        data = beneath.read(path) if beneath.seen(path) else b""
    found = []
    for line in data.split(b"\n")[:-1]:
        with contextlib.suppress(ValueError, Malformed):
            event = decode(JobEvent, json.loads(line))
            if event.n > after:
                found.append(event)
    return tuple(found)


def write_result(layout: Layout, number: int, tree: Any) -> None:
    """Keep the result: what the same command prints with `--json`."""
    with disk("write a result"):
        replace_file(layout.job(number) / "result.json", json.dumps(tree).encode())


def result(layout: Layout, number: int) -> Any | None:
    """The result of a job; None as long as there is none."""
    path: Path = layout.job(number) / "result.json"
    try:
        return json.loads(beneath.read(path))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise StoreError(
            f"Cannot read {path}: {error}", "See `cockpitpm history`: it says how the job ended"
        ) from error
