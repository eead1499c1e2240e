"""SIGKILL at every step that a journal takes: a secret is in the secret store and with the supervisor, nowhere else."""

from __future__ import annotations

from pathlib import Path

import pytest

from cockpitpm.app.secrets import set_
from cockpitpm.model.receipt import Verb
from tests.faults.oracle import Act
from tests.faults.scenes import Scene
from tests.faults.sweep import Sweep
from tests.sim.machine import DUO, MachineSim
from tests.sim.world import program

ENV = "    env: [{var: API_TOKEN, default: none, desc: What opens the door.}]\n"
SOON = ", ready_within: 0.5, stays_ready: 0.2}"
BUNDLE = DUO.replace("    kind: server\n", "    kind: server\n" + ENV).replace("path: /health}", "path: /health" + SOON)
OLD, NEW = "canary-of-before", "canary-of-after"


def published(behaviour: str) -> dict[str, bytes]:
    """A build of both binaries. It writes its secret into its log, as programs do that fail to use one."""
    server = program("2-duo_server", behaviour, says=("cannot use the token $API_TOKEN",))
    return {"duo_server": server, "duo_admin": program("2-duo_admin")}


def rotated(behaviour: str) -> Act:
    """A machine with the old secret in its service, a new one in its store, and a build that behaves like this."""

    def ready(machine: MachineSim) -> None:
        set_(machine.host(), "duo", "API_TOKEN", OLD)
        machine.publish("1")
        machine.run(Verb.INSTALL, "duo")
        set_(machine.host(), "duo", "API_TOKEN", NEW)
        builds = published(behaviour)
        machine.forge.publish("duo", "latest", {f"{n}-linux-musl-x86_64": data for n, data in builds.items()})

    return ready


def upgraded(machine: MachineSim) -> object:
    """What is killed."""
    return machine.run(Verb.UPGRADE, "duo")


def token(machine: MachineSim) -> str:
    """What the service is told now."""
    definition = machine.host().supervisor.definition("duo_server")
    assert definition
    return dict(definition.env)["API_TOKEN"]


@pytest.mark.parametrize("step", [13, pytest.param(3, marks=pytest.mark.slow)])
@pytest.mark.parametrize(("behaviour", "version", "value"), [("good", "2", NEW), ("sick", "1", OLD)])
def test_killed_at_every_step_of_its_journal(folder: Path, behaviour: str, version: str, value: str, step: int) -> None:
    scene = Scene(
        name=behaviour,
        ready=rotated(behaviour),
        work=upgraded,
        bundle=BUNDLE,
        secrets=(OLD, NEW),
        passing=published(behaviour),
    )
    sweep = Sweep(folder, scene)
    steps = [p for p in sweep.points() if p[0].endswith(("record/journal.py", "act/transaction.py"))][::step]
    found = []
    ends = set()
    for point in steps:
        machine = sweep.kill(point)
        wrong = sweep.wrong(machine)
        end = (machine.versions()["duo_server"].partition("-")[0], token(machine))
        ends.add(end)
        # Version 1 was registered with the value of before, and gets it back whatever the store holds by now.
        if end not in {("1", OLD), (version, value)}:
            wrong.append(f"it ended as {end}")
        found += [(point, wrong)] if wrong else []
    assert not found, "\n".join(f"{Path(f).name}:{n} #{c}: {w}" for (f, n, c), w in found[:20])
    assert len(steps) > 60 // step and ends == {("1", OLD), (version, value)}
