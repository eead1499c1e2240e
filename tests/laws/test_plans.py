"""Laws of plans: what holds of every decision, whatever the machine looks like."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cockpitpm.decide.running import judge, started_under
from cockpitpm.decide.settle import settle
from cockpitpm.model.bundle import Activation, Service
from cockpitpm.model.facts import InPlace, ServiceFact
from cockpitpm.model.plan import (
    AppPlan,
    Ask,
    Converge,
    Fetch,
    Install,
    Mend,
    Record,
    Refused,
    Register,
    Remove,
    Reregister,
    Retire,
    Rollback,
    Step,
    Swap,
    Unplanned,
    Upgrade,
    UpToDate,
    Waiting,
)
from cockpitpm.model.process import FileId, Image, ProcessId
from cockpitpm.model.receipt import Verb
from cockpitpm.model.service import Runs, ServiceState, ServiceStatus, Wanted
from cockpitpm.model.state import Flip
from tests.laws.scenes import Scene, arrivals, scenes
from tests.laws.values import values

many = settings(max_examples=80, suppress_health_check=[HealthCheck.too_slow])
RANKS: dict[type[Step], int] = {Fetch: 0, Swap: 1, Register: 2, Converge: 3, Ask: 3, Retire: 4, Record: 5}
QUIET = (UpToDate, Waiting, Refused, Unplanned)
ACTING = (Install, Upgrade, Reregister, Rollback, Remove, Mend)


def of(plan: AppPlan, kind: type[Step]) -> list[Step]:
    return [step for step in plan.steps if isinstance(step, kind)]


@many
@given(scenes())
def test_who_acts_has_steps_and_who_does_not_says_why(scene: Scene | None) -> None:
    if scene is None:
        return
    plan = scene.plan
    assert plan.acts == bool(plan.steps) == isinstance(plan.decision, ACTING)
    if isinstance(plan.decision, QUIET):
        assert plan.steps == () and plan.origin == plan.to
    if isinstance(plan.decision, Refused):
        assert plan.decision.evidence and plan.decision.way_out
        assert "\n" not in plan.decision.evidence + plan.decision.way_out


@many
@given(scenes())
def test_steps_come_in_their_order_and_end_with_one_record(scene: Scene | None) -> None:
    if scene is None or not scene.plan.acts:
        return
    plan = scene.plan
    ranks = [RANKS[type(step)] for step in plan.steps]
    assert ranks == sorted(ranks)
    assert of(plan, Record) == [Record(generation=plan.to)] == [plan.steps[-1]]
    swaps = of(plan, Swap)
    assert len(swaps) == (0 if isinstance(plan.decision, Mend) else 1)
    assert all(isinstance(s, Swap) and (s.origin, s.to) == (plan.origin, plan.to) for s in swaps)


@many
@given(scenes())
def test_only_bytes_that_are_not_here_are_fetched(scene: Scene | None) -> None:
    if scene is None:
        return
    have = {r.uuid for r in scene.facts.installed.receipts} if scene.facts.installed else set()
    assert not of(scene.plan, Fetch) or scene.verb in (Verb.INSTALL, Verb.UPGRADE)
    for fetch in scene.plan.fetches:
        assert fetch.candidates and not have & {a.uuid for a in fetch.candidates}
        assert not any(a.external for a in fetch.candidates)


@many
@given(scenes())
def test_a_new_generation_has_a_number_that_was_never_used(scene: Scene | None) -> None:
    if scene and isinstance(scene.plan.decision, (Install, Upgrade, Reregister)):
        assert scene.plan.to not in scene.facts.numbers
        assert scene.plan.to == max(scene.facts.numbers, default=0) + 1


@many
@given(scenes())
def test_the_canary_is_exactly_the_first_service_of_a_rolling_app(scene: Scene | None) -> None:
    if scene is None or scene.plan.bundle is None:
        return
    converged = [s for s in scene.plan.steps if isinstance(s, Converge)]
    rolling = scene.plan.bundle.activation is Activation.ROLLING
    assert [c.canary for c in converged] == [rolling and i == 0 for i in range(len(converged))]
    declared = [s.name for s in scene.plan.bundle.services]
    assert [c.service for c in converged] == [name for name in declared if name in {c.service for c in converged}]


@many
@given(scenes())
def test_only_what_is_wanted_is_converged_and_asked(scene: Scene | None) -> None:
    if scene is None:
        return
    for step in scene.plan.steps:
        if isinstance(step, (Converge, Ask)):
            assert scene.plan.wanted[step.service] is Wanted.RUNNING
    services = {s.name for s in scene.plan.bundle.services} if scene.plan.bundle else set()
    assert set(scene.plan.wanted) <= services, "only services of the app are remembered for it"
    assert set(scene.plan.cycle) <= services


@many
@given(data=st.data())
def test_settling_shortens_refuses_or_takes_the_next_candidate_and_is_done_once(data: st.DataObject) -> None:
    scene = data.draw(scenes((Verb.INSTALL, Verb.UPGRADE)))
    if scene is None:
        return
    plan = scene.plan
    staged = data.draw(arrivals(plan))
    settled = settle(plan, staged)
    assert settle(settled, staged) == settled
    if isinstance(settled.decision, Refused):
        assert settled.steps == ()
    elif len(settled.fetches) == len(plan.fetches):
        assert settled.decision == plan.decision
        assert [s for s in settled.steps if not isinstance(s, Fetch)] == [
            s for s in plan.steps if not isinstance(s, Fetch)
        ]
        for before, after in zip(plan.fetches, settled.fetches, strict=True):
            assert after.candidates in (before.candidates, before.candidates[1:])
    else:
        assert settled.steps == tuple(s for s in plan.steps if s in settled.steps and not isinstance(s, Fetch))
        assert isinstance(settled.decision, (UpToDate, Reregister))


@given(current=st.booleans(), old=st.booleans(), other=st.booleans())
def test_one_process_on_old_bytes_is_enough(current: bool, old: bool, other: bool) -> None:
    now, before, foreign = (FileId(dev=1, ino=n) for n in range(3))
    executed = [f for f, on in ((now, current), (before, old), (foreign, other)) if on]
    images = tuple(Image(pid=i, start_ticks=1, file=f, deleted=False, argv=()) for i, f in enumerate(executed))
    place = InPlace(files={"x": now}, hashes={"x": "h"}, older=frozenset({before}))
    process = ProcessId(boot_id="b", pid=1, start_ticks=1)
    status = ServiceStatus(name="x", state=ServiceState.RUNNING, pid=1)
    fact = ServiceFact(name="x", status=status, process=process, images=images)
    expected = Runs.OLD if old else Runs.CURRENT if current else Runs.OTHER if other else Runs.NOTHING
    assert judge(Service(name="x", binary="x"), fact, place) is expected
    assert judge(Service(name="x", binary=None), fact, place) is expected


@given(
    flips=st.lists(st.tuples(st.integers(0, 40), st.integers(0, 3), st.sampled_from("AB")), max_size=4),
    started=st.integers(0, 50),
)
def test_a_script_is_never_called_current_unless_it_started_after_its_bytes_came(
    flips: list[tuple[int, int, str]], started: int
) -> None:
    """Against the definition: every moment of a flip is possible, and it must not matter which it was."""
    ordered = sorted(flips)
    made = tuple(
        Flip(live=str(i), boot_id="b", begun=begun, ended=begun + length, hashes={"x": build})
        for i, (begun, length, build) in enumerate(ordered)
    )
    file = FileId(dev=1, ino=1)
    place = InPlace(files={"x": file}, hashes={"x": "B"}, scripts=frozenset({"x"}), flips=made)
    shell = Image(pid=1, start_ticks=started, file=FileId(dev=1, ino=9), deleted=False, argv=())
    status = ServiceStatus(name="x", state=ServiceState.RUNNING, pid=1)
    process = ProcessId(boot_id="b", pid=1, start_ticks=started)
    found = judge(
        Service(name="x", binary="x"), ServiceFact(name="x", status=status, process=process, images=(shell,)), place
    )
    surely_after = [f for f in made if f.ended < started]
    maybe_after = [f for f in made if f.begun <= started <= f.ended]
    if found is Runs.CURRENT:
        assert surely_after and surely_after[-1].hashes["x"] == "B"
        assert not [f for f in maybe_after if made.index(f) > made.index(surely_after[-1])]


@given(flip=values(Flip), process=values(ProcessId))
def test_after_a_reboot_every_process_is_younger_than_every_flip(flip: Flip, process: ProcessId) -> None:
    if flip.boot_id != process.boot_id:
        assert started_under(process, (flip,)) == flip
