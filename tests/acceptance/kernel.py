"""What the kernel says runs, and what is on disk: read here, so that no test takes our own word for it."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path

from attrs import frozen


@frozen
class Program:
    """A process below a root: the file it executes, whose path may lead nowhere any more."""

    pid: int
    inode: tuple[int, int]
    sha256: str
    words: tuple[str, ...]


def programs(root: Path, word: str) -> dict[int, Program]:
    """Every process of the root whose command line holds `word`."""
    return {p.pid: p for p in _all(root) if any(word in w for w in p.words)}


def _all(root: Path) -> Iterator[Program]:
    for pid in (int(name) for name in os.listdir("/proc") if name.isdigit()):
        try:
            words = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")[:-1]
            if pid != os.getpid() and any(str(root) + "/" in w for w in words):
                data, found = Path(f"/proc/{pid}/exe").read_bytes(), os.stat(f"/proc/{pid}/exe")
                yield Program(pid, (found.st_dev, found.st_ino), hashlib.sha256(data).hexdigest(), tuple(words))
        except OSError:  # it ended meanwhile
            continue


def inode(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_dev, found.st_ino


READ = ("observation", "silence", "unready", "unfit", "seal")
"""What is remembered of a channel: that it was read, or did not answer, changes nothing on the machine."""


def _state(path: Path) -> str:
    try:
        tree = json.loads(path.read_bytes())
        return repr({key: value for key, value in tree.items() if key not in READ})
    except (ValueError, AttributeError):
        return repr(path.read_bytes())


def picture(root: Path) -> dict[str, str]:
    """Everything on disk but logs, sockets and the lock, whose text only names its last holder."""
    found = {}
    for path in sorted(root.rglob("*")):
        if (
            path.name in ("lock", "supervisord.lock")
            or path.suffix in (".log", ".sock", ".pid")
            or "/crashes" in str(path)
        ):
            continue
        if path.parent.name == "state" and path.suffix == ".json":
            found[str(path.relative_to(root))] = _state(path)
            continue
        stat = path.lstat()
        what = path.readlink() if path.is_symlink() else path.read_bytes() if path.is_file() else "folder"
        found[str(path.relative_to(root))] = f"{stat.st_mode:o} {stat.st_ino} {stat.st_uid} {what!r:.4000}"
    return found
