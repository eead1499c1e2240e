"""A command under strace, and every path that it or a program which it started changed, as the kernel was asked."""

from __future__ import annotations

import codecs
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

from attrs import frozen

PATHS: dict[str, tuple[tuple[int | None, int], ...]] = {
    "open": ((None, 0),),
    "openat": ((0, 1),),
    "openat2": ((0, 1),),
    "creat": ((None, 0),),
    "mkdir": ((None, 0),),
    "mkdirat": ((0, 1),),
    "mknod": ((None, 0),),
    "mknodat": ((0, 1),),
    "rename": ((None, 0), (None, 1)),
    "renameat": ((0, 1), (2, 3)),
    "renameat2": ((0, 1), (2, 3)),
    "link": ((None, 0), (None, 1)),
    "linkat": ((0, 1), (2, 3)),
    "symlink": ((None, 1),),
    "symlinkat": ((1, 2),),
    "unlink": ((None, 0),),
    "unlinkat": ((0, 1),),
    "rmdir": ((None, 0),),
    "chmod": ((None, 0),),
    "fchmodat": ((0, 1),),
    "fchmodat2": ((0, 1),),
    "chown": ((None, 0),),
    "lchown": ((None, 0),),
    "fchownat": ((0, 1),),
    "truncate": ((None, 0),),
    "utime": ((None, 0),),
    "utimes": ((None, 0),),
    "futimesat": ((0, 1),),
    "utimensat": ((0, 1),),
    "setxattr": ((None, 0),),
    "lsetxattr": ((None, 0),),
    "removexattr": ((None, 0),),
    "lremovexattr": ((None, 0),),
}
"""Which argument of a call is a path, and which one the folder that a relative one begins at."""
OPEN_FILES = ("fchmod", "fchown", "ftruncate", "fallocate", "fsetxattr", "fremovexattr")
"""Calls on a file that is open already: their first argument."""
CALLS = (*PATHS, *OPEN_FILES, "bind")
WRITES = re.compile(r"O_(WRONLY|RDWR|CREAT|TRUNC|APPEND|TMPFILE)")
NOBODYS = re.compile(r"/dev/(null|tty)|/proc/self/.*|(pipe|socket|anon_inode):.*")
"""What is no file of anybody."""
LINE = re.compile(r"(?P<call>\w+)\((?P<words>.*)\) += (?P<result>.*)")
WORD = re.compile(r'(?:"(?:[^"\\]|\\.)*"|<(?:[^<>\\]|\\.)*>|\{[^}]*\}|\[[^\]]*\]|[^,"<{\[])+')
NAMED = re.compile(r".*?<(.*)>")
OPENED = re.compile(r"(\d+)<(.*)>")
BY_NUMBER = re.compile(r'"/proc/self/fd/(\d+)"')
SOCKET = re.compile(r'sun_path=(@?)"((?:[^"\\]|\\.)*)"')


@frozen
class Change:
    """One path that was changed, or was to be: absolute, without links in its folder."""

    path: str
    line: str


def changes(text: str) -> Iterator[Change]:
    """Every change in the trace of one process. Raises ValueError for a line that is not understood."""
    numbers: dict[str, str] = {}
    for line in text.splitlines():
        if line.startswith(("+++", "---")):
            continue
        found = LINE.fullmatch(line)
        if found is None or found["call"] not in CALLS:
            raise ValueError(f"not understood: {line}")
        if opened := OPENED.fullmatch(found["result"]):
            numbers[opened[1]] = _text(opened[2])
        yield from (Change(path, line) for path in _paths(found, numbers) if not NOBODYS.fullmatch(path))


def _paths(found: re.Match[str], numbers: Mapping[str, str]) -> Iterator[str]:
    """`numbers` says which file each open descriptor is of."""
    call, words = found["call"], [word.strip() for word in WORD.findall(found["words"])]
    if call.startswith("open") and not WRITES.search(found["words"]):
        return
    if call.startswith("mkdir") and found["result"].startswith("-1 EEXIST"):
        return  # a folder that is there is not made
    if call == "bind":
        named = SOCKET.search(found["words"])
        yield from [_at(None, _text(named[2]))] if named and not named[1] else []
    elif call in OPEN_FILES:
        yield _folder(words[0])
    else:
        opened = NAMED.fullmatch(found["result"])
        yield from [_text(opened[1])] if opened else []  # where the kernel says that it is, all links followed
        for folder, place in PATHS[call]:
            number = BY_NUMBER.fullmatch(words[place])
            if number and number[1] in numbers:
                yield numbers[number[1]]
            else:
                yield _path(None if folder is None else words[folder], words[place])


def _path(folder: str | None, word: str) -> str:
    if word == "NULL" and folder is not None:
        return _folder(folder)
    if len(word) < 2 or not word.startswith('"') or not word.endswith('"'):
        raise ValueError(f"{word} is no path")
    return _at(folder, _text(word[1:-1]))


def _at(folder: str | None, path: str) -> str:
    if path.startswith("/"):
        whole = path
    elif folder is None:
        raise ValueError(f"{path!r} is relative to a folder that nobody knows")
    else:
        whole = f"{_folder(folder)}/{path}"
    above, name = os.path.split(os.path.normpath(whole) if "/.." not in whole else os.path.realpath(whole))
    return os.path.join(os.path.realpath(above), name)


def _folder(word: str) -> str:
    """The path that `4</a/b>` means."""
    named = NAMED.fullmatch(word)
    if named is None:
        raise ValueError(f"{word} names no open file")
    return _text(named[1])


def _text(quoted: str) -> str:
    """What strace wrote with the escapes of C."""
    return os.fsdecode(codecs.escape_decode(quoted.encode())[0])


def traceable() -> str:
    """Why nothing can be traced here, empty if it can."""
    if shutil.which("strace") is None:
        return "strace is not installed"
    done = subprocess.run(("strace", "-o", "/dev/null", "true"), capture_output=True, timeout=30, check=False)
    return "" if done.returncode == 0 else "strace may not trace here"


def traced(words: list[str], environment: dict[str, str], folder: Path) -> tuple[int, dict[int, str]]:
    """Run a command; its exit code, and the trace of each process. What it leaves running is let go of at its end.

    Without seccomp, which would be quicker: a process that was let go of would keep the filter, and fail.
    """
    folder.mkdir()
    reading, writing = os.pipe()
    tracer = subprocess.Popen(
        (
            "strace", "-ff", "-y", "-I1", "-qq", "-s", "9999", "-o", str(folder / "t"),
            "-e", "signal=none", "-e", "trace=" + ",".join(f"?{call}" for call in CALLS),
            "bash", "-c", f'"$@" {writing}>&-; echo $? >&{writing}', "bash", *words,
        ),
        env=environment, cwd="/", pass_fds=(writing,), start_new_session=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip
    os.close(writing)
    with open(reading) as told:
        code = told.readline()
    tracer.send_signal(signal.SIGINT)
    _, said = tracer.communicate(timeout=30)
    assert code, said.decode()
    return int(code), {int(file.suffix[1:]): file.read_text() for file in folder.iterdir()}
