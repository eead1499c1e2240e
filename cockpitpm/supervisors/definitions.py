"""The definitions of one supervisord on disk: one configuration file per service, written and read back here.

The first comment of a file holds the definition as JSON, the second the wanted state; the section below them is made
from these two, so a file that somebody edited is never believed beyond its comments.
"""

from __future__ import annotations

import json
import math
import os
import re
import shlex
from contextlib import suppress
from pathlib import Path

from attrs import frozen

from cockpitpm import beneath
from cockpitpm.errors import SupervisorError
from cockpitpm.model.service import Definition, Wanted
from cockpitpm.supervisors import launch

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@-]*")
_WANTED = "; wanted: "
_GRACE = 10.0
# Outside these characters lie comments, expansions and quotes, which supervisord reads differently in each key.
_PLAIN = re.compile(r"[A-Za-z0-9_@:,./+=~ -]*")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@frozen(kw_only=True)
class Entry:
    """A definition and what was last asked of the service; UNKNOWN until it was started or stopped once."""

    definition: Definition
    wanted: Wanted = Wanted.UNKNOWN


class Definitions:
    """The folder of these files. `logs` is where services write; `launcher` runs what supervisord cannot express."""

    def __init__(self, folder: Path, logs: Path, launcher: tuple[str, ...]) -> None:
        self._folder = folder
        self._logs = logs
        self._launcher = launcher

    def names(self) -> tuple[str, ...]:
        """The defined services, sorted."""
        try:
            stems = [n.removesuffix(".conf") for n in beneath.names(self._folder) if n.endswith(".conf")]
        except OSError as error:
            raise SupervisorError(f"{self._folder} cannot be read: {error.strerror}", _hint(error)) from error
        return tuple(stem for stem in stems if _NAME.fullmatch(stem))

    def read(self, service: str) -> Entry | None:
        """What is kept about a service, None if it is not defined. Raises SupervisorError for an unreadable file."""
        if not _NAME.fullmatch(service):
            return None
        path = self._path(service)
        try:
            entry = parse(beneath.read(path).decode())
            if entry.definition.name != service:
                raise ValueError(f"it is about {entry.definition.name!r}")
            return entry
        except FileNotFoundError:
            return None
        except beneath.Linked as error:
            raise SupervisorError(f"{error.filename} cannot be used: {error.strerror}", _hint(error)) from error
        except (OSError, ValueError, LookupError, TypeError) as error:
            raise SupervisorError(
                f"the definition {path} cannot be read: {error}", "Remove it, then converge"
            ) from error

    def grace(self, service: str) -> float:
        """The seconds a service has to end before it is killed; the default for one that is not defined."""
        entry = self.read(service)
        return entry.definition.stop_timeout if entry else _GRACE

    def log(self, service: str) -> Path:
        """The file that a service writes to. Raises SupervisorError for what cannot be a service."""
        if not _NAME.fullmatch(service):
            raise SupervisorError(f"{service!r} cannot be the name of a service", "Use letters, digits, and _ . @ -")
        return self._logs / f"{service}.log"

    def check(self, definition: Definition) -> None:
        """Raise SupervisorError for a definition that no process could be started from."""
        self.log(definition.name)
        _check(definition)

    def write(self, entry: Entry, *, autostart: bool) -> None:
        """Replace the file of a service at once. `autostart`: run it as soon as a supervisord reads the file."""
        self.check(entry.definition)
        path = self._path(entry.definition.name)
        text = self._render(entry, autostart)
        try:
            if holds(path, text):
                return
            with suppress(FileExistsError):
                beneath.make_folder(self._folder, 0o700)
            replace(path, text)
        except OSError as error:
            raise SupervisorError(f"the definition {path} cannot be written: {error}", _hint(error)) from error

    def remove(self, service: str) -> None:
        """Take the file of a service away, and one that was cut short; nothing happens if there is none."""
        path = self._path(service)
        try:
            there = [file for file in (path, _draft(path)) if beneath.seen(file)]
            for file in there:
                with suppress(FileNotFoundError):
                    beneath.unlink(file)
            if there:
                beneath.sync(self._folder)
        except OSError as error:
            raise SupervisorError(f"the definition {path} cannot be removed: {error}", _hint(error)) from error

    def refresh(self) -> None:
        """Write every file again as this version of cockpitpm would, for a supervisord that is about to start."""
        for service in self.names():
            entry = self.read(service)
            if entry is not None:
                self.write(entry, autostart=entry.wanted is Wanted.RUNNING)

    def launching(self, words: tuple[bytes, ...]) -> bool:
        """Whether a process that was started with these words has yet to become its program."""
        return os.fsencode(self._launcher[-1]) in words

    def _path(self, service: str) -> Path:
        return self._folder / f"{service}.conf"

    def _render(self, entry: Entry, autostart: bool) -> str:
        definition = entry.definition
        settings = {
            **(_plain_settings(definition) or {"command": self._launched(definition)}),
            "autostart": str(autostart).lower(),
            "autorestart": "true",
            "startsecs": "1",  # 0 would restart a program that cannot start without any pause
            "startretries": "10",  # with growing pauses: about a minute
            "stopasgroup": "true",
            "killasgroup": "true",
            "stopwaitsecs": str(math.ceil(definition.stop_timeout) + 1),  # the adapter itself kills on time
            "redirect_stderr": "true",
            "stdout_logfile": str(self.log(definition.name)),
            "stdout_logfile_maxbytes": "5MB",
            "stdout_logfile_backups": "1",
        }
        lines = (f"{key} = {value}" for key, value in settings.items())
        head = (launch.PREFIX + _to_json(definition), _WANTED + entry.wanted.value, f"[program:{definition.name}]")
        return "\n".join((*head, *lines, ""))

    def _launched(self, definition: Definition) -> str:
        return shlex.join((*self._launcher, str(self._path(definition.name))))


def parse(text: str) -> Entry:
    """Read the comments of a file back. Raises ValueError, LookupError or TypeError for a file that lacks them."""
    first, second = text.split("\n")[:2]
    if not first.startswith(launch.PREFIX) or not second.startswith(_WANTED):
        raise ValueError("its first two lines are not ours")
    fields = json.loads(first.removeprefix(launch.PREFIX))
    definition = Definition(
        name=fields["name"],
        command=tuple(fields["command"]),
        env=tuple((name, value) for name, value in fields["env"]),
        directory=fields["directory"],
        stop_timeout=fields["stop_timeout"],
    )
    return Entry(definition=definition, wanted=Wanted(second.removeprefix(_WANTED)))


def replace(path: Path, text: str) -> None:
    """Write a file so that after a power cut it is either the old or the new one. Mode 0600."""
    draft = _draft(path)
    with suppress(FileNotFoundError):
        beneath.unlink(draft)
    handle = beneath.open_file(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(handle)
    beneath.move(draft, path)
    beneath.sync(path.parent)


def holds(path: Path, text: str) -> bool:
    """Whether a file is there and holds this. Raises OSError."""
    return beneath.is_file(path) and beneath.read(path) == text.encode()


def _hint(error: OSError) -> str:
    """The way out where a link stands in the way; of other errors nobody knows one."""
    return error.hint if isinstance(error, beneath.Linked) else ""


def _draft(path: Path) -> Path:
    return path.with_name(path.name + ".tmp")


def _to_json(definition: Definition) -> str:
    fields = {
        "name": definition.name,
        "command": definition.command,
        "env": definition.env,
        "directory": definition.directory,
        "stop_timeout": definition.stop_timeout,
    }
    return json.dumps(fields)


def _plain_settings(definition: Definition) -> dict[str, str] | None:
    """The keys that say what to run, None if some value cannot be said in them."""
    values = (*definition.command, definition.directory, *(value for _, value in definition.env))
    names = (name for name, _ in definition.env)
    if not all(map(_PLAIN.fullmatch, values)) or not all(map(_VARIABLE.fullmatch, names)):
        return None
    return {
        "command": shlex.join(definition.command),
        "environment": ",".join(f'{name}="{value}"' for name, value in definition.env),
        "directory": definition.directory,
    }


def _check(definition: Definition) -> None:
    """Refuse what no process could be given."""
    name = definition.name
    if not definition.command or not definition.command[0]:
        raise SupervisorError(f"service {name} has no command")
    texts = (*definition.command, definition.directory, *(text for pair in definition.env for text in pair))
    if any("\0" in text for text in texts):
        raise SupervisorError(f"service {name}: a zero byte cannot be in a command or its environment")
    wrong = [variable for variable, _ in definition.env if not variable or "=" in variable]
    if wrong:
        raise SupervisorError(f"service {name}: {wrong[0]!r} cannot be the name of a variable")
    if not 0 <= definition.stop_timeout < math.inf:
        raise SupervisorError(f"service {name}: stop_timeout {definition.stop_timeout} is not a time")
