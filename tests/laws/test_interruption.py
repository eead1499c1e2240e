"""Laws of what is expected: of every plan, and of every history."""

from __future__ import annotations

from attrs import evolve
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cockpitpm.decide.interruption import RECENT, interruption, measured, median
from cockpitpm.model.plan import Converge
from cockpitpm.model.receipt import ActivationRecord, Outcome, ServiceChange, Verb
from tests.laws.scenes import Scene, scenes

many = settings(max_examples=80, suppress_health_check=[HealthCheck.too_slow])
SERVICES = ("duo_server", "duo_admin", "duo_second")
changes = st.builds(
    ServiceChange,
    service=st.sampled_from(SERVICES),
    before=st.none(),
    after=st.none(),
    answer=st.just(""),
    interrupted_ms=st.none() | st.integers(0, 10_000),
)
records = st.builds(
    ActivationRecord,
    **{name: st.just("") for name in ("transaction", "at", "actor", "reason", "detail")},
    app=st.sampled_from(["duo", "other"]),
    verb=st.just(Verb.UPGRADE),
    outcome=st.sampled_from(Outcome),
    from_generation=st.just(1),
    to_generation=st.just(2),
    services=st.lists(changes, max_size=3).map(tuple),
)
histories = st.lists(records, max_size=12).map(tuple)


@many
@given(scenes(), histories)
def test_only_what_runs_and_is_converged_is_interrupted(
    scene: Scene | None, history: tuple[ActivationRecord, ...]
) -> None:
    if scene is None:
        return
    found = interruption(evolve(scene.facts, activations=history), scene.plan)
    moving = [step.service for step in scene.plan.steps if isinstance(step, Converge)]
    running = {name for name, fact in scene.facts.services.items() if fact.process}
    told = [one.service for one in found.services] if found else []
    assert found is None or told
    assert told == [name for name in moving if name in told] and set(told) <= running


@many
@given(scenes(), histories)
def test_the_whole_is_known_where_each_part_is(scene: Scene | None, history: tuple[ActivationRecord, ...]) -> None:
    found = interruption(evolve(scene.facts, activations=history), scene.plan) if scene else None
    if found is None:
        return
    parts = [one.expected_ms for one in found.services]
    assert all((one.expected_ms is None) == (one.restarts == 0) for one in found.services)
    known = [part for part in parts if part is not None]
    assert (found.total_ms is None) == (len(known) < len(parts))
    assert found.total_ms is None or max(known) <= found.total_ms <= sum(known)


@given(st.lists(st.integers(0, 10_000), min_size=1, max_size=9), st.data())
def test_a_median_lies_in_the_middle_and_needs_no_order(found: list[int], data: st.DataObject) -> None:
    value = median(tuple(found))
    assert value is not None and min(found) <= value <= max(found)
    assert sum(one < value for one in found) <= len(found) / 2
    assert sum(one > value for one in found) <= len(found) / 2
    assert median(tuple(data.draw(st.permutations(found)))) == value


@many
@given(histories, st.sampled_from(SERVICES))
def test_only_the_last_restarts_that_went_well_count(history: tuple[ActivationRecord, ...], service: str) -> None:
    found = measured(history, "duo", service)
    assert len(found) <= RECENT
    well = tuple(line for line in history if line.outcome is Outcome.COMMITTED and line.app == "duo")
    assert found == measured(well, "duo", service)
    for line in well[:1]:
        change = ServiceChange(service=service, before=None, after=None, answer="", interrupted_ms=99)
        older, newer = evolve(line, services=(change,)), evolve(line, services=(change,))
        assert measured((older, *history), "duo", service) == (99, *found)[-RECENT:]
        assert measured((*history, newer), "duo", service) == (*found, 99)[-RECENT:]
