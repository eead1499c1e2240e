"""F2: SIGKILL at every step that a journal takes: a secret is kept and with its service, nowhere else."""

from __future__ import annotations

from pathlib import Path

import pytest

from cockpitpm.app.secrets import set_
from cockpitpm.errors import ExitCode
from cockpitpm.model.receipt import Verb
from tests.faults.oracle import Act, done_again
from tests.faults.scenes import Scene
from tests.faults.score import Score
from tests.faults.sweep import Sweep
from tests.sim.machine import DUO, MachineSim, builds

ENV = "    env: [{var: API_TOKEN, default: none, desc: What opens the door.}]\n"
SOON = ", ready_within: 0.5, stays_ready: 0.2}"
BUNDLE = DUO.replace("    kind: server\n", "    kind: server\n" + ENV).replace("path: /health}", "path: /health" + SOON)
OLD, NEW = "canary-of-before", "canary-of-after"


def published(behaviour: str) -> dict[str, bytes]:
    """A build of both binaries. It writes its secret into its log, as programs do that fail to use one."""
    says = builds("2", behaviour, says=("cannot use the token $API_TOKEN",))
    return {**builds("2"), "duo_server": says["duo_server"]}


def rotated(behaviour: str) -> Act:
    """A machine with the old secret in its service, a new one in its store, and a build that behaves like this."""

    def ready(machine: MachineSim) -> None:
        set_(machine.host(), "duo", "API_TOKEN", OLD)
        machine.publish("1")
        machine.run(Verb.INSTALL, "duo")
        set_(machine.host(), "duo", "API_TOKEN", NEW)
        machine.publish(published(behaviour))

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
        code=0 if behaviour == "good" else int(ExitCode.ROLLED_BACK),
    )
    sweep = Sweep(folder, scene)
    steps = [p for p in sweep.points() if p[0].endswith(("record/journal.py", "act/transaction.py"))][::step]
    ends = set()
    with Score("F2", f"SIGKILL at steps of a journal, a secret was rotated, the build is {behaviour}") as score:
        for number, (point, machine) in enumerate(sweep.killed(steps, score)):
            wrong = sweep.wrong(machine)
            end = (machine.versions()["duo_server"].partition("-")[0], token(machine))
            ends.add(end)
            # Version 1 was registered with the value of before, and gets it back whatever the store holds by now.
            if end not in {("1", OLD), (version, value)}:
                wrong.append(f"I10: it ended as {end}")
            if not wrong and number % 4 == 0:
                wrong = done_again(machine, sweep.promise, scene.work)
            score.point(point, wrong)
    score.hold(at_least=60 // step)
    assert ends == {("1", OLD), (version, value)}
