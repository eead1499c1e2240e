"""Jobs: ordered once, carried out in turn, told step by step, and right even if their process dies."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from attrs import evolve

from cockpitpm.app import jobs, plans
from cockpitpm.app.engine import Engine
from cockpitpm.app.host import Host
from cockpitpm.app.job_run import run
from cockpitpm.app.planfile import Unfit
from cockpitpm.app.standing import jobs_shown
from cockpitpm.errors import ForgeUnreachable, PlanError, StoreError
from cockpitpm.model.job import Job, JobEvent, JobState, Order, Phase
from cockpitpm.model.plan import Request
from cockpitpm.model.process import ProcessId
from cockpitpm.model.receipt import Verb
from cockpitpm.ports import Reporter
from cockpitpm.record import jobs as kept
from tests.sim.machine import MachineSim
from tests.sim.ports import ProcessesSim
from tests.sim.steps import installed

GONE = ProcessId(boot_id="boot", pid=4_000_000, start_ticks=1)


@pytest.fixture
def machine(root: Path) -> MachineSim:
    return installed(root, offered="1")


class WithUs(ProcessesSim):
    """Knows the process of the test too, as a real machine knows that of a job."""

    def identify(self, pid: int) -> ProcessId | None:
        us = ProcessId(boot_id="boot", pid=pid, start_ticks=1)
        return us if pid == os.getpid() else super().identify(pid)


def opened(machine: MachineSim, actor: str = "", reporter: Reporter | None = None) -> Host:
    host = machine.host(reporter)
    host.ports = evolve(host.ports, processes=WithUs(machine.world))
    host.invocation = evolve(host.invocation, actor=actor or host.invocation.actor)
    return host


def order(verb: Verb, *apps: str, key: str = "", plan: str = "") -> Order:
    return Order(request=Request(verb=verb, names=apps, actor="mik"), apps=apps, key=key, plan=plan)


def submit(machine: MachineSim, what: Order) -> tuple[Job, bool]:
    return jobs.submit(machine.host(), what, lambda number: None)


def done(machine: MachineSim, what: Order) -> Job:
    job, _ = submit(machine, what)
    run(lambda actor, reporter: opened(machine, actor, reporter), job.id)
    return jobs.find(machine.host(), job.id)


def test_a_job_does_what_the_command_line_does_and_tells_it(machine: MachineSim) -> None:
    job = done(machine, order(Verb.INSTALL, "duo"))
    assert (job.state, job.exit_code, job.actor) == (JobState.DONE, 0, "mik")
    told = jobs.told(machine.host(), job.id)
    assert [e.n for e in told] == list(range(1, len(told) + 1))
    phases = [e.phase for e in told if e.kind == "phase"]
    assert phases == [p.value for p in (Phase.FETCH, Phase.VERIFY, Phase.SWAP, Phase.RESTART, Phase.RECORD)]
    assert told[-1].kind == "end" and told[-1].ok
    assert jobs.told(machine.host(), job.id, after=told[-2].n) == (told[-1],)
    result = jobs.result(machine.host(), job.id)
    assert result["exit_code"] == 0 and result["outcomes"][0]["activation"]["actor"] == "mik"


def test_a_broken_build_ends_rolled_back(machine: MachineSim) -> None:
    done(machine, order(Verb.INSTALL, "duo"))
    machine.publish("2", behaviour="sick")
    job = done(machine, order(Verb.UPGRADE, "duo"))
    assert job.state is JobState.ROLLED_BACK and "rolled back to generation 1" in job.said
    assert Phase.UNDO.value in [e.phase for e in jobs.told(machine.host(), job.id)]


def test_an_error_is_the_result_and_not_a_traceback(machine: MachineSim) -> None:
    machine.forge.down = ForgeUnreachable("The forge does not answer", "Try later")
    job = done(machine, order(Verb.INSTALL, "duo"))
    assert job.state is JobState.FAILED and "does not answer" in job.said
    assert done(machine, order(Verb.REMOVE, "duo")).state is JobState.FAILED
    assert "error" in jobs.result(machine.host(), 2)


def test_what_is_refused_changes_nothing(machine: MachineSim) -> None:
    done(machine, order(Verb.INSTALL, "duo"))
    (machine.root / "bin/duo_server").unlink()
    (machine.root / "bin/duo_server").write_bytes(b"mine")
    machine.publish("2")
    job = done(machine, order(Verb.UPGRADE, "duo"))
    assert job.state is JobState.REFUSED and (machine.root / "bin/duo_server").read_bytes() == b"mine"


def test_the_same_key_and_the_same_change_are_the_same_job(machine: MachineSim) -> None:
    first, fresh = submit(machine, order(Verb.INSTALL, "duo", key="a"))
    again, second = submit(machine, order(Verb.INSTALL, "duo", key="b"))
    assert fresh and not second and again.id == first.id
    run(lambda actor, reporter: opened(machine, actor, reporter), first.id)
    third, other = submit(machine, order(Verb.INSTALL, "duo", key="a"))
    assert not other and third.id == first.id
    assert submit(machine, order(Verb.INSTALL, "duo", key="c"))[1]


def test_exactly_the_plan_that_was_shown_or_nothing(machine: MachineSim) -> None:
    done(machine, order(Verb.INSTALL, "duo"))
    machine.publish("2")
    digest, saved = plans.show(machine.host(), Request(verb=Verb.UPGRADE, names=("duo",), actor="a"))
    assert plans.show(machine.host(), Request(verb=Verb.UPGRADE, names=("duo",), actor="b"))[0] == digest
    assert plans.stands(machine.host(), digest).apps == saved.plan.apps
    machine.publish("3")
    with pytest.raises(Unfit, match="the release of duo was"):
        plans.stands(machine.host(), digest)
    job = done(machine, order(Verb.UPGRADE, "duo", plan=digest))
    assert job.state is JobState.REFUSED and machine.versions()["duo_server"] == "1-duo_server"
    digest, _ = plans.show(machine.host(), Request(verb=Verb.UPGRADE, names=("duo",)))
    assert done(machine, order(Verb.UPGRADE, "duo", plan=digest)).state is JobState.DONE
    assert machine.versions()["duo_server"] == "3-duo_server"
    for unknown in ("0" * 64, "../../etc/passwd"):
        with pytest.raises(PlanError, match="not kept"):
            plans.shown(machine.host(), unknown)


def test_one_after_another_and_cancelled_before_its_turn(machine: MachineSim) -> None:
    first, _ = submit(machine, order(Verb.INSTALL, "duo"))
    second, _ = submit(machine, order(Verb.CONVERGE, "duo"))
    assert jobs.cancel(machine.host(), second.id).state is JobState.CANCELLED
    run(lambda actor, reporter: opened(machine, actor, reporter), second.id)
    assert jobs.find(machine.host(), second.id).state is JobState.CANCELLED
    with pytest.raises(PlanError, match="it has ended"):
        jobs.cancel(machine.host(), second.id)
    run(lambda actor, reporter: opened(machine, actor, reporter), first.id)
    assert [j.state for j in jobs.listed(machine.host())] == [JobState.CANCELLED, JobState.DONE]


def test_a_job_that_nobody_took_up_lets_the_next_one_pass(machine: MachineSim) -> None:
    lost, _ = submit(machine, order(Verb.INSTALL, "duo"))
    assert jobs.settle_dead(machine.host()) == (), "its process may still be starting"
    assert done(machine, order(Verb.CONVERGE)).state is JobState.DONE
    ended = jobs.find(machine.host(), lost.id)
    assert ended.state is JobState.FAILED and "nothing was changed" in ended.said


def test_a_dead_process_is_recovered_and_its_job_ends_by_the_history(machine: MachineSim) -> None:
    done(machine, order(Verb.INSTALL, "duo"))
    job, _ = submit(machine, order(Verb.UPGRADE, "duo"))
    begun = machine.host().clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")
    kept.write(machine.host().layout, evolve(job, state=JobState.RUNNING, started_at=begun, process=GONE))
    machine.publish("2")
    machine.run(Verb.UPGRADE, "duo")
    (ended,) = jobs.settle_dead(machine.host())
    assert ended.state is JobState.DONE and jobs.result(machine.host(), job.id) == {"recovered": []}
    assert jobs.settle_dead(machine.host()) == ()


def test_an_interruption_takes_back_what_had_begun(machine: MachineSim) -> None:
    done(machine, order(Verb.INSTALL, "duo"))
    machine.publish("2")

    class Stops(Reporter):
        def step(self, app: str, text: str) -> None:
            if text.startswith("restarting"):
                raise KeyboardInterrupt

    job, _ = submit(machine, order(Verb.UPGRADE, "duo"))
    code = run(lambda actor, reporter: opened(machine, actor, Stops() if actor else reporter), job.id)
    ended = jobs.find(machine.host(), job.id)
    assert code == 130 and ended.state is JobState.CANCELLED
    assert machine.versions()["duo_server"] == "1-duo_server"


def test_a_full_disk_silences_a_job_and_stops_nothing(machine: MachineSim, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise StoreError("Cannot tell of a job: No space left on device", "Free some space")

    job, _ = submit(machine, order(Verb.INSTALL, "duo"))
    with monkeypatch.context() as patch:
        patch.setattr(kept, "append", full)
        with pytest.raises(StoreError):
            run(lambda actor, reporter: opened(machine, actor, reporter), job.id)
    assert machine.versions()["duo_server"] == "1-duo_server"


def test_what_has_a_time_is_not_begun_after_it(machine: MachineSim) -> None:
    late = evolve(order(Verb.INSTALL, "duo"), until="2026-01-01T00:00:00Z")
    job = done(machine, late)
    assert job.state is JobState.CANCELLED and "its time was over" in job.said
    assert "duo" not in machine.versions()
    assert done(machine, evolve(late, until="2999-01-01T00:00:00Z")).state is JobState.DONE


def test_old_jobs_are_forgotten_and_a_damaged_one_hides_only_itself(machine: MachineSim) -> None:
    layout = machine.host().layout
    for _ in range(4):
        done(machine, order(Verb.CONVERGE))
    kept.prune(layout, keep=2)
    assert kept.numbers(layout) == (3, 4)
    (layout.job(3) / "job.json").write_text("{}")
    with (layout.job(4) / "events.jsonl").open("ab") as file:
        file.write(b'{"n": 99')
    assert [j.id for j in jobs.listed(machine.host())] == [4]
    assert all(isinstance(e, JobEvent) and e.n < 99 for e in jobs.told(machine.host(), 4))
    (layout.job(4) / "result.json").write_text("{")
    with pytest.raises(StoreError, match="cockpitpm history"):
        jobs.result(machine.host(), 4)
    with pytest.raises(PlanError, match="no job 1"):
        jobs.find(machine.host(), 1)


def test_one_look_serves_everybody_for_a_while(machine: MachineSim) -> None:
    host = machine.host()
    engine = Engine(host.invocation, host.ports, start=lambda number: None)
    first = engine.view()
    assert engine.view() is first
    host.clock.sleep(2)
    assert engine.view().number == 2
    job, fresh = engine.order(order(Verb.INSTALL, "duo"))
    assert fresh and engine.view(age=0).jobs == (job,)
    seen = engine.view(age=60)
    kept.write(engine.host().layout, evolve(job, state=JobState.CANCELLED))
    assert engine.view(age=60) is not seen, "a job that moved makes every look old"


def test_a_job_about_an_app_that_the_role_does_not_see_is_not_shown(machine: MachineSim) -> None:
    host = machine.host()
    for number, app in enumerate(("duo", "hidden")):
        submit(machine, order(Verb.INSTALL, app, key=str(number)))
    view = Engine(host.invocation, host.ports).view()
    assert [job.order.apps for job in jobs_shown(view)] == [("duo",)] and len(view.jobs) == 2
