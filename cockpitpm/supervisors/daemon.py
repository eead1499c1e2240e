"""The life of one supervisord of our own: where it lives, how it starts, whether it answers.

It is started by its own python in a session of its own, so it outlives us; it gets a fixed environment, so services
do not depend on who happened to start it; it needs no root rights.
"""

from __future__ import annotations

import fcntl
import os
import pwd
import re
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from cockpitpm import beneath
from cockpitpm.errors import SupervisorError
from cockpitpm.model.service import PATH
from cockpitpm.ports import Clock
from cockpitpm.supervisors.definitions import replace
from cockpitpm.supervisors.rpc import Client, Code, Down, Refusal

_SOCKET_BYTES = 107  # what the kernel takes for the address of a unix socket
_BIND_SUFFIX = len(".4194304")  # supervisord binds `<socket>.<pid>` first and then renames it
_PLAIN_PATH = re.compile(r"/[\w@:,./+=~-]*")

_CONFIGURATION = """\
; Written by cockpitpm at every start of this supervisord.
[supervisord]
logfile = {folder}/supervisord.log
logfile_maxbytes = 1MB
logfile_backups = 1
pidfile = {folder}/supervisord.pid
childlogdir = {folder}/logs
nocleanup = true
identifier = cockpitpm
directory = /
umask = 022
minfds = 256
minprocs = 1
environment = TMPDIR="{temporary}"

[unix_http_server]
file = {socket}
chmod = 0700

[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface

[include]
files = {folder}/conf.d/*.conf {folder}/boot.conf
"""


class Daemon:
    """A supervisord whose whole state is in `folder`, an absolute path without links."""

    def __init__(
        self, folder: Path, python: tuple[str, ...], clock: Clock, environment: Mapping[str, str], answer_within: float
    ) -> None:
        self.folder = folder
        self.socket = folder / "rpc.sock"
        self.log = folder / "supervisord.log"
        self._python = python
        self._clock = clock
        self._environment = {**own_environment(), **environment}
        self._answer_within = answer_within
        self._client = Client(self.socket, answer_within)

    def call(self, method: str, *arguments: Any) -> Any:
        """Ask the running supervisord. Raises Down, Refusal or SupervisorError."""
        self._check_path()
        return self._client.call(method, *arguments)

    def pid(self) -> int | None:
        """The process of the supervisord, None if none runs. One that is shutting down is waited for."""
        deadline = self._clock.monotonic() + self._answer_within
        while True:
            try:
                return int(self.call("getPID"))
            except Down:
                return None
            except Refusal as refusal:
                if refusal.code != Code.SHUTDOWN_STATE or self._clock.monotonic() > deadline:
                    raise
            self._clock.sleep(0.02)

    def ensure(self, prepare: Callable[[], None]) -> None:
        """Start a supervisord if none runs; `prepare` is called right before. Two callers start only one.

        Raises SupervisorError with the reason that supervisord gave.
        """
        if self.pid() is not None:
            return
        try:
            with self._alone():
                if self.pid() is None:
                    self._configure()
                    prepare()
                    self._start()
        except OSError as error:
            raise SupervisorError(f"supervisord cannot live in {self.folder}: {error}") from error

    def _configure(self) -> None:
        """Write its configuration, and take the socket of a dead one away: supervisord would wait for it."""
        with suppress(FileNotFoundError):
            beneath.unlink(self.socket)
        temporary = self._environment.get("TMPDIR", "/tmp")  # what programs take where nothing is said
        configuration = _CONFIGURATION.format(folder=self.folder, socket=self.socket, temporary=temporary)
        replace(self.folder / "supervisord.conf", configuration)

    def _check_path(self) -> None:
        path = str(self.folder)
        if not _PLAIN_PATH.fullmatch(path):
            raise SupervisorError(
                f"supervisord cannot live in {path!r}", "Use a root whose path has only letters, digits and _ - . +"
            )
        if len(os.fsencode(self.socket)) + _BIND_SUFFIX > _SOCKET_BYTES:
            raise SupervisorError(
                f"the socket {self.socket} has more than {_SOCKET_BYTES - _BIND_SUFFIX} bytes in its path",
                "Use a root with a shorter path",
            )

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Hold the right to start it. The descriptor is closed in the children, so the lock never outlives us."""
        for folder in (*self.folder.parents[::-1], self.folder, self.folder / "conf.d", self.folder / "logs"):
            if not beneath.is_folder(folder):
                with suppress(FileExistsError):
                    beneath.make_folder(folder, 0o700)
        descriptor = beneath.open_file(self.folder / "starting", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _start(self) -> None:
        """supervisord opens its socket before it leaves us, so it can be asked as soon as this returns."""
        configuration = self.folder / "supervisord.conf"
        python, *program = self._python
        command = (python, "-I", "-X", "utf8", *program, "-m", "supervisor.supervisord", "-c", str(configuration))
        hint = f"Look at {self.log}"
        # When it starts it tries out the folder for temporary files; that one is ours, services get theirs as ever.
        environment = {**self._environment, "TMPDIR": str(self.folder)}
        try:
            done = subprocess.run(
                command,
                cwd="/",
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                start_new_session=True,
                timeout=self._answer_within,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise SupervisorError(f"supervisord cannot be started: {error}", hint) from error
        if done.returncode != 0 or self.pid() is None:
            said = done.stderr.decode(errors="replace").strip().splitlines()
            reason = next((line for line in said if line.startswith("Error")), said[-1] if said else "it did not stay")
            raise SupervisorError(f"supervisord cannot be started: {reason}", hint)


def own_environment() -> Mapping[str, str]:
    """What supervisord and through it every service finds in its environment, whoever starts it."""
    home, user = "/", str(os.getuid())
    try:
        entry = pwd.getpwuid(os.getuid())
        home, user = entry.pw_dir, entry.pw_name
    except KeyError:  # a container may run us as a user that has no name
        pass
    return {"PATH": PATH, "HOME": home, "USER": user, "LOGNAME": user, "LANG": "C.UTF-8"}
