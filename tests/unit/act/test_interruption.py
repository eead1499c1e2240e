"""How long services were away, measured by the clock of a simulated machine, and what a plan expects from that."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cockpitpm.app import planfile
from cockpitpm.app.services import stop
from cockpitpm.errors import ExitCode
from cockpitpm.model.plan import Request
from cockpitpm.model.receipt import Verb
from cockpitpm.ports import Reporter
from cockpitpm.record import history
from tests.sim.machine import DUO, SERVICES, MachineSim
from tests.sim.world import SLOW, program

CYCLE = 6
"""Milliseconds that the simulated supervisor needs to stop and start a service."""
LOOK = 60
"""Milliseconds within which readiness is seen: the pause between two looks, and the looking."""
TOGETHER = f"{DUO}activation: together\n"
ALL = dict.fromkeys(SERVICES, CYCLE)


def lines(machine: MachineSim) -> Path:
    return machine.host().layout.history


def last(machine: MachineSim) -> dict[str, int | None]:
    *_, line = history.entries(lines(machine))
    return {change.service: change.interrupted_ms for change in line.services}


def mixed(machine: MachineSim, version: str, server: str, admin: str) -> None:
    behaviours = {"duo_server": server, "duo_admin": admin}
    assets = {f"{n}-linux-musl-x86_64": program(f"{version}-{n}", how) for n, how in behaviours.items()}
    machine.forge.publish("duo", "latest", assets)


def foreseen(machine: MachineSim, verb: Verb, *names: str) -> list[str]:
    found = machine.plan(verb, *names).apps[0].interruption
    return [one.service for one in found.services] if found else []


def expected(machine: MachineSim, verb: Verb = Verb.RESTART) -> dict[str, tuple[int | None, int]]:
    found = machine.plan(verb, "duo").apps[0].interruption
    assert found
    return {one.service: (one.expected_ms, one.restarts) for one in found.services}


def test_an_install_interrupts_nothing(machine: MachineSim) -> None:
    assert last(machine) == dict.fromkeys(SERVICES)


@pytest.mark.parametrize("verb", [Verb.UPGRADE, Verb.RESTART, Verb.CONVERGE])
def test_only_restarts_are_measured(machine: MachineSim, verb: Verb) -> None:
    machine.publish("2")
    assert machine.code(verb, "duo") is ExitCode.DONE
    changes_nothing = verb is Verb.CONVERGE
    assert last(machine) == (dict.fromkeys(SERVICES) if changes_nothing else ALL)


def test_it_lasts_until_the_new_process_answers(machine: MachineSim) -> None:
    machine.publish("2", "slow")
    assert machine.code(Verb.UPGRADE, "duo") is ExitCode.DONE
    assert all(SLOW * 1000 <= (ms or 0) <= SLOW * 1000 + CYCLE + LOOK for ms in last(machine).values())


def test_who_is_back_early_does_not_pay_for_the_slow_one(machine: MachineSim) -> None:
    machine.bundle(TOGETHER)
    assert machine.code(Verb.UPGRADE, "duo") is ExitCode.DONE
    mixed(machine, "2", server="slow", admin="good")
    assert machine.code(Verb.UPGRADE, "duo") is ExitCode.DONE
    found = last(machine)
    assert (found["duo_server"] or 0) >= SLOW * 1000, "all were stopped before the flip, which counts too"
    assert CYCLE <= (found["duo_admin"] or 0) <= 2 * LOOK


def test_what_did_not_run_was_not_interrupted(machine: MachineSim) -> None:
    stop(machine.host(), "duo_admin")
    assert machine.code(Verb.START, "duo_admin") is ExitCode.DONE
    assert last(machine)["duo_admin"] is None
    machine.world.die("duo_server")
    assert machine.code(Verb.CONVERGE, "duo") is ExitCode.DONE
    assert last(machine)["duo_server"] is None


def test_what_keeps_its_bytes_is_not_interrupted(machine: MachineSim) -> None:
    change_one_binary(machine)
    assert machine.code(Verb.UPGRADE, "duo") is ExitCode.DONE
    assert last(machine) == {**dict.fromkeys(SERVICES), "duo_admin": CYCLE}


def test_a_changed_definition_interrupts_from_the_moment_it_is_registered(machine: MachineSim) -> None:
    machine.bundle(DUO.replace("kind: admin\n", "kind: admin\n    args: [--loud]\n"))
    assert machine.code(Verb.UPGRADE, "duo") is ExitCode.DONE
    found = last(machine)
    assert found["duo_server"] is None
    assert (found["duo_admin"] or 0) >= 3000, "it is away while the canary is watched"


def test_a_service_that_is_brought_back_was_away_all_the_time(machine: MachineSim) -> None:
    machine.publish("2", "sick")
    assert machine.code(Verb.UPGRADE, "duo") is ExitCode.ROLLED_BACK
    found = last(machine)
    assert 30_000 <= (found["duo_server"] or 0) <= 30_000 + 2 * CYCLE + LOOK, "the wait for the sick build counts"
    assert found["duo_admin"] is None
    assert expected(machine)["duo_server"] == (None, 0), "and says nothing of a restart that goes well"


class Killed(BaseException):
    """What ends the whole program."""


class KilledAfter(Reporter):
    def __init__(self, text: str) -> None:
        self._text = text

    def step(self, app: str, text: str) -> None:
        if text == self._text:
            raise Killed


def test_nobody_can_tell_how_long_it_was_if_the_program_died_meanwhile(machine: MachineSim) -> None:
    from cockpitpm.app.change import change

    machine.bundle(TOGETHER)
    assert machine.code(Verb.UPGRADE, "duo") is ExitCode.DONE
    machine.publish("2")
    host = machine.host(KilledAfter("stopping duo_second_server"))
    with pytest.raises(Killed):
        change(host, Request(verb=Verb.UPGRADE, names=("duo",), actor="test"), lambda _: True)
    assert machine.service("duo_server").pid is None
    machine.run(Verb.CONVERGE, "duo")
    assert {line.verb for line in history.entries(lines(machine))} >= {Verb.INSTALL, Verb.UPGRADE}
    assert last(machine) == dict.fromkeys(SERVICES)


def change_one_binary(machine: MachineSim) -> None:
    """The admin's file; the server's upload stays."""
    same = machine.forge.releases["duo", "latest"].assets[0]
    machine.publish("2")
    machine.forge.change("duo", "latest", same, machine.forge.releases["duo", "latest"].assets[1])


def change_definition(machine: MachineSim) -> None:
    machine.bundle(DUO.replace("kind: admin\n", "kind: admin\n    args: [--loud]\n"))


def change_nothing(machine: MachineSim) -> None:
    pass


def change_all(machine: MachineSim) -> None:
    machine.publish("2")


def change_together(machine: MachineSim) -> None:
    machine.bundle(TOGETHER)
    machine.run(Verb.UPGRADE, "duo")
    change_one_binary(machine)


def change_and_go(machine: MachineSim) -> None:
    change_all(machine)
    machine.run(Verb.UPGRADE, "duo")


def change_and_stop(machine: MachineSim) -> None:
    change_all(machine)
    stop(machine.host(), "duo_admin")


def change_file(machine: MachineSim) -> None:
    path = (machine.root / "bin" / "duo_admin").resolve()
    path.chmod(0o755)
    path.write_bytes(program("9-duo_admin"))


PREDICTED: list[tuple[Any, Verb, tuple[str, ...]]] = [
    (change_all, Verb.UPGRADE, ("duo",)),
    (change_one_binary, Verb.UPGRADE, ("duo",)),
    (change_definition, Verb.UPGRADE, ("duo",)),
    (change_nothing, Verb.UPGRADE, ("duo",)),
    (change_together, Verb.UPGRADE, ("duo",)),
    (change_and_stop, Verb.UPGRADE, ("duo",)),
    (change_and_go, Verb.ROLLBACK, ("duo",)),
    (change_file, Verb.ROLLBACK, ("duo",)),
    (change_file, Verb.RESTART, ("duo",)),
    (change_nothing, Verb.RESTART, ("duo",)),
    (change_nothing, Verb.RESTART, ("duo_admin",)),
    (change_nothing, Verb.CONVERGE, ("duo",)),
    (change_and_stop, Verb.START, ("duo_admin",)),
    (change_nothing, Verb.REMOVE, ("duo",)),
]


@pytest.mark.parametrize(("before", "verb", "names"), PREDICTED, ids=lambda v: getattr(v, "__name__", str(v)))
def test_a_plan_foresees_exactly_who_gets_another_process(
    machine: MachineSim, before: Any, verb: Verb, names: tuple[str, ...]
) -> None:
    before(machine)
    told, pids = foreseen(machine, verb, *names), machine.pids()
    machine.run(verb, *names)
    after = machine.pids()
    assert told == [s for s in SERVICES if pids[s] and after.get(s) and after[s] != pids[s]]


def test_what_was_measured_is_expected(machine: MachineSim) -> None:
    assert expected(machine) == dict.fromkeys(SERVICES, (None, 0))
    machine.run(Verb.RESTART, "duo")
    machine.run(Verb.RESTART, "duo_admin")
    found = machine.plan(Verb.RESTART, "duo").apps[0].interruption
    assert found and found.total_ms == 3 * CYCLE
    assert expected(machine) == {**dict.fromkeys(SERVICES, (CYCLE, 1)), "duo_admin": (CYCLE, 2)}


def test_what_is_expected_binds_no_saved_plan(machine: MachineSim) -> None:
    machine.publish("2")
    path = machine.folder / "some.plan"
    planfile.save(path, planfile.make(machine.host(), Request(verb=Verb.UPGRADE, names=("duo",), actor="test")))
    machine.run(Verb.RESTART, "duo")
    saved = planfile.load(path)
    assert saved.plan.apps[0].interruption != machine.plan(Verb.UPGRADE, "duo").apps[0].interruption
    report = planfile.apply(machine.host(), saved, lambda _: True)
    assert report.outcomes[0].exit_code is ExitCode.DONE


def test_a_history_that_cannot_be_read_stops_no_plan(machine: MachineSim) -> None:
    lines(machine).unlink()
    lines(machine).mkdir()
    assert expected(machine) == dict.fromkeys(SERVICES, (None, 0))
