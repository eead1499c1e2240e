"""What many looks and answers come to: restarts that count, silence that is believed, whom to ask."""

from __future__ import annotations

from itertools import pairwise

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from cockpitpm.decide.watched import (
    AGAIN,
    BELIEVED,
    OFTEN,
    PAUSE,
    WINDOW,
    differing,
    heard,
    is_due,
    restarts,
    sighted,
    unanswered,
)
from cockpitpm.model.bundle import Probe, ProbeKind, Service
from cockpitpm.model.process import ProcessId
from cockpitpm.model.service import Definition, Healthy, Unhealthy
from cockpitpm.model.watched import Asked, Restarts, Sightings
from tests.cases.scene import BOOT

PROBE = Probe(kind=ProbeKind.HTTP, ready_within=30.0)
SERVICE = Service(name="x", binary="x", probe=PROBE)
WELL = Healthy(answer="200 OK")
AT = "2026-06-12T08:00:00Z"


def process(number: int) -> ProcessId:
    return ProcessId(boot_id=BOOT, pid=number, start_ticks=number)


def looks(*pids: int, every: float = 5.0) -> tuple[Sightings, float]:
    """One look after another; 0 is a look without a process."""
    found: Sightings | None = None
    now = 0.0
    for pid in pids:
        now += every
        found = sighted(found, process(pid) if pid else None, now)
    assert found is not None
    return found, now


@pytest.mark.parametrize(
    ("pids", "count"),
    [
        ((1,), 0),
        ((1, 1, 1, 1, 1), 0),
        ((1, 2, 3), 0),
        ((1, 2, 3, 4), 3),
        ((1, 0, 2, 0, 3, 0, 4), 3),
        ((0, 1, 2, 3), 0),
        ((1, 2, 3, 4, 0), 3),
        ((1, 2, 3, 4, 0, 0, 0, 0), 0),
        ((1, 2, 3, 4, 5, 6, 7), 6),
    ],
)
def test_other_processes_are_counted(pids: tuple[int, ...], count: int) -> None:
    expected = Restarts(count=count, within=120) if count else None
    assert restarts(*looks(*pids)) == expected


def test_what_was_long_ago_does_not_count() -> None:
    seen, now = looks(1, 2, 3, 4)
    assert restarts(seen, now + PAUSE) and not restarts(seen, now + PAUSE + 0.1)
    assert sighted(seen, process(4), now + WINDOW + 1).starts == ()
    assert sighted(seen, None, now + WINDOW + 1).starts == ()


@given(st.lists(st.integers(0, 3), max_size=40))
def test_never_more_restarts_than_changes(pids: list[int]) -> None:
    seen, now = looks(*(pids or [0]), every=1.0)
    alive = [pid for pid in pids if pid]
    changes = sum(a != b for a, b in pairwise(alive))
    assert len(seen.starts) <= changes
    found = restarts(seen, now)
    assert found is None or OFTEN <= found.count <= changes


# --- answers


def test_silence_needs_two_bad_answers_of_one_process() -> None:
    bad = Unhealthy(answer="connection refused")
    first = heard(None, process(1), bad, 10.0, AT)
    assert unanswered(first, process(1), 10.0, 2) is None
    assert unanswered(first, process(1), 10.0, 1) is not None
    second = heard(first, process(1), Unhealthy(answer="HTTP 500"), 20.0, "later")
    told = unanswered(second, process(1), 20.0, 2)
    assert told and (told.since, told.answer) == (AT, "HTTP 500")
    assert unanswered(second, process(2), 20.0, 2) is None
    assert unanswered(second, None, 20.0, 2) is None
    assert unanswered(None, process(1), 20.0, 2) is None
    assert unanswered(second, process(1), 20.0 + BELIEVED + 1, 2) is None
    assert heard(second, process(1), WELL, 30.0, "x") == Asked(process=process(1), at=30.0)
    assert heard(second, process(2), bad, 30.0, "x").missed == 1
    well = heard(second, process(1), WELL, 30.0, "x")
    assert heard(well, process(1), bad, 40.0, "now").since == "now"


def test_who_is_asked() -> None:
    assert is_due(SERVICE, 30.0, None, 100.0)
    assert not is_due(SERVICE, 29.9, None, 100.0), "it may still get ready"
    assert not is_due(evolve(SERVICE, probe=None), 99.0, None, 100.0), "there is no question"
    assert not is_due(SERVICE, 99.0, 100.0, 100.0 + AGAIN - 0.1), "it was asked just now"
    assert is_due(SERVICE, 99.0, 100.0, 100.0 + AGAIN)


def test_definitions_differ_by_name() -> None:
    held = Definition(name="x", command=("/a",), env=(("A", "1"), ("B", "2")))
    assert differing(held, held) == ()
    other = Definition(name="x", command=("/b",), env=(("B", "3"), ("C", "1")), directory="/d", stop_timeout=1.0)
    assert differing(held, other) == ("A", "B", "C", "its command", "its folder", "its time to stop")
