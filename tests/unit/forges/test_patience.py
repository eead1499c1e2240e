"""Deadlines and the floor of the speed, on a clock that only the test moves."""

from __future__ import annotations

import pytest

from cockpitpm.errors import ForgeUnreachable
from cockpitpm.forges.patience import Pace, Patience


class Time:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def pass_by(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def patience(time: Time) -> Patience:
    return Patience(monotonic=time, sleep=time.pass_by)


def test_a_deadline_passes(time: Time, patience: Patience) -> None:
    deadline = patience.until(10, "it")
    time.pass_by(9.9)
    deadline.check()
    time.pass_by(0.2)
    with pytest.raises(ForgeUnreachable, match="it: not finished within 10 s"):
        deadline.check()


def test_pauses_grow_and_never_pass_the_deadline(time: Time, patience: Patience) -> None:
    deadline = patience.until(3, "it")
    pauses = []
    for attempt in range(1, 4):
        before = time.now
        deadline.rest(attempt, None)
        pauses.append(time.now - before)
    assert 0.2 <= pauses[0] <= 0.4 and 0.4 <= pauses[1] <= 0.8 and 0.8 <= pauses[2] <= 1.6
    with pytest.raises(ForgeUnreachable, match="not answered within 3 s"):
        deadline.rest(9, None)
    with pytest.raises(ForgeUnreachable, match="asks to wait 60 s") as told:
        deadline.rest(1, 60)
    assert told.value.wait == 60


def test_a_forge_cannot_ask_for_any_wait_that_a_long_deadline_would_allow(time: Time, patience: Patience) -> None:
    deadline, before = patience.until(6 * 3600, "it"), time.now
    with pytest.raises(ForgeUnreachable, match="asks to wait 3600 s"):
        deadline.rest(1, 3600)
    assert time.now == before
    deadline.rest(1, 40)
    assert 40 < time.now - before < 41


def test_the_floor_is_of_4096_bytes_per_second_over_a_minute(patience: Patience) -> None:
    pace = Pace(patience, "it")
    for _second in range(600):
        pace.moved(4096, 1)
    for _second in range(59):
        pace.moved(4095, 1)
    with pytest.raises(ForgeUnreachable, match="only 4095 B/s over 60 s"):
        pace.moved(4095, 1)


def test_a_burst_after_a_long_silence_is_judged_as_a_whole(patience: Patience) -> None:
    pace = Pace(patience, "it")
    pace.moved(0, 50)
    pace.moved(4096 * 60, 10)
    with pytest.raises(ForgeUnreachable):
        pace.moved(1, 61)
