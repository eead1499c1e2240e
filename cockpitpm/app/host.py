"""One machine, opened: its settings, role and catalog, its ports, its engine. Each part is made when first needed."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from cockpitpm import beneath
from cockpitpm.app.invocation import Invocation as Invocation
from cockpitpm.app.invocation import Ports as Ports
from cockpitpm.app.secrets import Given, forge_token, secrets_of
from cockpitpm.clock import SystemClock
from cockpitpm.decide.role import decide_role
from cockpitpm.decide.running import judge
from cockpitpm.declare.catalog import resolve
from cockpitpm.declare.data import bundles_folder
from cockpitpm.declare.machine import read_machine
from cockpitpm.errors import MachineError, StoreError
from cockpitpm.model.bundle import Bundle, Repo, Service
from cockpitpm.model.catalog import Catalog
from cockpitpm.model.facts import InPlace, MachineFacts, Sight
from cockpitpm.model.role import RoleChoice, RoleLevel
from cockpitpm.model.service import Definition, ProbeTarget
from cockpitpm.model.settings import Require, Settings
from cockpitpm.observe.services import look_at
from cockpitpm.ports import Clock, Forge, Prober, Processes, Supervisor
from cockpitpm.processes import LinuxProcesses
from cockpitpm.record import generations, home, journal, roots
from cockpitpm.record.durable import disk, make_folder
from cockpitpm.record.layout import Layout
from cockpitpm.record.lock import Holder, locked
from cockpitpm.supervisors import open_supervisor

if TYPE_CHECKING:
    from cockpitpm.act.machine import Machine, Rules
    from cockpitpm.act.recovery import Recovered

# A verb that only looks must not pay for the engine, the forges and the probes: they are imported where they are used.


class Host:
    """One machine, opened for one command. Nothing is read before it is asked for, and nothing twice."""

    def __init__(self, invocation: Invocation, ports: Ports | None = None) -> None:
        self.invocation = invocation
        self.layout = roots.layout_of(invocation.root)
        self.ports = ports or Ports()
        self._forges: dict[str, Forge] = dict(self.ports.forges)

    @cached_property
    def settings(self) -> Settings:
        """What machine.yaml says; defaults where there is none. Raises MachineError with its line and column."""
        path = self.layout.settings
        try:
            text = beneath.read(path)
        except FileNotFoundError:
            text = b""
        except beneath.Linked:
            with disk("read"):
                raise
        except OSError as error:
            hint = "Run the command as the owner of the root"
            raise MachineError(f"Cannot read {path}: {error.strerror}", hint) from error
        return read_machine(text, str(path))

    @cached_property
    def role(self) -> RoleChoice:
        """The machine's role and where it comes from."""
        levels = (
            RoleLevel(source=str(self.layout.settings), value=self.settings.role),
            RoleLevel(source="COCKPIT_MACHINE_ROLE", value=self.invocation.env_role),
        )
        asked = self.invocation.role
        return decide_role((RoleLevel(source="--role", value=asked.value), *levels) if asked else levels)

    @cached_property
    def bundles_folder(self) -> Path:
        """Where the bundles are."""
        return self.invocation.bundles or bundles_folder()

    @cached_property
    def catalog(self) -> Catalog:
        """The bundles that this machine's role sees."""
        return resolve(self.bundles_folder, self.role.role)

    @cached_property
    def socket_root(self) -> str:
        """Where services listen, absolute."""
        said = self.settings.socket_root or "var/sockets"
        home = self.invocation.environment.get("HOME", "")
        return str(Path(home, said[2:]) if said.startswith("~/") and home else self.layout.root / said)

    @cached_property
    def clock(self) -> Clock:
        """The machine's time."""
        return self.ports.clock or SystemClock()

    @cached_property
    def processes(self) -> Processes:
        """The machine's processes."""
        return self.ports.processes or LinuxProcesses()

    @cached_property
    def prober(self) -> Prober:
        """Asks services."""
        from cockpitpm.probes import SystemProber

        return self.ports.prober or SystemProber()

    @cached_property
    def supervisor(self) -> Supervisor:
        """What keeps this machine's services running."""
        if self.ports.supervisor:
            return self.ports.supervisor
        kind = self.settings.supervisor
        mine = self.invocation
        return open_supervisor(
            kind,
            self.layout.var / kind,
            self.processes,
            self.clock,
            mine.environment,
            mine.python,
            (*mine.program, "recover", "--root", str(self.layout.root)),
        )

    def forge(self, repo: Repo) -> Forge:
        """The forge that a bundle's repository is on. Raises MachineError if machine.yaml does not name it."""
        from cockpitpm.forges import open_forge

        if repo.forge not in self._forges:
            settings = self.settings.forges.get(repo.forge)
            if settings is None:
                known = ", ".join(self.settings.forges)
                hint = f"Add it under forges in {self.layout.settings}; known: {known}"
                raise MachineError(f"There is no forge called {repo.forge!r}", hint)
            self._forges[repo.forge] = open_forge(repo.forge, settings, self._token(repo.forge), warn=self._warn)
        return self._forges[repo.forge]

    def _token(self, forge: str) -> str | None:
        return forge_token(secrets_of(self.layout), forge, self.settings.forges[forge], self._warn)

    def _warn(self, text: str) -> None:
        self.invocation.reporter.warning("", text)

    @cached_property
    def given(self) -> Given:
        """What services get beside the defaults of their bundles."""
        return Given(self.layout)

    def channel_of(self, bundle: Bundle) -> str:
        """The channel an app follows on this machine."""
        return self.settings.channel_of(bundle.name, bundle.channel)

    def facts(self) -> MachineFacts:
        """The machine around the apps."""
        found = {app: self._installed(app) for app in generations.apps(self.layout)}
        installed = {app: bundle for app, bundle in found.items() if bundle}
        kept = secrets_of(self.layout)
        secrets = {context: kept.context(context) for context in kept.contexts()}
        return MachineFacts(
            root=str(self.layout.root), socket_root=self.socket_root, installed=installed, secrets=secrets
        )

    def _installed(self, app: str) -> Bundle | None:
        """The bundle of the current generation; None if its file was damaged, which `status` tells."""
        try:
            number = generations.number_of(generations.current_live(self.layout, app))
            return generations.read(self.layout, app, number).bundle
        except StoreError:
            return None

    def machine(self) -> Machine:
        """The engine's view of this machine."""
        from secrets import token_hex

        from cockpitpm.act.machine import Machine
        from cockpitpm.act.runnable import read_executable

        return Machine(
            layout=self.layout,
            forge=self.forge,
            supervisor=self.supervisor,
            prober=self.prober,
            processes=self.processes,
            clock=self.clock,
            reporter=self.invocation.reporter,
            rules=self._rules(),
            token=self.ports.token or (lambda: token_hex(3)),
            keep=self.settings.keep_generations,
            read=self.ports.read_executable or read_executable,
        )

    def _rules(self) -> Rules:
        from cockpitpm.act.machine import Rules
        from cockpitpm.decide.runnable import caution, unfit
        from cockpitpm.decide.settle import settle

        return Rules(
            settle=settle,
            unfit=unfit,
            caution=caution,
            look=self.look,
            define=self._define,
            question=self._question,
            require=self._require,
        )

    def _require(self, repo: Repo) -> Require:
        known = self.settings.forges.get(repo.forge)
        return known.require if known else Require.NONE

    def look(self, service: Service, place: InPlace) -> Sight:
        """One look at a service, judged."""
        fact = look_at(self.supervisor, self.processes, service.name)
        runs = judge(service, fact, place)
        return Sight(status=fact.status, process=fact.process, images=fact.images, runs=runs)

    def _define(self, service: Service) -> Definition:
        from cockpitpm.decide.definition import definition_of

        return definition_of(service, str(self.layout.root), self.socket_root, *self.given.to(service.name))

    def _question(self, service: Service) -> ProbeTarget | None:
        from cockpitpm.decide.definition import probe_target

        return probe_target(service, str(self.layout.root), self.socket_root, *self.given.to(service.name))

    @contextmanager
    def changing(self) -> Iterator[tuple[Recovered, ...]]:
        """Hold the machine's lock, with everything that was interrupted before finished first.

        Raises MachineError for anybody but the owner of the root, LockedError if somebody else is changing it.
        """
        from cockpitpm.act.recovery import recover

        with self.held():
            followed = self._follow()
            recovered = recover(self.machine())
            if followed and self.supervisor.list():
                self.supervisor.ensure_running()  # with what was ended when it followed
            # Last of all: whoever comes after one that died on the way here has all of it to do again.
            home.settle(self.layout)
            yield recovered

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the machine's lock, and leave alone what was interrupted. Raises as `changing`."""
        self.prepare()
        with locked(self.layout.lock, self._holder()) as dead:
            if dead and not self.processes.alive(dead.process):
                self._warn(f"process {dead.pid} ({dead.command}) died without letting go of the lock; taken over")
            yield

    def _follow(self) -> bool:
        """A machine that was moved or copied: its services must not run the programs of the place that it left."""
        try:
            names = home.left(self.layout)
        except StoreError as error:
            self._warn(f"whether this machine was moved is not known, and taken for no: {error.message}")
            return False
        if names:
            self._warn(f"this machine was at {names[0]}; its services follow it here")
        for old in names:
            self.supervisor.moved(old, str(self.layout.root))
            home.follow(self.layout, old)
        return bool(names)

    def prepare(self) -> None:
        """Make the root. Raises MachineError for anybody but its owner, and where others could change it."""
        roots.check_owner(self.layout, self.invocation.command)
        roots.check(self.layout)
        roots.check_places(self.layout)
        with disk("create the root"):
            make_folder(self.layout.real, 0o755)
            make_folder(self.layout.var.parent, 0o755)
            make_folder(self.layout.var)

    def _holder(self) -> Holder:
        from cockpitpm.act.machine import instant

        me = self.processes.identify(os.getpid())
        boot, _ = self.processes.now()
        return Holder(
            pid=os.getpid(),
            start_ticks=me.start_ticks if me else 0,
            boot_id=boot,
            command=shlex.join(self.invocation.command),
            since=instant(self.clock.now()),
        )


def unfinished(layout: Layout) -> tuple[str, ...]:
    """The transactions that wait for recovery; a reading verb reports them and changes nothing."""
    return tuple(path.stem for path in journal.unfinished(layout.journal))
