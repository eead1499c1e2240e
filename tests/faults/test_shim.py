"""What the sweeps over calls stand on: the library sees each change of a file and nothing else, and strikes it."""

from __future__ import annotations

import errno
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.faults.conftest import MEMORY
from tests.faults.order import disordered
from tests.faults.shim import REPOSITORY, Strike, built, program

SCRIPT = """
import ctypes, json, os, sys
from pathlib import Path
from tests.faults.shim import Blow, Strike, armed

root, strike, number, code = Path(sys.argv[1]), Strike[sys.argv[2]], int(sys.argv[3]), int(sys.argv[4])
trace = os.open(root.with_name("trace"), os.O_RDWR | os.O_CREAT | os.O_APPEND)
told = []

def attempt(work):
    try:
        told.append(work())
    except OSError as error:
        told.append(error.strerror)

def work():
    folder = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    os.listdir(folder), list(os.scandir(root)), open(root / "old").read()
    file = os.open("file", os.O_RDWR | os.O_CREAT, dir_fd=folder)
    attempt(lambda: os.write(file, b"0123456789"))
    attempt(lambda: os.write(file, b"0"))
    attempt(lambda: os.pwrite(file, b"0123456789", 20))
    attempt(lambda: os.fsync(file))
    other = os.open(root / "other", os.O_RDWR | os.O_CREAT | os.O_TRUNC)
    attempt(lambda: os.copy_file_range(file, other, 10, 0))
    attempt(lambda: os.posix_fallocate(other, 0, 100))
    os.close(os.open(root, os.O_RDWR | os.O_TMPFILE))
    attempt(lambda: os.rename("other", root / "new", src_dir_fd=folder))
    attempt(lambda: os.unlink("new", dir_fd=folder))
    Path(root.with_name("beside")).write_text("")

struck = armed(work, root, Blow(strike, number, code), trace)[1]
print(json.dumps([told, struck]))
"""
ALL = [
    "openat64 file", "write file", "write file", "pwrite64 file", "fsync file", "open64 other", "copy_file_range other",
    "posix_fallocate64 other", "open64 .", "renameat new\tother", "unlinkat new",
]  # fmt: skip
PLAIN = [10, 1, 10, None, 10, None, None, None]
OF_ALL = {
    "install": {
        "open": 9, "write": 5, "pwrite": 13, "fsync": 36, "rename": 8, "unlink": 9, "mkdir": 7, "symlink": 3,
        "fchmod": 7, "ftruncate": 3, "posix_fallocate": 3, "copy_file_range": 2,
    },
    "adopt": {"link": 2},
}  # fmt: skip
"""How often a scene makes each call at least, by the name that the manual has for it."""


def ran(folder: Path, strike: Strike, number: int = 0, code: int = 0) -> tuple[int, list[object], list[str]]:
    """How the script ended, what each of its calls gave and how many were struck, and the trace."""
    root = folder / "root"
    root.mkdir()
    (root / "old").touch()
    library = built(folder)
    command = [sys.executable, "-c", SCRIPT, str(root), strike.name, str(number), str(code)]
    environment = {"LD_PRELOAD": str(library), "PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode <= 0 or strike is Strike.CUT, done.stderr
    return done.returncode, json.loads(done.stdout or "[]"), (folder / "trace").read_text().splitlines()


def test_what_counts_as_a_change(folder: Path) -> None:
    """Neither a listing, though O_TMPFILE has the bit of O_DIRECTORY in it, nor reading, nor what is elsewhere."""
    assert ran(folder, Strike.COUNT) == (0, [PLAIN, 0], ALL)


@pytest.mark.parametrize(
    ("number", "told"),
    [
        (1, [5, 1, 10, None, 10, None, None, None]),
        (2, [10, 1, 5, None, 10, None, None, None]),
        (3, [10, 1, 10, None, 5, None, None, None]),
    ],
)
def test_half_is_done_of_writes_and_of_nothing_else(folder: Path, number: int, told: list[object]) -> None:
    assert ran(folder, Strike.HALF, number) == (0, [told, 1], [ALL[1], ALL[3], ALL[6]])


@pytest.mark.parametrize("number", [4, 5, 99])
def test_there_is_no_fourth_write(folder: Path, number: int) -> None:
    assert ran(folder, Strike.HALF, number)[1] == [PLAIN, 0]


@pytest.mark.parametrize(("later", "size"), [(0, 5), (1, 5), (2, 6), (3, 30)])
def test_killed_after_half_a_write(folder: Path, later: int, size: int) -> None:
    code, _, trace = ran(folder, Strike.HALF_KILL, 1, later)
    assert code == -9 and trace[0] == ALL[1]
    assert (folder / "root" / "file").stat().st_size == size


def test_an_error_once(folder: Path) -> None:
    told = [*PLAIN[:5], "Input/output error", None, None]
    assert ran(folder, Strike.FAIL, 8, errno.EIO) == (0, [told, 1], ALL)


def test_an_error_that_stays(folder: Path) -> None:
    told = [*PLAIN[:6], "No space left on device", "No space left on device"]
    assert ran(folder, Strike.FAIL_ON, 10, errno.ENOSPC) == (0, [told, 2], ALL)


def test_killed_before_a_call(folder: Path) -> None:
    code, _, trace = ran(folder, Strike.KILL, 5)
    assert (code, trace) == (-9, ALL[:5])


def test_a_power_that_cannot_be_cut_is_told(folder: Path) -> None:
    """A file system in memory does not go down; whoever asks for it must hear that."""
    if not folder.is_relative_to(MEMORY):
        pytest.skip("no other file system may be asked")
    assert ran(folder, Strike.CUT, 2)[0] == 99


@pytest.mark.parametrize("name", OF_ALL)
def test_calls_of_every_kind_are_seen(folder: Path, name: str) -> None:
    [told] = program("tests.faults.order", built(folder), name, folder)
    seen = Counter(line.partition(" ")[0].removesuffix("64").removesuffix("at") for line in told["calls"])
    assert not {kind: seen[kind] for kind, least in OF_ALL[name].items() if seen[kind] < least}, seen


def test_an_order_of_calls_that_loses_something() -> None:
    begin = ["write x/.a.new", "fsync x/.a.new", "renameat x/a\tx/.a.new", "fsync x"]
    record = ["pwrite64 j/t.journal", "fsync j/t.journal"]
    end = ["unlinkat j/t.journal", "fsync j"]
    assert not [*disordered([*begin, *record, *end])]
    wanted = {
        0: "x/a gets its name before its bytes are synced",
        1: "the journal goes on before x/a is synced",
        2: "is not synced at the end",
    }
    for number, without in enumerate(("fsync x/.a.new", "fsync x", "fsync j")):
        [found] = disordered([line for line in [*begin, *record, *end] if line != without])
        assert wanted[number] in found
    assert [*disordered([*record[:1], *record])] == ["the journal goes on before j/t.journal is synced"]
    assert [*disordered(["write x.jsonl"])] == ["the bytes of ['x.jsonl'] are not synced at the end"]
    assert [*disordered(["unlinkat bin/x"])] == ["bin/x is not synced at the end"]
