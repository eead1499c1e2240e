"""flock decides who changes the machine; the text only names the holder."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cockpitpm.errors import LockedError, StoreError
from cockpitpm.record.lock import Holder, holder, locked

ME = Holder(pid=17, start_ticks=5, boot_id="b", command="cockpitpm upgrade", since="2026-06-12T08:00:00Z")
HOLD = """
import sys
from pathlib import Path
from cockpitpm.record.lock import Holder, locked
with locked(Path(sys.argv[1]), Holder(pid=99, start_ticks=5, boot_id="b", command="cockpitpm other", since="now")):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextlib.contextmanager
def other(path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the lock until its input ends."""
    command = [sys.executable, "-c", HOLD, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "held\n"
        yield process


@pytest.fixture
def path(root: Path) -> Path:
    return root / "var" / "lock"


def test_the_holder_is_named_while_it_holds_and_not_after(path: Path) -> None:
    with locked(path, ME) as dead:
        assert dead is None
        assert holder(path) == ME
        assert ME.process.pid == 17
    assert holder(path) is None
    assert path.exists(), "a deleted lock file could be locked twice"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.real
def test_a_second_process_is_told_who_holds_it(path: Path) -> None:
    with other(path) as process:
        with pytest.raises(LockedError) as caught, locked(path, ME):
            pytest.fail("two processes hold the lock")
        assert "process 99 (cockpitpm other, since now)" in caught.value.message
        assert str(path) in caught.value.hint
        process.communicate("")
    with locked(path, ME) as dead:
        assert dead is None


def test_a_second_time_in_the_same_process_is_refused_too(path: Path) -> None:
    with locked(path, ME), pytest.raises(LockedError), locked(path, ME):
        pytest.fail("locked twice")


@pytest.mark.real
def test_a_holder_that_died_is_told_to_its_successor(path: Path) -> None:
    with other(path) as process:
        process.send_signal(signal.SIGKILL)
        process.wait()
    with locked(path, ME) as dead:
        assert dead is not None and (dead.pid, dead.command) == (99, "cockpitpm other")


@pytest.mark.real
def test_a_child_does_not_inherit_the_lock(path: Path) -> None:
    with locked(path, ME):
        child = subprocess.Popen(["sleep", "60"], close_fds=False)
    try:
        with locked(path, ME) as dead:
            assert dead is None, "the child that we started would keep the machine locked"
    finally:
        child.kill()
        child.wait()


def test_whoever_ends_in_an_error_has_let_go(path: Path) -> None:
    with pytest.raises(KeyError), locked(path, ME):
        raise KeyError
    with locked(path, ME) as dead:
        assert dead is None


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"pid": 1}', "\udcff"])
def test_a_text_that_names_nobody_stops_nobody(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True)
    path.write_bytes(os.fsencode(text))
    assert holder(path) is None
    with locked(path, ME) as dead:
        assert dead is None


def test_a_lock_held_without_a_name(path: Path) -> None:
    with locked(path, ME):
        path.write_text("")
        with pytest.raises(LockedError, match="another process"), locked(path, ME):
            pytest.fail("locked twice")


def test_a_lock_that_is_a_link_is_not_followed(path: Path, root: Path) -> None:
    path.parent.mkdir(parents=True)
    (root / "elsewhere").write_text(json.dumps({}))
    path.symlink_to(root / "elsewhere")
    with pytest.raises(StoreError, match="Cannot open the lock"), locked(path, ME):
        pytest.fail("a link was locked")
