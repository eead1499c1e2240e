"""What is known of services beyond one look: silence, restarts, copies, settings, on a whole machine."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from threading import Barrier, Lock

import pytest
from attrs import evolve

from cockpitpm.app import secrets
from cockpitpm.app.host import Host
from cockpitpm.app.services import stop
from cockpitpm.app.status import status
from cockpitpm.app.vigil import AT_ONCE, NOT_OURS, Vigil
from cockpitpm.model.receipt import Verb
from cockpitpm.model.service import Health, Healthy, ProbeTarget, Unhealthy
from cockpitpm.model.status import Note, ServiceReport
from tests.sim.machine import DUO, SERVICES, MachineSim
from tests.sim.ports import ProberSim
from tests.sim.steps import later

READY = 31.0
"""Seconds after which a service of duo must be ready."""


def behave(machine: MachineSim, service: str, behaviour: str) -> None:
    """The running process changes its ways."""
    with machine.world.changing() as state:
        state["processes"][str(state["services"][service]["pid"])]["behaviour"] = behaviour


def named(host: Host, vigil: Vigil | None, name: str, busy: bool = False) -> ServiceReport:
    found = status(host, vigil=vigil, busy=frozenset({"duo"} if busy else ()))
    return next(s for app in found.apps for s in app.services if s.name == name)


def notes(found: ServiceReport) -> set[Note]:
    return {r.note for r in found.remarks} - {Note.BEHIND}


class Watch:
    """Looks and questions in the order of a server's."""

    def __init__(self, machine: MachineSim, prober: object = None) -> None:
        self.machine, self.vigil, self.prober = machine, Vigil(), prober

    @property
    def host(self) -> Host:
        host = self.machine.host()
        return Host(host.invocation, evolve(host.ports, prober=self.prober)) if self.prober else host

    def look(self, name: str = "duo_admin", busy: bool = False) -> ServiceReport:
        return named(self.host, self.vigil, name, busy)

    def ask(self, seconds: float = 10.0) -> None:
        later(self.machine, seconds)
        self.vigil.ask(self.host)


@pytest.fixture
def watch(machine: MachineSim) -> Watch:
    made = Watch(machine)
    made.look()
    return made


def test_a_silent_process_is_told_after_two_bad_answers_and_until_it_answers(watch: Watch) -> None:
    behave(watch.machine, "duo_admin", "sick")
    watch.ask(READY)
    assert watch.look().unanswered is None
    watch.ask()
    found = watch.look()
    assert found.unanswered and found.unanswered.answer == "HTTP 500"
    assert found.unanswered.since.startswith("2026-06-12T08:") and notes(found) == {Note.SILENT}
    assert watch.look("duo_server").unanswered is None
    first = found.unanswered.since
    watch.ask()
    again = watch.look().unanswered
    assert again and again.since == first, "since the first one"
    behave(watch.machine, "duo_admin", "good")
    watch.ask()
    assert watch.look().unanswered is None


def test_what_may_still_get_ready_is_not_asked(watch: Watch) -> None:
    behave(watch.machine, "duo_admin", "sick")
    assert watch.vigil.due(watch.host) == ()
    watch.ask(10)
    watch.ask(10)
    assert watch.look().unanswered is None
    later(watch.machine, READY)
    assert set(watch.vigil.due(watch.host)) == {"duo_server", "duo_admin", "duo_second_server"}


def test_nobody_is_asked_twice_in_ten_seconds(watch: Watch) -> None:
    watch.ask(READY)
    assert watch.vigil.due(watch.host) == ()
    later(watch.machine, 9.9)
    assert watch.vigil.due(watch.host) == ()
    later(watch.machine, 0.2)
    assert len(watch.vigil.due(watch.host)) == 3


def test_without_a_probe_nobody_is_asked(root: Path) -> None:
    machine = MachineSim(root, DUO.replace("    probe: {kind: http, socket: admin, path: /}\n", ""))
    machine.publish("1")
    machine.run(Verb.INSTALL, "duo")
    watch = Watch(machine)
    watch.look()
    later(machine, READY)
    assert "duo_admin" not in watch.vigil.due(watch.host)


def test_a_new_process_begins_anew(watch: Watch) -> None:
    behave(watch.machine, "duo_admin", "sick")
    watch.ask(READY)
    watch.ask()
    assert watch.look().unanswered
    watch.machine.world.crash("duo_admin")
    assert watch.look().unanswered is None


def test_an_app_that_is_being_worked_on_is_left_alone(watch: Watch) -> None:
    later(watch.machine, READY)
    watch.look(busy=True)
    assert watch.vigil.due(watch.host) == ()
    watch.look()
    assert watch.vigil.due(watch.host)


class Counting(ProberSim):
    """Answers as the processes are, and remembers whom it was sent to."""

    def __init__(self, machine: MachineSim) -> None:
        super().__init__(machine.world)
        self.asked: Counter[str] = Counter()

    def probe(self, target: ProbeTarget) -> Health:
        self.asked[target.service] += 1
        return super().probe(target)


def rounds(watch: Watch, seconds: int = 30, look: bool = True) -> None:
    """A server's seconds: it looks once in each, and asks those that are due."""
    for _ in range(seconds):
        if look:
            watch.look()
        watch.ask(1.0)


@pytest.fixture
def counting(machine: MachineSim) -> Counting:
    return Counting(machine)


def test_whoever_has_no_process_is_not_asked(machine: MachineSim, counting: Counting) -> None:
    watch = Watch(machine, counting)
    watch.look()
    stop(machine.host(), "duo_admin")
    later(machine, READY)
    rounds(watch)
    assert counting.asked == {"duo_server": 3, "duo_second_server": 3}
    assert machine.code(Verb.START, "duo_admin") == 0
    later(machine, READY)
    rounds(watch, 10)
    assert counting.asked["duo_admin"] == 1, "and again, once there is one"


def test_a_process_that_died_since_the_last_look_is_not_asked(machine: MachineSim, counting: Counting) -> None:
    watch = Watch(machine, counting)
    watch.look()
    machine.world.die("duo_admin")
    later(machine, READY)
    rounds(watch, look=False)
    assert counting.asked == {"duo_server": 3, "duo_second_server": 3}


@pytest.mark.parametrize("answer", [Healthy(answer="x"), Unhealthy(answer="x"), Unhealthy(answer=NOT_OURS)])
def test_whatever_was_answered_nobody_is_asked_again_at_once(machine: MachineSim, answer: Health) -> None:
    prober = Answering(machine, answer)
    watch = Watch(machine, prober)
    watch.look()
    later(machine, READY)
    rounds(watch)
    assert prober.asked == 3 * len(SERVICES)


def test_what_a_look_no_longer_names_is_forgotten(machine: MachineSim, counting: Counting) -> None:
    watch = Watch(machine, counting)
    watch.look()
    machine.bundle(DUO[: DUO.index("restart_only:")])
    machine.publish("2")
    machine.run(Verb.UPGRADE, "duo")
    watch.look()
    assert set(watch.vigil._kept) == {"duo_server", "duo_admin"}
    machine.run(Verb.REMOVE, "duo")
    status(watch.host, ("duo",), watch.vigil)
    assert watch.vigil._kept, "a look at some apps says nothing about the others"
    status(watch.host, vigil=watch.vigil)
    assert not watch.vigil._kept and watch.vigil.due(watch.host) == ()


def test_an_answer_to_what_was_forgotten_meanwhile_is_dropped(machine: MachineSim) -> None:
    class Removing(ProberSim):
        def probe(self, target: ProbeTarget) -> Health:
            if target.service == "duo_admin":
                watch.vigil.only(())
            return super().probe(target)

    watch = Watch(machine, Removing(machine.world))
    watch.look()
    watch.ask(READY)
    assert "duo_admin" not in watch.vigil._kept


class Answering(ProberSim):
    """Says the same of everybody, when several have come or at once."""

    def __init__(self, machine: MachineSim, health: Health, together: int = 1) -> None:
        super().__init__(machine.world)
        self.health, self.barrier, self.lock, self.asked = health, Barrier(together), Lock(), 0

    def probe(self, target: ProbeTarget) -> Health:
        self.barrier.wait(5)
        with self.lock:
            self.asked += 1
        return self.health


def test_several_are_asked_at_a_time(machine: MachineSim) -> None:
    prober = Answering(machine, Healthy(answer="x"), together=3)
    watch = Watch(machine, prober)
    watch.look()
    watch.ask(READY)
    assert prober.asked == 3 <= AT_ONCE


@pytest.mark.parametrize(
    ("health", "told"),
    [
        (Unhealthy(answer=NOT_OURS), None),
        (Unhealthy(answer="it said s3cr3t-word"), "it said (secret)"),
        (Healthy(answer="x", listener=None), None),
        (Healthy(answer="x", listener=99999, where="/s"), None),
    ],
    ids=["not ours to ask", "a secret", "nobody knows who", "who has ended"],
)
def test_what_an_answer_is_worth(machine: MachineSim, health: Health, told: str | None) -> None:
    secrets.set_(machine.host(), "duo", "WORD", "s3cr3t-word")
    watch = Watch(machine, Answering(machine, health))
    watch.look()
    watch.ask(READY)
    watch.ask()
    found = watch.look().unanswered
    assert (found.answer if found else None) == told


def test_the_answer_of_somebody_else_is_none(machine: MachineSim) -> None:
    other = machine.pids()["duo_server"]
    watch = Watch(machine, Answering(machine, Healthy(answer="200 OK", listener=other, where="/s/admin.sock")))
    watch.look()
    watch.ask(READY)
    watch.ask()
    found = watch.look().unanswered
    assert found and found.answer == f"process {other}, which is not of this service, answers at /s/admin.sock"
    assert watch.look("duo_server").unanswered is None


# --- restarts


def crash(watch: Watch, times: int, seconds: float = 2.0) -> ServiceReport:
    for _ in range(times):
        watch.machine.world.crash("duo_admin")
        later(watch.machine, seconds)
        watch.look()
    return watch.look()


def test_crashes_are_counted_and_forgotten(watch: Watch) -> None:
    assert crash(watch, 2).restarts is None
    found = crash(watch, 1)
    assert found.restarts and found.restarts.count == 3 and notes(found) == {Note.RESTARTING}
    assert watch.look("duo_server").restarts is None
    later(watch.machine, 121)
    assert watch.look().restarts is None


def test_our_own_restarts_do_not_count(watch: Watch) -> None:
    for _ in range(5):
        assert watch.machine.code(Verb.RESTART, "duo_admin") == 0
        assert watch.look().restarts is None
    assert crash(watch, 3).restarts, "but what happens after them does"
    watch.machine.run(Verb.RESTART, "duo_admin")
    assert watch.look().restarts is None


def test_what_happens_during_a_job_does_not_count(watch: Watch) -> None:
    for _ in range(5):
        watch.machine.world.crash("duo_admin")
        assert watch.look(busy=True).restarts is None
    assert watch.look().restarts is None


def test_one_that_stays_down_has_failed(watch: Watch) -> None:
    crash(watch, 4)
    watch.machine.world.die("duo_admin")
    assert watch.look().restarts
    later(watch.machine, 16)
    found = watch.look()
    assert found.restarts is None and notes(found) == {Note.FAILED}
