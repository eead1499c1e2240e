"""What the kernel's view of processes must tell, on real processes; a simulated one has no kernel to agree with."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from attrs import evolve

from cockpitpm.model.process import FileId, ProcessId
from cockpitpm.ports import Processes
from cockpitpm.processes import LinuxProcesses
from tests.waiting import until

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


@contextlib.contextmanager
def bound(name: str, folder: Path) -> Iterator[socket.socket]:
    """A socket that listens at a name that was given relative to the folder, as anybody may give one."""
    before = os.getcwd()
    with socket.socket(socket.AF_UNIX) as plug:
        Path(folder, name).parent.mkdir(parents=True, exist_ok=True)
        os.chdir(folder)
        try:
            plug.bind(name)
        finally:
            os.chdir(before)
        plug.listen()
        yield plug


ODD = (
    "x\n1 2 3 zz 5 6 7 8",
    "x\n",
    "x\r1 2 3 zz 5 6 7 8",
    "\n\n",
    "x\n0: 2 0",
    "x \udcff",
    "\u2028y",
    "x\n: : : : : : :",
)


def test_a_name_with_a_new_line_in_it_stops_nobody(processes: Processes, root: Path) -> None:
    with contextlib.ExitStack() as all_of_them:
        for name in ODD:
            all_of_them.enter_context(bound(name, root))
        path = root / "x.sock"
        with listening(path) as first, listening(path) as second:
            assert processes.holders([str(path)]) == {str(path): tuple(sorted((first, second)))}


def test_a_name_that_reads_like_another_socket_tells_nothing(processes: Processes, root: Path) -> None:
    """The kernel prints names as they are: this one looks like a line that says that `other` listens at `path`."""
    path, other = root / "x.sock", root / "y.sock"
    with listening(path), bound("y.sock", root) as mine:
        inode = os.fstat(mine.fileno()).st_ino
        with bound(f"z\n0: 00000002 00000000 00010000 0001 01 {inode} {path}", root):
            assert processes.holders([str(path), str(other)]) == {}


def test_a_socket_that_another_user_made_is_no_copy(
    processes: Processes, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever has a mount of his own at the same path binds the same name, and a program of ours may inherit it."""
    path = root / "x.sock"
    with listening(path), listening(path):
        assert processes.holders([str(path)])
        monkeypatch.setattr("os.geteuid", lambda: os.getuid() + 1)
        assert processes.holders([str(path)]) == {}


REFUSED = struct.pack("=IHHIIi", 36, 2, 0, 1, 0, -95) + bytes(16)
DONE = struct.pack("=IHHIIi", 20, 3, 2, 1, 0, 0)
ROW = struct.pack("=BBBBI8x", 1, 1, 10, 0, 7)


def told(*attributes: tuple[int, bytes]) -> bytes:
    body = ROW + b"".join(struct.pack("=HH", 4 + len(a), k) + a + bytes(-len(a) % 4) for k, a in attributes)
    return struct.pack("=IHHII", 16 + len(body), 20, 2, 1, 0) + body


@pytest.mark.parametrize(
    ("answers", "found"),
    [
        ([told((0, b"/s\0")) + told((0, b"/s\0")), DONE], {"/s": ("7", "7")}),
        ([told((9, b"x"), (0, b"/s\0")), told((0, b"\0abstract")) + DONE], {"/s": ("7",)}),
        ([told(), DONE], {}),
        ([REFUSED], {}),
        ([told((0, b"/s\0")), REFUSED], {}),
        ([told((0, b"/s\0")), b"", TimeoutError("silent")], {}),
        ([told((0, b"/s\0")), TimeoutError("silent")], {}),
        ([b"\x10\0"], {}),
        ([struct.pack("=IHHII", 4, 20, 2, 1, 0)], {}),
        ([struct.pack("=IHHII", 99, 20, 2, 1, 0)], {}),
        ([struct.pack("=IHHII", 16 + 20, 20, 2, 1, 0) + ROW + struct.pack("=HH", 0, 0)], {}),
        ([struct.pack("=IHHII", 16 + 20, 20, 2, 1, 0) + ROW + struct.pack("=HH", 99, 0)], {}),
        ([OSError("EPROTONOSUPPORT")], {}),
    ],
)
def test_what_a_kernel_may_say_of_its_sockets(
    answers: list[bytes | OSError], found: dict[str, tuple[str, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that cannot be asked, or is not understood, tells of no copies; it stops nobody."""
    monkeypatch.setattr("socket.socket", lambda *_: Kernel(list(answers)))
    assert LinuxProcesses()._listening() == found


class Kernel:
    """A socket to a kernel that says what it is told to; somebody else talks to the socket, too."""

    def __init__(self, answers: list[bytes | OSError]) -> None:
        self.answers = answers
        self.heard = False

    def __enter__(self) -> Kernel:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def settimeout(self, seconds: float) -> None:
        assert 0 < seconds <= 1

    def sendto(self, data: bytes, to: tuple[int, int]) -> int:
        assert to == (0, 0) and struct.unpack_from("=I", data) == (len(data),)
        return len(data)

    def recvfrom(self, _size: int) -> tuple[bytes, tuple[int, int]]:
        if not self.heard:
            self.heard = True
            return told((0, b"/forged\0")) + DONE, (4711, 0)
        answer = self.answers.pop(0)
        if isinstance(answer, OSError):
            raise answer
        return answer, (0, 0)


def test_a_kernel_without_such_sockets_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> socket.socket:
        raise OSError(93, "Protocol not supported")

    monkeypatch.setattr("socket.socket", refused)
    assert LinuxProcesses().holders(["/x"]) == {}
