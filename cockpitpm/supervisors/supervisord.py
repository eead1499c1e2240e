"""The embedded supervisor: a supervisord that cockpitpm starts under the machine's root and owns.

What a service is meant to do is kept beside its definition, so it survives a crash of supervisord and a reboot: a
new supervisord starts what was last asked to run. Reading never starts one.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Mapping
from pathlib import Path

from attrs import evolve

from cockpitpm.errors import SupervisorError
from cockpitpm.model.process import ProcessId
from cockpitpm.model.service import Definition, ServiceState, ServiceStatus, Wanted
from cockpitpm.ports import Clock, Processes
from cockpitpm.supervisors import launch
from cockpitpm.supervisors.boot import Boot, put
from cockpitpm.supervisors.control import Control, Info
from cockpitpm.supervisors.daemon import Daemon
from cockpitpm.supervisors.definitions import Definitions, Entry
from cockpitpm.supervisors.family import send
from cockpitpm.supervisors.rpc import Down
from cockpitpm.supervisors.tail import exists, tail

_LIVING = frozenset({"STARTING", "RUNNING", "STOPPING"})
_FALLEN = frozenset({"BACKOFF", "EXITED", "FATAL"})
_NOT_LOADED = "STOPPED"


class Supervisord:
    """The Supervisor port over a supervisord in `folder`, such as the machine's `var/cockpitpm/supervisord`.

    `environment` is added to the fixed one that every service gets beside its own variables. `python` are the words
    that start an interpreter which can import supervisor. `recover` is the command that a supervisord runs once if it
    was not we who started it; empty for none. `answer_within` is in seconds.
    """

    def __init__(
        self,
        folder: Path,
        processes: Processes,
        clock: Clock,
        environment: Mapping[str, str],
        python: tuple[str, ...] = (sys.executable,),
        recover: tuple[str, ...] = (),
        answer_within: float = 10.0,
    ) -> None:
        home = folder.resolve()  # two names of one root must lead to one supervisord
        self._processes = processes
        self._daemon = Daemon(home, python, clock, environment, answer_within)
        self._launch = home / "launch.py"
        launcher = (python[0], "-I", "-S", str(self._launch))
        self._boot = Boot(home, recover)
        self._definitions = Definitions(home / "conf.d", home / "logs", launcher)
        self._aside = Definitions(home / "aside", home / "logs", launcher)
        self._control = Control(self._daemon, self._definitions, clock)

    def list(self) -> tuple[ServiceStatus, ...]:
        """Every defined service, sorted by name; all are UNKNOWN while no supervisord runs."""
        names = self._definitions.names()
        infos = self._control.infos() if names else None
        return tuple(self._told(self._entry(name), None if infos is None else infos.get(name, {})) for name in names)

    def status(self, service: str) -> ServiceStatus:
        """One service; UNKNOWN while no supervisord runs, `wanted` is what was last asked of it."""
        entry = self._definitions.read(service)
        if entry is None:
            return ServiceStatus(name=service, state=ServiceState.ABSENT)
        try:
            return self._told(entry, self._control.info(service))
        except Down:
            return self._told(entry, None)

    def definition(self, service: str) -> Definition | None:
        """The definition, None for an unknown service."""
        entry = self._definitions.read(service)
        return None if entry is None else entry.definition

    def logs(self, service: str, lines: int) -> str:
        """The last lines, also of a service that was forgotten, and while no supervisord runs."""
        log = self._definitions.log(service)
        if not exists(log):
            self._entry(service)
        return tail(log, lines)

    def ensure_running(self) -> None:
        """Start the supervisord if none runs. What a killed one left behind is ended first, then started anew."""
        self._daemon.ensure(self._prepare)
        self._equip()
        self._boot.arm()

    def shutdown(self) -> None:
        """End every service and the supervisord; what is wanted stays as it is. Returns when nothing is left."""
        self._control.halt_all()

    def start(self, service: str) -> None:
        """Start it if it does not run. Raises SupervisorError with the reason if its program cannot be executed."""
        self._want(service, Wanted.RUNNING)
        self.ensure_running()
        self._control.launch(service)

    def stop(self, service: str) -> None:
        """End its process groups, also those whose leader has gone."""
        self._want(service, Wanted.STOPPED)
        self._control.halt(service)

    def cycle(self, service: str, only_if: ProcessId | None) -> None:
        """Stop and start it if its process is still `only_if`.

        A caller that is part of the service may end with it: there supervisord itself does the start half.
        """
        self._entry(service)
        self.ensure_running()
        pid = self.status(service).pid
        if (None if pid is None else self._processes.identify(pid)) != only_if:
            return
        self._want(service, Wanted.RUNNING)
        if pid is not None and self._control.holds_us(service):
            send({pid}, signal.SIGTERM)
            return
        self._control.halt(service)
        self._control.launch(service)

    def define(self, definition: Definition) -> None:
        """Hold exactly this definition. What is wanted of a service outlives a new definition of it."""
        entry = self._definitions.read(definition.name)
        if entry is not None and entry.definition == definition:
            return
        new = Entry(definition=definition, wanted=entry.wanted if entry else Wanted.UNKNOWN)
        self._definitions.check(definition)
        self.ensure_running()
        if entry is not None:
            self._control.unload(definition.name)
        self._definitions.write(new, autostart=False)  # it is left stopped
        self._control.load(definition.name)
        self._definitions.write(new, autostart=new.wanted is Wanted.RUNNING)

    def set_aside(self, service: str) -> None:
        """Keep the definition in a file of its own; one that is there stays."""
        entry = self._definitions.read(service)
        if entry is not None and self._aside.read(service) is None:
            self._aside.write(entry, autostart=False)

    def aside(self, service: str) -> Definition | None:
        """The definition that was set aside."""
        entry = self._aside.read(service)
        return None if entry is None else entry.definition

    def drop_aside(self, service: str) -> None:
        """Delete what was set aside."""
        self._aside.remove(service)

    def moved(self, old: str, new: str) -> None:
        """Write every definition anew, and let the next supervisord start from them."""
        if self._daemon.pid() is not None:
            self.shutdown()
        for definitions, started in ((self._definitions, True), (self._aside, False)):
            for name in definitions.names():
                entry = definitions.read(name)
                if entry is not None:
                    autostart = started and entry.wanted is Wanted.RUNNING
                    definitions.write(evolve(entry, definition=entry.definition.moved(old, new)), autostart=autostart)

    def forget(self, service: str) -> None:
        """Stop it and remove its definition; its log stays."""
        if self._definitions.read(service) is not None:
            self._control.unload(service)
            self._definitions.remove(service)

    def _prepare(self) -> None:
        self._control.clear()
        self._definitions.refresh()
        self._equip()
        self._boot.disarm()

    def _equip(self) -> None:
        """Keep the launcher of services where no upgrade of ours takes it away."""
        put(self._launch, Path(launch.__file__).read_text(encoding="utf-8"))

    def _entry(self, service: str) -> Entry:
        entry = self._definitions.read(service)
        if entry is None:
            raise SupervisorError(f"no service is called {service}", "It must be defined first")
        return entry

    def _want(self, service: str, wanted: Wanted) -> None:
        """Remember what is asked before it is done: a supervisord that starts later does the same."""
        entry = evolve(self._entry(service), wanted=wanted)
        self._definitions.write(entry, autostart=wanted is Wanted.RUNNING)

    def _told(self, entry: Entry, info: Info | None) -> ServiceStatus:
        """supervisord's answer in our words; None is its silence."""
        name, wanted = entry.definition.name, entry.wanted
        if info is None:
            return ServiceStatus(name=name, state=ServiceState.UNKNOWN, wanted=wanted, raw="supervisord does not run")
        raw = str(info.get("statename", _NOT_LOADED))
        pid = int(info.get("pid", 0))
        alive = pid > 0 and self._processes.identify(pid) is not None
        state = state_of(raw, alive=alive, wanted=wanted)
        return ServiceStatus(name=name, state=state, pid=pid if alive else None, wanted=wanted, raw=raw)


def state_of(raw: str, *, alive: bool, wanted: Wanted) -> ServiceState:
    """supervisord's word in ours. A word that claims a process without one is not believed."""
    if raw in _LIVING:
        return ServiceState.RUNNING if alive else ServiceState.UNKNOWN
    if raw == "STOPPED" or (raw in _FALLEN and wanted is Wanted.STOPPED):
        return ServiceState.STOPPED
    return ServiceState.FAILED if raw in _FALLEN else ServiceState.UNKNOWN
