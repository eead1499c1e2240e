"""Nothing of a machine lies outside its root: every change of a file that its verbs ask the kernel for, by strace.

Each kind of verb that changes something is traced, not each verb.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cockpitpm.errors import ExitCode
from cockpitpm.sandbox.daemons import Behaviour
from tests.acceptance.scene import CHAIN, COMPUTE, Scene
from tests.acceptance.tracing import Change, changes, traceable, traced

pytestmark = pytest.mark.real
INTERRUPTED = 130
WHY = traceable()
traces = pytest.mark.skipif(bool(WHY), reason=WHY or "it can be traced")


@pytest.fixture(scope="module")
def scene(place: Path) -> Iterator[Scene]:
    with Scene(place) as made:
        made.publish("hero_db")
        yield made


def outside(found: Iterator[Change], root: str) -> list[Change]:
    return [change for change in found if not f"{change.path}/".startswith(f"{root}/")]


def contained(scene: Scene, *words: str, around: tuple[str, ...] = ()) -> int:
    """Run the verb, perhaps by another program; nothing but the root may be changed. The exit code."""
    folder = scene.root.with_name(f"trace-{words[0]}-{len(list(scene.root.parent.iterdir()))}")
    environment = {**scene.environment(), "PYTHONDONTWRITEBYTECODE": "1"}
    code, found = traced([*around, *scene.command(*words)], environment, folder)
    every = [change for text in found.values() for change in changes(text)]
    away = outside(iter(every), str(scene.root))
    assert not away, "\n".join(f"{one.path}: {one.line}" for one in away)
    assert len(every) >= SEEN.get(words[0], 20) and len(found) > 1, f"too little was seen to say anything: {every}"
    assert not list(scene.home.iterdir())
    return code


SEEN = {"hold": 8, "secret": 10, "doctor": 3, "serve": 7}
"""How many changes must be seen of a verb at least; of every other one 20."""


@traces
def test_what_a_machine_does_stays_below_its_root(scene: Scene) -> None:
    scene.publish(COMPUTE)
    assert contained(scene, "install", COMPUTE, "--yes") == ExitCode.DONE  # it starts the supervisor too
    scene.publish(COMPUTE)
    assert contained(scene, "upgrade", COMPUTE, "--yes") == ExitCode.DONE
    assert contained(scene, "rollback", COMPUTE, "--yes") == ExitCode.DONE
    scene.publish(COMPUTE, Behaviour.CRASHES)
    assert contained(scene, "upgrade", COMPUTE, "--yes") == ExitCode.ROLLED_BACK
    assert contained(scene, "remove", COMPUTE, "--yes") == ExitCode.DONE


@traces
def test_so_does_what_brings_no_build(scene: Scene) -> None:
    scene.publish(COMPUTE)
    scene.install(COMPUTE)
    program = scene.machine.layout.binary(CHAIN)
    data = program.read_bytes()
    program.unlink()
    program.write_bytes(data + b"# by hand\n")
    program.chmod(0o755)
    assert contained(scene, "adopt", COMPUTE, "--reason", "a test", "--yes") == ExitCode.DONE
    assert contained(scene, "register", COMPUTE) == ExitCode.DONE
    assert contained(scene, "hold", COMPUTE, "--reason", "a test") == ExitCode.DONE
    assert contained(scene, "stop", COMPUTE) == ExitCode.DONE
    assert contained(scene, "start", COMPUTE) == ExitCode.DONE
    by_pipe = ("bash", "-c", 'echo value | "$@"', "bash")
    assert contained(scene, "secret", "set", "--context", "compute", "TOKEN", around=by_pipe) == ExitCode.DONE
    program.resolve().chmod(0o777)
    assert contained(scene, "doctor", "--fix") == ExitCode.DONE
    assert program.resolve().stat().st_mode & 0o777 == 0o755


@traces
def test_so_does_a_server(scene: Scene) -> None:
    """It is asked to end as soon as it answers."""
    ends = '"$@" & until [ -S "$SOCKET" ]; do sleep 0.1; done; kill -TERM $!; wait $!'
    socket = scene.root / "var/sockets/hero_cockpit/rpc.sock"
    around = ("env", f"SOCKET={socket}", "bash", "-c", ends, "bash")
    assert contained(scene, "serve", around=around) == INTERRUPTED


PROGRAM = """
import os, socket
os.chdir({away!r})
f = os.open({away!r}, os.O_RDONLY)
os.close(os.open("m\\xe4 \\",>q", os.O_WRONLY | os.O_CREAT, dir_fd=f))
os.rename("m\\xe4 \\",>q", {root!r} + "/in", src_dir_fd=f)
os.symlink({away!r}, {root!r} + "/link")
os.mkdir({root!r} + "/link/through")
os.chmod({away!r} + "/through", 0o700)
os.rmdir("through", dir_fd=f)
os.utime(f)
os.link({root!r} + "/in", {away!r} + "/linked")
os.unlink({away!r} + "/linked")
os.truncate({away!r} + "/kept", 0)
socket.socket(socket.AF_UNIX).bind({away!r} + "/socket")
open("/dev/null", "w").close()
open({away!r} + "/kept").close()
open({root!r} + "/link/../m/fine", "w").close()
"""


@traces
def test_a_change_outside_is_seen(place: Path) -> None:
    root, away = place / "w/m", place / "w/away"
    for folder in (root, away):
        folder.mkdir(parents=True)
    (away / "kept").touch()
    program = PROGRAM.format(root=str(root), away=str(away))
    code, found = traced([sys.executable, "-ISBc", program], dict(os.environ), place / "trace-self")
    seen = outside((change for text in found.values() for change in changes(text)), str(root))
    assert code == 0
    assert [(one.line.partition("(")[0], one.path.removeprefix(f"{away}/")) for one in seen] == [
        ("openat", 'mä ",>q'),
        ("openat", 'mä ",>q'),
        ("renameat", 'mä ",>q'),
        ("mkdir", "through"),
        ("chmod", "through"),
        ("unlinkat", "through"),
        ("utimensat", str(away)),
        ("link", "linked"),
        ("unlink", "linked"),
        ("truncate", "kept"),
        ("bind", "socket"),
    ]


@pytest.mark.parametrize(
    ("line", "paths"),
    [
        ('openat(AT_FDCWD</x>, "/a/b", O_RDONLY|O_CLOEXEC) = 3</a/b>', []),
        ('openat(3</a>, "b", O_RDWR|O_CREAT, 0600) = 4</c/b>', ["/c/b", "/a/b"]),
        ('openat(AT_FDCWD</x>, "/dev/null", O_WRONLY) = 3</dev/null>', []),
        ('openat(AT_FDCWD</x>, "/a", O_WRONLY) = -1 EACCES (Permission denied)', ["/a"]),
        (r'renameat(5</a>, "\303\244, \"", AT_FDCWD</x>, "y") = 0', ['/a/ä, "', "/x/y"]),
        ("ftruncate(7</a/b (deleted)>, 3) = 0", ["/a/b (deleted)"]),
        ("utimensat(4</a>, NULL, [{tv_sec=1, tv_nsec=2} /* x */, UTIME_OMIT], 0) = 0", ["/a"]),
        ('symlinkat("/elsewhere", 3</a>, "b") = 0', ["/a/b"]),
        ('bind(3<socket:[7]>, {sa_family=AF_UNIX, sun_path=@"abstract"}, 11) = 0', []),
        ("bind(3<socket:[7]>, {sa_family=AF_INET, sin_port=htons(0)}, 16) = 0", []),
        ("+++ exited with 0 +++", []),
    ],
    ids=range(11),
)
def test_a_line_of_strace(line: str, paths: list[str]) -> None:
    assert [change.path for change in changes(line)] == paths


def test_an_open_file_is_reached_by_its_number() -> None:
    trace = [
        'openat(3</a>, "b", O_RDONLY|O_PATH) = 4</a/b>',
        'chmod("/proc/self/fd/4", 0700) = 0',
        'openat(AT_FDCWD</x>, "/c", O_RDONLY) = 4</c>',
        'chmod("/proc/self/fd/4", 0700) = 0',
        'chmod("/proc/self/fd/5", 0700) = 0',
    ]
    *known, unknown = [change.path for change in changes("\n".join(trace))]
    assert known == ["/a/b", "/c"] and unknown.startswith("/proc/")


@pytest.mark.parametrize("line", ['mkdir("a", 0700) = 0', "strange(1) = 0", 'open("/a", O_RDWR <unfinished ...>'])
def test_a_line_that_is_not_understood_is_no_good_news(line: str) -> None:
    with pytest.raises(ValueError, match=r"relative|understood"):
        list(changes(line))
