"""Processes and files as the kernel names them; a pid alone names nothing, it is used again."""

from __future__ import annotations

from attrs import frozen


@frozen(kw_only=True)
class ProcessId:
    """One process for ever: boot id, pid and start time in clock ticks since boot (field 22 of /proc/pid/stat)."""

    boot_id: str
    pid: int
    start_ticks: int


@frozen(kw_only=True)
class FileId:
    """One file content holder: device and inode numbers."""

    dev: int
    ino: int


@frozen(kw_only=True)
class Image:
    """What one process of a tree executes. `deleted` says that no name leads to the file any more."""

    pid: int
    start_ticks: int
    file: FileId
    deleted: bool
    argv: tuple[str, ...]


@frozen(kw_only=True)
class FileStamp:
    """What stat says of a file. A different stamp asks for a new hash, an equal one does not.

    Without the time of the last inode change: that moves when another name of the file goes.
    """

    dev: int
    ino: int
    size: int
    mtime_ns: int

    @property
    def id(self) -> FileId:
        """The inode behind the stamp."""
        return FileId(dev=self.dev, ino=self.ino)
