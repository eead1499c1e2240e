"""A machine whose root is moved while its supervisord runs: nothing that this one started outlives it."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests.unit.supervisors.test_supervisord import PROCESSES, daemon, define, folder, opened
from tests.waiting import until

pytestmark = pytest.mark.real
PARENT = "sh -c 'trap \"\" TERM; while :; do sleep 0.05; done' & echo $! >>{root}/children\nwait"


def children(root: Path) -> list[int]:
    file = root / "children"
    return [int(line) for line in file.read_text().split()] if file.exists() else []


def test_what_it_had_forgotten_is_ended_with_it(root: Path) -> None:
    """A child of a service that was killed is in no record; it is known by its environment, which has the old place."""
    here, there = root / "a", root / "b"
    here.mkdir()
    old = opened(here)
    define(old, here, "/bin/sh", "-c", PARENT.format(root=root))
    old.start("s")
    until(lambda: len(children(root)) == 1)
    first = old.status("s").pid
    assert first
    os.kill(first, signal.SIGKILL)
    until(lambda: len(children(root)) == 2)
    runs = [*children(root), daemon(here)]
    here.rename(there)
    new = opened(there)
    try:
        new.moved(str(here), str(there))
        assert [pid for pid in runs if PROCESSES.identify(pid)] == []
        new.ensure_running()
        until(lambda: new.status("s").pid)
        definition = new.definition("s")
        assert definition and definition.directory == str(there)
        assert str(here) + "/" not in (folder(there) / "conf.d/s.conf").read_text()
    finally:
        new.shutdown()
