"""What the kernel's view of processes must tell, on real processes; a simulated one has no kernel to agree with."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from attrs import evolve

from cockpitpm.model.process import FileId, ProcessId
from cockpitpm.ports import Processes
from cockpitpm.processes import LinuxProcesses

pytestmark = pytest.mark.real


@pytest.fixture
def processes() -> Processes:
    return LinuxProcesses()


class Child:
    """A process group of its own, ended after the test."""

    def __init__(self, *command: str) -> None:
        self.process = subprocess.Popen(command, start_new_session=True, stdin=subprocess.DEVNULL)
        self.pid = self.process.pid

    def end(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self.process.wait()


@pytest.fixture
def started(root: Path) -> Iterator[list[Child]]:
    children: list[Child] = []
    yield children
    for child in children:
        child.end()


def run(started: list[Child], *command: str) -> Child:
    started.append(Child(*command))
    return started[-1]


def until(condition: object) -> None:
    deadline = time.monotonic() + 5
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.005)


def copied(root: Path, name: str = "prog ram) (x") -> Path:
    """A real ELF program under our own name."""
    return Path(shutil.copy(shutil.which("sleep") or "", root / name))


def identified(processes: Processes, pid: int) -> ProcessId:
    found = processes.identify(pid)
    assert found is not None
    return found


def test_a_process_is_known_by_boot_pid_and_start(processes: Processes, started: list[Child], root: Path) -> None:
    boot, before = processes.now()
    child = run(started, str(copied(root)), "600")
    found = identified(processes, child.pid)
    _, after = processes.now()
    assert (found.boot_id, found.pid) == (boot, child.pid)
    assert before - 1 <= found.start_ticks <= after, "the same clock, in the same unit"
    assert processes.alive(found)
    assert not processes.alive(evolve(found, start_ticks=found.start_ticks - 1)), "the pid was used again"
    assert not processes.alive(evolve(found, boot_id="another boot"))


def test_a_zombie_is_gone(processes: Processes, started: list[Child]) -> None:
    child = run(started, "sleep", "600")
    found = identified(processes, child.pid)
    os.kill(child.pid, signal.SIGKILL)
    until(lambda: processes.identify(child.pid) is None)
    assert Path(f"/proc/{child.pid}").exists(), "nobody has waited for it yet"
    assert not processes.alive(found)
    assert processes.tree(child.pid) == ()


def test_nobody_has_a_pid_that_is_not_used(processes: Processes) -> None:
    assert processes.identify(2**22 + 1) is None
    assert processes.tree(2**22 + 1) == ()


def test_an_image_names_the_file_and_the_words(processes: Processes, started: list[Child], root: Path) -> None:
    program = copied(root)
    child = run(started, str(program), "600")
    until(lambda: processes.tree(child.pid)[0].argv == (str(program), "600"))
    (image,) = processes.tree(child.pid)
    there = program.stat()
    assert image.file == FileId(dev=there.st_dev, ino=there.st_ino)
    assert (image.pid, image.deleted) == (child.pid, False)
    assert processes.executed([image.file, FileId(dev=0, ino=1)]) == {image.file}
    assert processes.executed([]) == frozenset()


def test_a_replaced_program_is_deleted_but_still_told_by_its_inode(
    processes: Processes, started: list[Child], root: Path
) -> None:
    program = copied(root)
    old = FileId(dev=program.stat().st_dev, ino=program.stat().st_ino)
    child = run(started, str(program), "600")
    until(lambda: processes.tree(child.pid)[0].file == old)
    copied(root, "new").rename(program)
    (image,) = processes.tree(child.pid)
    assert image.deleted and image.file == old
    assert processes.executed([old, FileId(dev=program.stat().st_dev, ino=program.stat().st_ino)]) == {old}


def test_a_tree_has_descendants_and_the_group_parent_first(processes: Processes, started: list[Child]) -> None:
    child = run(started, "sh", "-c", "sh -c 'sleep 600; :' & sleep 601; :")
    until(lambda: len(processes.tree(child.pid)) == 4)
    tree = processes.tree(child.pid)
    assert tree[0].pid == child.pid
    assert sorted(image.argv[-1] for image in tree[1:]) == ["600", "601", "sleep 600; :"]


def test_the_group_is_found_when_its_leader_is_gone(processes: Processes, started: list[Child]) -> None:
    child = run(started, "sh", "-c", "sleep 600 & exec sleep 601")
    until(lambda: len(processes.tree(child.pid)) == 2)
    os.kill(child.pid, signal.SIGKILL)
    until(lambda: processes.identify(child.pid) is None)
    (left,) = processes.tree(child.pid)
    assert left.argv == ("sleep", "600")


def test_a_descendant_in_a_session_of_its_own_belongs_to_the_tree(processes: Processes, started: list[Child]) -> None:
    child = run(started, "sh", "-c", "setsid sleep 600 & wait")
    until(lambda: any(image.argv == ("sleep", "600") for image in processes.tree(child.pid)))
    (away,) = (image for image in processes.tree(child.pid) if image.argv == ("sleep", "600"))
    os.kill(away.pid, signal.SIGKILL)


def test_processes_may_vanish_while_they_are_read(processes: Processes, started: list[Child]) -> None:
    child = run(started, "sh", "-c", "while :; do /bin/true & /bin/true; done")
    for _ in range(50):
        processes.tree(child.pid)
        processes.executed([FileId(dev=0, ino=1)])


def test_we_execute_our_own_python(processes: Processes) -> None:
    python = os.stat(sys.executable)
    assert processes.tree(os.getpid())[0].file == FileId(dev=python.st_dev, ino=python.st_ino)


LISTENS = """\
import os, socket, sys
path = sys.argv[1]
if os.path.lexists(path):
    os.unlink(path)
plug = socket.socket(socket.AF_UNIX)
plug.bind(path)
plug.listen(8)
if "fork" in sys.argv and not os.fork():
    sys.stdin.read()
    os._exit(0)
if "client" in sys.argv:
    mine = socket.socket(socket.AF_UNIX)
    mine.connect(path)
    plug.accept()
print("listens", flush=True)
sys.stdin.read()
"""


@contextlib.contextmanager
def listening(path: Path, *how: str) -> Iterator[int]:
    """A process that listens at the path, whoever did before. Gives its pid."""
    command = [sys.executable, "-c", LISTENS, str(path), *how]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout and process.stdout.readline() == b"listens\n"
        yield process.pid
        process.communicate()


def test_two_that_listen_at_one_path_are_told(processes: Processes, root: Path) -> None:
    path, other = root / "a b.sock", root / "other.sock"
    asked = [str(path), str(other), str(root / "nothing.sock")]
    with listening(path) as first, listening(other):
        assert processes.holders(asked) == {}, "one each"
        with listening(path) as second:
            assert processes.holders(asked) == {str(path): tuple(sorted((first, second)))}
            assert processes.holders([str(other)]) == {}
        assert processes.holders(asked) == {}, "the second one has gone"
    assert processes.holders(asked) == {}


def test_a_server_with_workers_and_guests_is_one(processes: Processes, root: Path) -> None:
    path = root / "x.sock"
    with listening(path, "fork", "client"):
        assert processes.holders([str(path)]) == {}
