"""Do something as a user whom permissions stop, also where the tests run as root."""

from __future__ import annotations

import os
import pwd
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest

FAILED = 1


def as_nobody(work: Callable[[], object], owns: Path | None = None, uid: int | None = None) -> None:
    """Do it in a forked child as an unprivileged user, who is given what lies below `owns` first.

    Skips by name where this process is neither unprivileged nor able to become so.
    """
    if os.geteuid() == 0:
        other = unprivileged() if uid is None else uid
        for path in (owns, *owns.rglob("*")) if owns else ():
            os.chown(path, other, other, follow_symlinks=False)
    else:
        other = None
    pid = os.fork()
    if pid == 0:
        os._exit(_done(work, other))
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    assert status == 0, "it failed in the child; see its traceback above"


def _done(work: Callable[[], object], uid: int | None) -> int:
    try:
        if uid is not None:
            os.setgroups([])
            os.setresgid(uid, uid, uid)
            os.setresuid(uid, uid, uid)
        work()
    except BaseException:  # noqa: BLE001 - a child of pytest must end here, whatever it was
        traceback.print_exc()
        return FAILED
    return 0


def unprivileged() -> int:
    """The user `nobody`; the test is skipped where there is none to become."""
    try:
        return pwd.getpwnam("nobody").pw_uid
    except KeyError:
        pytest.skip("needs a user called nobody")
