"""A command of cockpitpm that stops itself, as SIGSTOP does, as soon as a record of its journal is on disk.

Run as `python -m tests.acceptance.stopping ROOT WORD…`. Nothing of the program is changed: the interpreter tells of
every file that is opened and every socket that is connected, and the first of these after a new record stops it.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from subprocess import DEVNULL, Popen
from typing import Any

from cockpitpm.cli.entry import start
from cockpitpm.errors import StoreError
from cockpitpm.record.journal import Journal, unfinished
from cockpitpm.record.layout import Layout

LOOKS = ("open", "os.", "socket.", "subprocess.")


def reached(root: Path) -> tuple[str, ...]:
    """The records of the one journal that there is, as `phase` or `phase service`."""
    with suppress(StoreError):
        for path in unfinished(Layout(root).journal):
            return tuple(" ".join(filter(None, (r["phase"], r.get("service")))) for r in Journal.read(path).records)
    return ()


def watcher(root: Path) -> Callable[[str, tuple[Any, ...]], None]:
    seen, looking = 0, False

    def look(event: str, _arguments: tuple[Any, ...]) -> None:
        nonlocal seen, looking
        if looking or not event.startswith(LOOKS):
            return
        looking = True  # to read the journal is such an event as well
        now = len(reached(root))
        looking = False
        if now > seen:
            seen = now
            os.kill(os.getpid(), signal.SIGSTOP)

    return look


def stops(root: Path, environment: dict[str, str], *words: str, ends: int = 0) -> Iterator[str]:
    """Run the command; gives each record at which it stands still, until it is asked for the next.

    Raises AssertionError if it does not end with the exit code `ends`, or was killed.
    """
    begun = Popen(
        (sys.executable, "-m", "tests.acceptance.stopping", str(root), *words),
        env=environment,
        stdin=DEVNULL,
        stdout=DEVNULL,
        start_new_session=True,
    )
    try:
        while (found := os.waitid(os.P_PID, begun.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)) is not None:
            if found.si_code != os.CLD_STOPPED:
                break
            os.waitid(os.P_PID, begun.pid, os.WSTOPPED)
            yield reached(root)[-1]
            begun.send_signal(signal.SIGCONT)
    finally:
        begun.send_signal(signal.SIGCONT)
        code = begun.wait(60)
    assert code == ends, f"{' '.join(words)} ended with {code}, not {ends}"


if __name__ == "__main__":
    sys.addaudithook(watcher(Path(sys.argv[1])))
    sys.exit(start(sys.argv[2:]))
