"""What a disk got, write by write, and what it may hold after a power cut: some of it.

The log is that of dm-log-writes: a sector that says where and how long, then the data. What was written before a flush
is on the disk when the flush is done; of what came after it, any part may be.
"""

from __future__ import annotations

import random
import shutil
import struct
from collections.abc import Iterable, Iterator
from pathlib import Path

from attrs import field, frozen

from tests.faults.device import SECTOR

MAGIC = 0x6A736677736872
FLUSH, FUA, DISCARD = 1, 2, 4
_ENTRY = struct.Struct("<QQQQ")


@frozen
class Write:
    """One entry: where (bytes), what, and whether it flushes what was written before it. A discard has no data.

    `logged` is how long the log was with it, in bytes.
    """

    number: int
    at: int
    data: bytes = field(repr=False)
    flushes: bool
    lasting: bool
    logged: int


def read_log(log: Path) -> tuple[Write, ...]:
    """Every entry of a log, in order."""
    data = log.read_bytes()
    magic, _version, _count, sector = struct.unpack_from("<QQQI", data)
    if magic != MAGIC or sector != SECTOR:
        raise ValueError(f"{log} is no log of writes")
    return tuple(_entries(data))


def _entries(data: bytes) -> Iterator[Write]:
    at = SECTOR
    number = 0
    while at + SECTOR <= len(data):
        sector, sectors, flags, _length = _ENTRY.unpack_from(data, at)
        if not (sectors or flags):
            return
        at += SECTOR
        size = 0 if flags & DISCARD else sectors * SECTOR
        number += 1
        held = data[at : at + size]
        at += size
        yield Write(number, sector * SECTOR, held, bool(flags & FLUSH), bool(flags & FUA), at)


@frozen
class Cut:
    """What may be on the disk after a power cut that came when `end` writes had been made."""

    name: str
    end: int
    writes: list[Write] = field(repr=False)


def cuts(writes: tuple[Write, ...], prefixes: int, subsets: int, seed: int) -> Iterator[Cut]:
    """So many prefixes at most, evenly over the log, and so many random subsets."""
    step = max(1, -(-len(writes) // prefixes))
    for end in range(0, len(writes) + 1, step):
        yield Cut(f"prefix {end} of {len(writes)}", end, list(writes[:end]))
    chance = random.Random(seed)
    for turn in range(subsets):
        end = chance.randint(1, len(writes))
        sure = flushed(writes[:end])
        loose = [write for write in writes[len(sure) : end] if write.data]
        kept = [write for write in loose if write.lasting or chance.random() < 0.5]
        name = f"subset {turn} of seed {seed}: {len(kept)} of {len(loose)} after write {len(sure)}"
        yield Cut(name, end, [*sure, *kept])


def flushed(writes: tuple[Write, ...]) -> list[Write]:
    """What is on the disk for certain: all up to the last flush."""
    last = max((n for n, write in enumerate(writes, 1) if write.flushes), default=0)
    return list(writes[:last])


def disk(start: Path, writes: Iterable[Write], made: Path) -> None:
    """The image `made`: the one it began with, and these writes."""
    shutil.copyfile(start, made)
    with made.open("r+b") as file:
        for write in writes:
            file.seek(write.at)
            file.write(write.data)
