"""`upgrade --all` over three apps of which one is broken: go on or stop, and do only what is left the next time."""

from __future__ import annotations

from pathlib import Path

import pytest

from cockpitpm.app.change import Report, change, exit_code
from cockpitpm.errors import ExitCode
from cockpitpm.model.outcome import Ended
from cockpitpm.model.plan import OnFailure, Request
from cockpitpm.model.receipt import Verb
from tests.sim.machine import HEADER, MachineSim
from tests.sim.world import program

APP = """\
name: {name}
title: {name}
summary: One of three.
category: core
repo: {name}
targets: [linux-musl-x86_64]
binaries:
  - name: {name}_server
    kind: server
    sockets: [{{name: rpc, path: {name}/rpc.sock}}]
    probe: {{kind: http, socket: rpc, path: /health}}
"""
APPS = ("alpha", "beta", "gamma")


def publish(machine: MachineSim, name: str, version: str, behaviour: str = "good") -> None:
    asset = {f"{name}_server-linux-musl-x86_64": program(version, behaviour)}
    machine.forge.publish(name, "latest", asset)


@pytest.fixture
def machine(root: Path) -> MachineSim:
    """Three apps at version 1; version 2 of beta does not come up."""
    made = MachineSim(root)
    for name in APPS:
        made.bundle(HEADER + APP.format(name=name), name)
        publish(made, name, "1")
    made.run(Verb.INSTALL, *APPS)
    for name in APPS:
        publish(made, name, "2", "sick" if name == "beta" else "good")
    return made


def upgrade(machine: MachineSim, policy: OnFailure) -> Report:
    request = Request(verb=Verb.UPGRADE, actor="test", on_failure=policy)
    return change(machine.host(), request, lambda _: True)


def ended(report: Report) -> dict[str, Ended]:
    return {one.app: one.ended for one in report.outcomes}


def versions(machine: MachineSim) -> list[str]:
    return [machine.versions()[f"{name}_server"] for name in APPS]


def test_one_that_fails_does_not_stop_the_others(machine: MachineSim) -> None:
    report = upgrade(machine, OnFailure.CONTINUE)
    assert ended(report) == {"alpha": Ended.DONE, "beta": Ended.ROLLED_BACK, "gamma": Ended.DONE}
    assert exit_code(report, everything=True) is ExitCode.ROLLED_BACK
    assert versions(machine) == ["2", "1", "2"]


def test_stopping_leaves_the_rest_untouched_and_says_whose_failure_it_was(machine: MachineSim) -> None:
    before = machine.pids()["gamma_server"]
    report = upgrade(machine, OnFailure.STOP)
    assert ended(report) == {"alpha": Ended.DONE, "beta": Ended.ROLLED_BACK, "gamma": Ended.SKIPPED}
    assert report.outcomes[-1].detail == "not tried after the failure of beta"
    assert exit_code(report, everything=True) is ExitCode.ROLLED_BACK
    assert (versions(machine), machine.pids()["gamma_server"]) == (["2", "1", "1"], before)


def test_a_second_run_does_only_what_is_left(machine: MachineSim) -> None:
    upgrade(machine, OnFailure.STOP)
    before = machine.pids()
    report = upgrade(machine, OnFailure.STOP)
    assert ended(report) == {"alpha": Ended.NOTHING, "beta": Ended.SKIPPED, "gamma": Ended.DONE}
    assert versions(machine) == ["2", "1", "2"]
    changed = {name for name, pid in machine.pids().items() if pid != before[name]}
    assert changed == {"gamma_server"}
    publish(machine, "beta", "3")
    assert ended(upgrade(machine, OnFailure.STOP)) == {
        "alpha": Ended.NOTHING,
        "beta": Ended.DONE,
        "gamma": Ended.NOTHING,
    }
