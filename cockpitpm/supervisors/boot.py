"""What a supervisord runs once when it was started by the machine itself: finish what was interrupted.

It is a program of the supervisord and no service: nobody defines it, lists it or asks for it. When we start a
supervisord we are about to do that work ourselves, so it sleeps then. It names the program of whoever changed the
machine last, which is never the build that is being replaced: a build is changed by another one.
"""

from __future__ import annotations

import shlex
from pathlib import Path

from cockpitpm import beneath
from cockpitpm.errors import ExitCode, SupervisorError
from cockpitpm.supervisors.definitions import holds, replace

NAME = "cockpitpm-recover"

_SCRIPT = """\
#!/bin/sh
# Written by cockpitpm. Status {locked} says that another command is changing the machine: what it leaves is looked at.
while {command}; [ $? = {locked} ]; do sleep 1; done
"""

_CONFIGURATION = """\
; Written by cockpitpm: what is run once when this supervisord was not started by cockpitpm itself.
[program:{name}]
command = /bin/sh {folder}/boot.sh
directory = /
autostart = {autostart}
autorestart = false
startsecs = 0
startretries = 0
stopasgroup = true
killasgroup = true
redirect_stderr = true
stdout_logfile = {folder}/logs/{name}.log
stdout_logfile_maxbytes = 1MB
stdout_logfile_backups = 1
"""


class Boot:
    """The files of it in the folder of a supervisord. Without a command there are none."""

    def __init__(self, folder: Path, command: tuple[str, ...]) -> None:
        self._folder = folder
        self._command = command

    def arm(self) -> None:
        """It runs as soon as a supervisord starts that reads this."""
        self._write(autostart=True)

    def disarm(self) -> None:
        """It does not run with the supervisord that is about to be started."""
        self._write(autostart=False)

    def _write(self, *, autostart: bool) -> None:
        command = shlex.join(self._command)
        script = _SCRIPT.format(command=command, locked=int(ExitCode.LOCKED))
        settings = _CONFIGURATION.format(name=NAME, folder=self._folder, autostart=str(autostart).lower())
        for name, text in (("boot.sh", script), ("boot.conf", settings)):
            put(self._folder / name, text if self._command else "")


def put(path: Path, text: str) -> None:
    """Have the file hold this, or not be there for an empty text."""
    try:
        if text and not holds(path, text):
            replace(path, text)
        elif not text and beneath.seen(path):
            beneath.unlink(path)
    except OSError as error:
        raise SupervisorError(f"{path} cannot be written: {error}") from error
