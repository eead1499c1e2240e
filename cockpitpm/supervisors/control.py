"""Loading, launching and halting one service of a running supervisord, with all its traps.

supervisord signals a process group that may not exist yet, forgets a group whose leader is gone, and takes a start
for granted that its child cannot carry out. Here a service is halted when no process of it lives, and launched when
a process executes its program.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from cockpitpm.errors import SupervisorError
from cockpitpm.ports import Clock
from cockpitpm.supervisors.daemon import Daemon
from cockpitpm.supervisors.definitions import Definitions
from cockpitpm.supervisors.family import Families, send
from cockpitpm.supervisors.rpc import Code, Down, Refusal
from cockpitpm.supervisors.tail import since, size

Info = Mapping[str, Any]
"""supervisord's answer about one service: `statename`, `pid` (0 if none) and more; empty if it is not loaded."""

_AT_REST = frozenset({"", "STOPPED", "FATAL"})
_SETTLES_WITHIN = 2.0  # seconds from fork to exec, and from death to notice, generously
_EXEC_FAILED = "supervisor: couldn't "
_ENDED_AT_ONCE = "Exited too quickly"


class Control:
    """What the verbs are made of; knows what is defined but not what is wanted."""

    def __init__(self, daemon: Daemon, definitions: Definitions, clock: Clock) -> None:
        self._daemon = daemon
        self._definitions = definitions
        self._clock = clock
        self._families = Families(daemon.socket, clock)

    def infos(self) -> Mapping[str, Info] | None:
        """Every loaded service by name; None while no supervisord runs."""
        try:
            return {info["name"]: info for info in self._daemon.call("getAllProcessInfo")}
        except Down:
            return None

    def info(self, service: str) -> Info:
        """One service. Raises Down while no supervisord runs."""
        try:
            found: Info = self._daemon.call("getProcessInfo", service)
        except Refusal as refusal:
            if refusal.code != Code.BAD_NAME:
                raise
            return {}
        return found

    def load(self, service: str) -> None:
        """Make supervisord read the definition of a service that it does not hold."""
        self._daemon.call("reloadConfig")
        self._try("addProcessGroup", service, unless=Code.ALREADY_ADDED)

    def unload(self, service: str) -> None:
        """Stop it and make supervisord drop it, so that what it has loaded never differs from the file."""
        self.halt(service)
        try:
            self._try("removeProcessGroup", service, unless=Code.BAD_NAME)
        except Down:
            return

    def launch(self, service: str) -> None:
        """Start it if it does not run, after ending what is left of an earlier process."""
        info = self.info(service)
        if _state(info) in ("STARTING", "RUNNING"):
            return
        if not info:
            self.load(service)
        self.halt(service)
        log = self._definitions.log(service)
        before = size(log)
        reason = self._spawn(service) or next(_exec_failures(since(log, before)), "")
        if reason:
            raise SupervisorError(f"service {service} cannot be started: {reason}", f"See {log}")

    def halt(self, service: str) -> None:
        """End all its process groups, and wait until supervisord will not start it by itself."""
        daemon = self._daemon.pid()
        if daemon is None:
            self._end(self._families.groups().get(service, frozenset()), self._definitions.grace(service))
            return
        grace = self._definitions.grace(service)
        deadline = self._clock.monotonic() + 2 * grace + _SETTLES_WITHIN
        while True:
            self._end_known(service, daemon, grace)
            state = self._noticed(service)
            if state in _AT_REST:
                return
            if self._clock.monotonic() > deadline:
                raise SupervisorError(f"service {service} does not stop: {state}", f"See {self._daemon.log}")

    def halt_all(self) -> None:
        """End every service at once, then supervisord itself, then whatever it had forgotten."""
        daemon = self._daemon.pid()
        if daemon is None:
            self.clear()
            return
        infos = self.infos() or {}
        for service, info in infos.items():
            self._ask_stop(service, info)
        self._families.finish(self._others(self._families.groups(daemon)), self._longest(self._definitions.names()))
        self._daemon.call("shutdown")
        self._families.finish({daemon}, 10.0)
        self.clear()

    def clear(self) -> None:
        """End what an earlier supervisord left running. The caller's own group is spared: it has work to do."""
        found = self._families.groups()
        self._end(self._others(found), self._longest(found))

    def holds_us(self, service: str) -> bool:
        """Whether this very process runs in a process group of the service, so that halting it would end us."""
        return os.getpgrp() in self._families.groups().get(service, frozenset())

    def _others(self, found: Mapping[str, frozenset[int]]) -> frozenset[int]:
        return frozenset().union(*found.values()) - {os.getpgrp()}

    def _longest(self, services: Iterable[str]) -> float:
        return max((self._definitions.grace(service) for service in services), default=0.0)

    def _end(self, groups: frozenset[int], grace: float) -> None:
        send(groups, signal.SIGTERM)
        self._families.finish(groups, grace)

    def _end_known(self, service: str, daemon: int, grace: float) -> None:
        """One round of halting: supervisord signals the group of its child, we those that it has forgotten."""
        info = self.info(service)
        own = self._ask_stop(service, info)
        groups = self._families.groups(daemon).get(service, frozenset())
        send(groups - own, signal.SIGTERM)
        self._families.finish(groups | own, grace)

    def _ask_stop(self, service: str, info: Info) -> frozenset[int]:
        """Have supervisord stop the service; returns the process group that gets the signal, if there is one."""
        pid = _pid(info)
        if _state(info) not in (*_AT_REST, "STOPPING"):
            self._settle(service, pid)
            self._try("stopProcess", service, False, unless=Code.NOT_RUNNING)
        return frozenset({pid} if pid else ())

    def _spawn(self, service: str) -> str:
        """Have a process created; why there is none, empty if one was. It may have ended again by now."""
        try:
            self._try("startProcess", service, False, unless=Code.ALREADY_STARTED)
        except Refusal as refusal:
            if refusal.code != Code.SPAWN_ERROR:
                return refusal.text
            said = str(self.info(service).get("spawnerr", ""))
            return "" if said.startswith(_ENDED_AT_ONCE) else said or refusal.text
        self._settle(service, _pid(self.info(service)))
        return ""

    def _noticed(self, service: str) -> str:
        """The state once supervisord has seen that the process is gone; an exited one it starts again at once."""
        deadline = self._clock.monotonic() + _SETTLES_WITHIN
        while (state := _state(self.info(service))) in ("STOPPING", "EXITED"):
            if self._clock.monotonic() > deadline:
                break
            self._clock.sleep(0.002)
        return state

    def _settle(self, service: str, pid: int) -> None:
        """Wait until a process that was just forked executes its own program, or supervisord saw it end.

        Until then it has supervisord's signal handlers and perhaps not yet its own group: a stop would be lost.
        """
        daemon = self._daemon.pid()
        if not pid or daemon is None:
            return
        deadline = self._clock.monotonic() + _SETTLES_WITHIN
        forked = command_line(daemon)
        while self._clock.monotonic() < deadline:
            line = command_line(pid)
            if line and line != forked and not self._definitions.launching(line):
                return
            if not line and _pid(self.info(service)) != pid:
                return
            self._clock.sleep(0.001)

    def _try(self, method: str, *arguments: Any, unless: Code) -> None:
        """Call it; that it was done before is no error."""
        try:
            self._daemon.call(method, *arguments)
        except Refusal as refusal:
            if refusal.code != unless:
                raise


def _state(info: Info) -> str:
    return str(info.get("statename", ""))


def _pid(info: Info) -> int:
    return int(info.get("pid", 0))


def _exec_failures(said: str) -> Iterator[str]:
    """What the child of supervisord wrote when it could not become the program."""
    lines = said.splitlines()
    return (line.removeprefix("supervisor: ") for line in lines if line.startswith(_EXEC_FAILED))


def command_line(pid: int) -> tuple[bytes, ...]:
    """The words that a process was started with; empty for one that is gone or a zombie."""
    try:
        return tuple(Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0"))[:-1]
    except OSError:
        return ()
