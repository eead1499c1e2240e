"""What is done to a machine while a fault strikes: one scene for each verb that changes one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from attrs import field, frozen

from cockpitpm.app.change import Report
from cockpitpm.app.register import register
from cockpitpm.app.secrets import set_
from cockpitpm.app.services import stop
from cockpitpm.errors import ExitCode
from cockpitpm.model.receipt import Verb
from tests.faults.oracle import Told
from tests.faults.oracle import told as told
from tests.sim.machine import DUO, MachineSim, builds
from tests.sim.world import program

VAR, TOKEN = "API_ADDRESS", "API_TOKEN"
ENV = f"""\
    env:
      - {{var: {VAR}, default: none, desc: Whom to ask.}}
      - {{var: {TOKEN}, default: none, desc: What opens the door.}}
"""
SECRET = "canary-that-nobody-may-see"
SOON = ", ready_within: 0.5, stays_ready: 0.1}"
SWIFT = (
    DUO.replace("path: /health}", f"path: /health{SOON}")
    .replace("path: /}", f"path: /{SOON}")
    .replace("    kind: server\n", f"    kind: server\n{ENV}")
)
"""The same two binaries and three services, the first of which is given a secret. They are watched for a tenth of a
second: a sweep does it thousands of times."""
TOGETHER = SWIFT.replace("repo: duo\n", "repo: duo\nactivation: together\n")
"""The same, whose services all stop before any starts."""
BAD = builds("2", "sick", says=(f"cannot use the token ${TOKEN}",))
"""A build that comes up and answers wrongly. It writes its secret into its log, as programs do that fail to use one."""


@frozen(kw_only=True)
class Scene:
    """`ready` makes the machine that each fault begins with, `work` is what the fault strikes.

    `apart`, `passing`, `code`: see `Promise`. `secrets` are values that nobody may see.
    """

    name: str
    ready: Callable[[MachineSim], object]
    work: Callable[[MachineSim], Any]
    bundle: str = SWIFT
    apart: bool = False
    secrets: tuple[str, ...] = (SECRET,)
    code: int = 0
    passing: Mapping[str, bytes] = field(factory=dict)


def played(scene: Scene, machine: MachineSim) -> Told:
    """Do the work of a scene as the command line does it, with every line that is told on the way."""
    return told(lambda: scene.work(machine), machine)


def fresh(machine: MachineSim) -> None:
    """Version 1 is published, and there is a secret for it."""
    set_(machine.host(), "duo", TOKEN, SECRET)
    machine.publish("1")


def installed(machine: MachineSim, version: str = "1") -> None:
    """This version runs, and none that came before the first one."""
    fresh(machine) if version == "1" else machine.publish(version)
    machine.run(Verb.INSTALL if version == "1" else Verb.UPGRADE, "duo")


def behind(machine: MachineSim) -> None:
    """Version 1 runs and version 2 is published."""
    installed(machine)
    machine.publish("2")


def _partly(machine: MachineSim) -> None:
    """Version 2 is published, in which only one of the two binaries is another one."""
    installed(machine)
    machine.publish({**builds("2"), "duo_admin": program("1-duo_admin")})


def _broken(machine: MachineSim) -> None:
    """Version 2 is published, and does not work."""
    installed(machine)
    machine.publish(BAD)


def _quiet(machine: MachineSim) -> None:
    """Version 2 is published, and a service was stopped on purpose."""
    behind(machine)
    stop(machine.host(), "duo_second_server")


def _upgraded(machine: MachineSim, newest: int) -> None:
    for number in range(1, newest + 1):
        installed(machine, str(number))


def _full(machine: MachineSim) -> None:
    """As many generations as are kept, and one more is published."""
    _upgraded(machine, 3)
    machine.publish("4")


def _fallen(machine: MachineSim) -> None:
    """Two of three services are gone."""
    installed(machine)
    machine.world.die("duo_server")
    machine.world.die("duo_second_server")


def _patched(machine: MachineSim) -> None:
    """Somebody put a binary of their own in place and restarted its services."""
    installed(machine)
    path = machine.root / "bin" / "duo_server"
    path.unlink()
    path.write_bytes(program("mine-duo_server"))
    path.chmod(0o755)
    machine.world.crash("duo_server")
    machine.world.crash("duo_second_server")


def _registered(machine: MachineSim) -> None:
    installed(machine)
    register(machine.host(), "duo_server", {VAR: "old"})


def _run(verb: Verb) -> Callable[[MachineSim], Report]:
    return lambda machine: machine.run(verb, "duo", reason="for the sweep")


def _register(machine: MachineSim) -> Any:
    return register(machine.host(), "duo_server", {VAR: "new"})


SCENES = {
    scene.name: scene
    for scene in (
        Scene(name="install", ready=fresh, work=_run(Verb.INSTALL)),
        Scene(name="upgrade", ready=behind, work=_run(Verb.UPGRADE)),
        Scene(name="partial", ready=_partly, work=_run(Verb.UPGRADE)),
        Scene(name="taken back", ready=_broken, work=_run(Verb.UPGRADE), code=int(ExitCode.ROLLED_BACK), passing=BAD),
        Scene(name="one stopped", ready=_quiet, work=_run(Verb.UPGRADE)),
        Scene(name="together", ready=behind, work=_run(Verb.UPGRADE), bundle=TOGETHER),
        Scene(name="rollback", ready=lambda m: _upgraded(m, 2), work=_run(Verb.ROLLBACK)),
        Scene(name="remove", ready=installed, work=_run(Verb.REMOVE)),
        Scene(name="prune", ready=_full, work=_run(Verb.UPGRADE)),
        Scene(name="converge", ready=_fallen, work=_run(Verb.CONVERGE), apart=True),
        Scene(name="restart", ready=installed, work=_run(Verb.RESTART)),
        Scene(name="stop", ready=installed, work=lambda m: stop(m.host(), "duo"), apart=True),
        Scene(name="register", ready=_registered, work=_register, apart=True),
        Scene(name="adopt", ready=_patched, work=_run(Verb.ADOPT)),
    )
}
"""What changes the services of a machine: every verb of `Verb` but START, which is CONVERGE by another name, and
`stop`, which is no transaction. Five upgrades have a name of their own: `partial` changes one of two binaries, `taken
back` goes to a build that does not work and comes back by itself, `one stopped` finds a service that is meant to stay
so, `together` stops all services before it starts any, `prune` pushes out the oldest generation. Not here: apps that
need each other, binaries that come or go with a build, services that somebody else registered, and downloads that are
archives.
"""
