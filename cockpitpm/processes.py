"""The kernel's view of processes, read from /proc, and of the sockets that they listen at.

A process may vanish between two reads, and some files of other users' processes cannot be read: both mean "not
there" and never an error. A zombie executes nothing, so it counts as gone.
"""

from __future__ import annotations

import contextlib
import errno
import os
import struct
import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from attrs import frozen

from cockpitpm.model.process import FileId, Image, ProcessId

_DEAD_STATES = frozenset("ZXx")
_SOCK_DIAG: Final = 4
_WHO_LISTENS: Final = struct.pack("=IHHIIBBHIIIII", 40, 20, 0x301, 1, 0, 1, 0, 0, 1 << 10, 0, 1, 0, 0)
"""A request of sock_diag(7): the sockets AF_UNIX (1) in the state LISTEN (10), with their names."""
_ROW, _DONE, _NAME = 20, 3, 0
_PATIENCE: Final = 0.5
"""Seconds. The kernel answers while it is asked; what only pretends to be one may never do."""


@frozen(kw_only=True)
class Stat:
    """What we use of /proc/PID/stat."""

    pid: int
    state: str
    parent: int
    group: int
    start_ticks: int

    @property
    def alive(self) -> bool:
        """Whether it can still execute anything."""
        return self.state not in _DEAD_STATES


def parse_stat(text: str) -> Stat:
    """Read one line of /proc/PID/stat. The command name may hold spaces and parentheses: only its last one counts."""
    head, _, tail = text.rpartition(")")
    fields = tail.split()
    return Stat(
        pid=int(head.partition(" ")[0]),
        state=fields[0],
        parent=int(fields[1]),
        group=int(fields[2]),
        start_ticks=int(fields[19]),
    )


class LinuxProcesses:
    """The Processes port. `proc` is where procfs is mounted."""

    def __init__(self, proc: Path = Path("/proc")) -> None:
        self._proc = str(proc)
        self._boot_id = ""

    def identify(self, pid: int) -> ProcessId | None:
        """Who has this pid now; None if nobody, or a zombie."""
        stat = self._stat(pid)
        if stat is None or not stat.alive:
            return None
        return ProcessId(boot_id=self._boot(), pid=pid, start_ticks=stat.start_ticks)

    def alive(self, process: ProcessId) -> bool:
        """Whether exactly this process still lives."""
        return self.identify(process.pid) == process

    def tree(self, pid: int) -> tuple[Image, ...]:
        """The process, its descendants, and the rest of the process group that it leads or led."""
        stats = {stat.pid: stat for stat in self._stats()}
        rest = (stat.pid for stat in stats.values() if stat.group == pid)
        found = dict.fromkeys((*_descendants(pid, stats.values()), *rest))
        images = (self._image(stats[member]) for member in found if member in stats)
        return tuple(image for image in images if image is not None)

    def executed(self, files: Collection[FileId]) -> frozenset[FileId]:
        """Which of these files some process of the machine executes right now."""
        wanted = frozenset(files)
        running = (self._file(pid) for pid in self._pids()) if wanted else iter(())
        return frozenset(file for file in running if file in wanted)

    def holders(self, paths: Collection[str]) -> Mapping[str, tuple[int, ...]]:
        """The processes that listen at one path, where several do at sockets of their own."""
        bound = {path: found for path, found in self._listening().items() if path in paths and len(found) > 1}
        owners = self._owners({inode for found in bound.values() for inode in found}) if bound else {}
        held = {p: tuple(sorted({owners[i] for i in found if i in owners})) for p, found in bound.items()}
        return {path: pids for path, pids in held.items() if len(pids) > 1}

    def _listening(self) -> dict[str, tuple[str, ...]]:
        """The inodes of the unix sockets that listen, by the path that they were bound to; none if nobody can tell.

        Not from /proc/net/unix: it prints names as they are, so a name with a line feed in it reads like two sockets.
        """
        found: dict[str, tuple[str, ...]] = {}
        try:
            for inode, path in _listeners():
                found[path] = (*found.get(path, ()), inode)
        except (OSError, struct.error):
            return {}
        return found

    def _owners(self, inodes: Collection[str]) -> dict[str, int]:
        """The oldest process that has each of these sockets, as far as we may look.

        Only of sockets that our own user made: others can bind any name, below a mount of their own.
        """
        wanted = {f"socket:[{inode}]": inode for inode in inodes}
        found: dict[str, int] = {}
        for stat in sorted(self._stats(), key=lambda one: (one.start_ticks, one.pid)):
            for path, name in self._open(stat.pid):
                if name in wanted and wanted[name] not in found and _is_ours(path):
                    found[wanted[name]] = stat.pid
        return found

    def _open(self, pid: int) -> Iterator[tuple[str, str]]:
        """The descriptors of a process and where they lead."""
        with contextlib.suppress(OSError), os.scandir(f"{self._proc}/{pid}/fd") as entries:
            for entry in entries:
                with contextlib.suppress(OSError):
                    yield entry.path, os.readlink(entry.path)  # noqa: PTH115

    def now(self) -> tuple[str, int]:
        """The boot id and the clock ticks since boot; time spent in suspend counts, as it does for start times."""
        seconds = time.clock_gettime(time.CLOCK_BOOTTIME)
        return self._boot(), int(seconds * os.sysconf("SC_CLK_TCK"))

    def _boot(self) -> str:
        if not self._boot_id:
            self._boot_id = Path(self._proc, "sys/kernel/random/boot_id").read_text().strip()
        return self._boot_id

    def _pids(self) -> Iterator[int]:
        names = os.listdir(self._proc)  # noqa: PTH208
        return (int(name) for name in names if name.isdecimal())

    def _stats(self) -> Iterator[Stat]:
        for pid in self._pids():
            stat = self._stat(pid)
            if stat is not None and stat.alive:
                yield stat

    def _read(self, pid: int, name: str) -> bytes:
        """The bytes of one file of a process, empty if the process or the permission is not there."""
        try:
            with open(f"{self._proc}/{pid}/{name}", "rb") as file:  # noqa: PTH123 - half the cost of Path.read_bytes
                return file.read()
        except OSError:
            return b""

    def _stat(self, pid: int) -> Stat | None:
        text = self._read(pid, "stat").decode(errors="replace")
        return parse_stat(text) if text else None

    def _file(self, pid: int) -> FileId | None:
        try:
            found = os.stat(f"{self._proc}/{pid}/exe")  # noqa: PTH116 - follows to a deleted inode too
        except OSError:
            return None
        return FileId(dev=found.st_dev, ino=found.st_ino)

    def _image(self, stat: Stat) -> Image | None:
        file = self._file(stat.pid)
        if file is None:
            return None
        argv = self._read(stat.pid, "cmdline").decode(errors="surrogateescape").removesuffix("\0").split("\0")
        return Image(
            pid=stat.pid,
            start_ticks=stat.start_ticks,
            file=file,
            deleted=self._deleted(stat.pid),
            argv=tuple(argv),
        )

    def _deleted(self, pid: int) -> bool:
        try:
            return os.readlink(f"{self._proc}/{pid}/exe").endswith(" (deleted)")  # noqa: PTH115
        except OSError:
            return True


def _is_ours(path: str) -> bool:
    """Whether our own user made what a descriptor leads to."""
    try:
        return os.stat(path).st_uid == os.geteuid()  # noqa: PTH116
    except OSError:
        return False


def _listeners() -> Iterator[tuple[str, str]]:
    """Inode and path of each unix socket that listens in our network.

    Raises OSError where the kernel cannot be asked or refuses, struct.error for what is no answer.
    """
    import socket  # a look at a machine without unix sockets needs none

    with socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, _SOCK_DIAG) as kernel:
        kernel.settimeout(_PATIENCE)
        kernel.sendto(_WHO_LISTENS, (0, 0))
        while True:
            rest, (sender, _groups) = kernel.recvfrom(1 << 16)
            while rest and not sender:
                length, kind = struct.unpack_from("=IH", rest)
                if kind == _DONE:
                    return
                if kind != _ROW or not 32 <= length <= len(rest):
                    raise OSError(errno.EPROTO, "no answer about sockets")
                if path := _path(rest[32:length]):
                    yield str(struct.unpack_from("=I", rest, 20)[0]), path
                rest = rest[(length + 3) & ~3 :]


def _path(attributes: bytes) -> str:
    """The path among the attributes of a socket; empty if it has none, or an abstract name."""
    while attributes:
        length, kind = struct.unpack_from("=HH", attributes)
        if not 4 <= length <= len(attributes):
            raise OSError(errno.EPROTO, "no attributes of a socket")
        if kind == _NAME:
            return os.fsdecode(attributes[4:length].partition(b"\0")[0])
        attributes = attributes[(length + 3) & ~3 :]
    return ""


def _descendants(pid: int, stats: Iterable[Stat]) -> Iterator[int]:
    """`pid` and everything below it, parents before children, siblings in the order of their start."""
    children: dict[int, list[Stat]] = {}
    for stat in stats:
        children.setdefault(stat.parent, []).append(stat)
    queue = [pid]
    for member in queue:
        yield member
        queue.extend(_pids_by_age(children, member))


def _pids_by_age(children: Mapping[int, list[Stat]], parent: int) -> list[int]:
    found = sorted(children.get(parent, ()), key=lambda stat: (stat.start_ticks, stat.pid))
    return [stat.pid for stat in found if stat.pid != parent]
