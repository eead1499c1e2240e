"""Laws of the clock: a year of ticks at any times, on any machine, never restarts anything outside its window."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from cockpitpm.decide.schedule import agenda, noted, ordered, spans, turn
from cockpitpm.declare.upgrades import window_of
from cockpitpm.model.upgrades import AppUpgrades, Switch, Switches, Tried, Upgrades, Window

ZONES = [ZoneInfo(z) for z in ("Europe/Brussels", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC")]
DAYS = ("", "Sat ", "Mon..Fri ", "Sun,Wed ", "Fri..Mon ")
MOMENTS = st.integers(0, 365 * 86400).map(lambda seconds: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds))
HOURS = st.integers(0, 24 * 12 - 1)


@st.composite
def windows(draw: st.DrawFn) -> Window:
    begin = draw(HOURS)
    end = (begin + draw(st.integers(1, 24 * 12 - 1))) % (24 * 12)
    days = draw(st.sampled_from(DAYS))
    length = (end - begin) % (24 * 12)
    clock = f"{begin // 12:02}:{begin % 12 * 5:02}..{end // 12:02}:{end % 12 * 5:02}"
    assert window_of(days + clock).length == length * 300
    return window_of(days + clock)


SWITCHES = st.builds(
    Switches,
    notice=st.booleans(),
    download=st.booleans(),
    restart=st.booleans(),
    window=st.none() | windows(),
    jitter=st.integers(0, 86400),
)
STEPS = st.lists(st.integers(-600_000, 2_000_000), min_size=1, max_size=20)


@given(windows(), st.sampled_from(ZONES), MOMENTS)
def test_a_window_is_inside_what_the_wall_clock_shows(window: Window, zone: ZoneInfo, now: datetime) -> None:
    found = list(islice(spans(window, zone, now), 10))
    assert all(a.end <= b.begin for a, b in pairwise(found)), "two windows never overlap"
    minute, hour = (int(word) for word in window.start.split()[:2])
    for span in found:
        assert now < span.end and timedelta() < span.end - span.begin <= timedelta(seconds=window.length)
        first = span.begin.astimezone(zone).replace(tzinfo=None)
        planned = first.replace(hour=hour, minute=minute)
        assert timedelta() <= first - planned <= timedelta(hours=1), "it begins when it says, or where a leap ends"
        last = (span.end - timedelta(seconds=1)).astimezone(zone).replace(tzinfo=None)
        assert last < planned + timedelta(seconds=window.length)


@given(windows(), st.sampled_from(ZONES), MOMENTS, st.integers(0, 86400), st.text(max_size=8))
def test_jitter_is_bounded_and_always_the_same(
    window: Window, zone: ZoneInfo, now: datetime, jitter: int, seed: str
) -> None:
    for span in islice(spans(window, zone, now), 5):
        mine = turn(span, jitter, seed)
        assert mine == turn(span, jitter, seed) and span.holds(mine)
        assert mine - span.begin <= timedelta(seconds=jitter)


@given(
    SWITCHES, st.booleans(), st.sampled_from(ZONES), MOMENTS, STEPS, st.sets(st.integers(0, 20)), st.text(max_size=4)
)
def test_a_year_of_ticks(
    switches: Switches, held: bool, zone: ZoneInfo, now: datetime, steps: list[int], failing: set[int], seed: str
) -> None:
    tried, done = Tried(), set()
    for number, step in enumerate(steps):
        now += timedelta(seconds=step)
        found = agenda(switches, 3600, tried, held, now, zone, seed)
        assert all(switches.has(s) for s in found.due)
        assert not held or set(found.due) <= {Switch.NOTICE}
        assert (found.next is not None and found.next <= now) == bool(found.due)
        for switch in found.due:
            if switch is Switch.RESTART and number not in failing:
                span = found.span
                assert span and span.holds(now) and found.turn and found.turn <= now
                assert window_holds(switches, zone, now) and span.key not in done
                done.add(span.key)
                tried = ordered(tried, span, number, now)
            else:
                tried = noted(tried, switch, now, "", number in failing)
        again = agenda(switches, 3600, tried, held, now, zone, seed)
        assert not again.due, "what was tried is not due at once"
        for switch in found.due:
            later = {Switch.NOTICE: again.notice, Switch.DOWNLOAD: again.download, Switch.RESTART: again.restart}[
                switch
            ]
            other = switch is Switch.RESTART and later == again.turn and again.span != found.span
            assert later is None or other or later - now >= timedelta(minutes=5)


def window_holds(switches: Switches, zone: ZoneInfo, now: datetime) -> bool:
    assert switches.window
    return next(spans(switches.window, zone, now)).holds(now)


OWN = st.builds(
    AppUpgrades,
    notice=st.none() | st.booleans(),
    download=st.none() | st.booleans(),
    restart=st.none() | st.booleans(),
    window=st.none() | windows(),
    jitter=st.none() | st.integers(0, 86400),
)


@given(SWITCHES, OWN)
def test_an_app_overrides_the_machine(machine: Switches, own: AppUpgrades) -> None:
    said = Upgrades(switches=machine, apps={"duo": own})
    assert said.of("other") == machine
    for key in ("notice", "download", "restart", "window", "jitter"):
        mine = getattr(own, key)
        assert getattr(said.of("duo"), key) == (getattr(machine, key) if mine is None else mine)
