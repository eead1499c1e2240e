"""What is done to a machine while a fault strikes: one scene for each verb that changes one."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from typing import Any

from attrs import field, frozen

from cockpitpm.app.change import Report, exit_code
from cockpitpm.app.register import register
from cockpitpm.app.report import to_json
from cockpitpm.errors import CockpitPmError, ExitCode
from cockpitpm.model.receipt import Verb
from tests.faults.oracle import INTERRUPTED, Told
from tests.sim.machine import DUO, MachineSim
from tests.sim.world import program

VAR = "API_ADDRESS"
ENV = f"    env: [{{var: {VAR}, default: none, desc: Whom to ask.}}]\n"
SOON = ", ready_within: 0.5, stays_ready: 0.1}"
SWIFT = (
    DUO.replace("path: /health}", f"path: /health{SOON}")
    .replace("path: /}", f"path: /{SOON}")
    .replace("    kind: server\n", f"    kind: server\n{ENV}")
)
"""The same two binaries and three services, watched for a tenth of a second: a sweep does it thousands of times."""


@frozen(kw_only=True)
class Scene:
    """`ready` makes the machine that each fault begins with, `work` is what the fault strikes.

    `apart`, `passing`: see `Promise`. `secrets` are values that nobody may see.
    """

    name: str
    ready: Callable[[MachineSim], object]
    work: Callable[[MachineSim], Any]
    bundle: str = SWIFT
    apart: bool = False
    secrets: tuple[str, ...] = ()
    passing: Mapping[str, bytes] = field(factory=dict)


def told(work: Callable[[], Any]) -> Told:
    """Do it as the command line does: every end becomes an exit code and words."""
    try:
        report = work()
    except CockpitPmError as error:
        return Told(code=int(error.exit_code), text=str(error))
    except KeyboardInterrupt:
        return Told(code=INTERRUPTED, text="Interrupted")
    except Exception:  # noqa: BLE001 - the command line tells any of them as a bug
        return Told(code=int(ExitCode.BUG), text=traceback.format_exc())
    report = report[0] if isinstance(report, tuple) and report else report
    if not isinstance(report, Report):
        return Told(code=0)
    code = exit_code(report, everything=False)
    return Told(code=int(code), text=str(to_json(report, code)))


def installed(machine: MachineSim, version: str = "1") -> None:
    """This version runs."""
    machine.publish(version)
    machine.run(Verb.INSTALL if version == "1" else Verb.UPGRADE, "duo")


def behind(machine: MachineSim) -> None:
    """Version 1 runs and version 2 is published."""
    installed(machine)
    machine.publish("2")


def _partly(machine: MachineSim) -> None:
    """Version 2 is published, in which only one of the two binaries is another one."""
    installed(machine)
    builds = {"duo_server": program("2-duo_server"), "duo_admin": program("1-duo_admin")}
    machine.forge.publish("duo", "latest", {f"{n}-linux-musl-x86_64": data for n, data in builds.items()})


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
        Scene(name="install", ready=lambda m: m.publish("1"), work=_run(Verb.INSTALL)),
        Scene(name="upgrade", ready=behind, work=_run(Verb.UPGRADE)),
        Scene(name="partial", ready=_partly, work=_run(Verb.UPGRADE)),
        Scene(name="rollback", ready=lambda m: _upgraded(m, 2), work=_run(Verb.ROLLBACK)),
        Scene(name="remove", ready=installed, work=_run(Verb.REMOVE)),
        Scene(name="prune", ready=_full, work=_run(Verb.UPGRADE)),
        Scene(name="converge", ready=_fallen, work=_run(Verb.CONVERGE), apart=True),
        Scene(
            name="register",
            ready=_registered,
            work=lambda m: register(m.host(), "duo_server", {VAR: "new"}),
            apart=True,
        ),
        Scene(name="adopt", ready=_patched, work=_run(Verb.ADOPT)),
    )
}
"""Every verb that changes a machine; `prune` is an upgrade that pushes out the oldest generation, `partial`
one that changes one of two binaries."""
