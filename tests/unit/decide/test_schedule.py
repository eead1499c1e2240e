"""What the clock has for an app: windows by the wall clock of a zone, switches, and when something is tried again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import pytest

from cockpitpm.decide.schedule import Agenda, Span, agenda, moment, noted, ordered, spans, turn
from cockpitpm.declare.upgrades import window_of
from cockpitpm.model.upgrades import Switch, Switches, Tried, Try, Window

BRUSSELS = ZoneInfo("Europe/Brussels")
HOUR = timedelta(hours=1)
FRIDAY = datetime(2026, 6, 12, 8, 0, tzinfo=UTC)
SATURDAY = window_of("Sat 02:00..04:00")
ALL = Switches(notice=True, download=True, restart=True, window=SATURDAY, jitter=0)


def local(text: str, now: str, zone: str = "Europe/Brussels", count: int = 1) -> list[tuple[str, str]]:
    """The next windows as the wall clock of the zone shows them, with its offset."""
    where = ZoneInfo(zone)
    found = islice(spans(window_of(text), where, datetime.fromisoformat(now)), count)
    return [(f"{s.begin.astimezone(where):%m-%d %H:%M%z}", f"{s.end.astimezone(where):%m-%d %H:%M%z}") for s in found]


def at(now: datetime, tried: Tried | None = None, switches: Switches = ALL, held: bool = False) -> Agenda:
    return agenda(switches, 3600, tried or Tried(), held, now, BRUSSELS, "seed")


@pytest.mark.parametrize(
    ("text", "begin", "end"),
    [
        ("Sat 02:00..04:00", "06-13 02:00+0200", "06-13 04:00+0200"),
        ("09:30..10:30", "06-12 09:30+0200", "06-12 10:30+0200"),
        ("Mon..Fri 22:00..23:30", "06-12 22:00+0200", "06-12 23:30+0200"),
        ("Fri..Mon 22:00..02:00", "06-12 22:00+0200", "06-13 02:00+0200"),
        ("Sun,Wed 00:00..24:00", "06-14 00:00+0200", "06-15 00:00+0200"),
        ("0 2 * * 6L for 2h", "06-27 02:00+0200", "06-27 04:00+0200"),
        ("30 1 1 * * for 90m", "07-01 01:30+0200", "07-01 03:00+0200"),
    ],
)
def test_the_next_window(text: str, begin: str, end: str) -> None:
    assert local(text, "2026-06-12T08:00:00Z") == [(begin, end)]


def test_a_window_that_runs_is_told_until_it_has_ended() -> None:
    assert local("Fri 22:00..02:00", "2026-06-12T23:59:59Z") == [("06-12 22:00+0200", "06-13 02:00+0200")]
    assert local("Fri 22:00..02:00", "2026-06-13T00:00:00Z") == [("06-19 22:00+0200", "06-20 02:00+0200")]


@pytest.mark.parametrize(
    ("text", "spring"),
    [
        ("Sun 02:00..04:00", [("03-29 03:00+0200", "03-29 04:00+0200")]),
        ("Sun 01:00..02:30", [("03-29 01:00+0100", "03-29 01:30+0100")]),
        ("Sun 02:00..03:00", [("04-05 02:00+0200", "04-05 03:00+0200")]),
        ("Sun 02:15..02:45", [("04-05 02:15+0200", "04-05 02:45+0200")]),
        ("Sun 01:00..05:00", [("03-29 01:00+0100", "03-29 05:00+0200")]),
    ],
)
def test_the_clocks_are_put_forward(text: str, spring: list[tuple[str, str]]) -> None:
    assert local(text, "2026-03-28T12:00:00Z") == spring


@pytest.mark.parametrize(
    ("text", "autumn"),
    [
        ("Sun 02:00..04:00", ("10-25 02:00+0200", "10-25 03:00+0100")),
        ("Sun 02:00..02:30", ("10-25 02:00+0200", "10-25 02:30+0200")),
        ("Sun 01:30..02:30", ("10-25 01:30+0200", "10-25 02:30+0200")),
        ("Sun 03:00..04:00", ("10-25 03:00+0100", "10-25 04:00+0100")),
    ],
)
def test_the_clocks_are_put_back(text: str, autumn: tuple[str, str]) -> None:
    first, second = local(text, "2026-10-24T12:00:00Z", count=2)
    assert first == autumn and second[0].startswith("11-01"), "the repeated hour is no second window"


def test_zones_of_both_ends_of_the_world() -> None:
    assert local("Sat 02:00..04:00", "2026-06-12T08:00:00Z", "Pacific/Kiritimati")[0][0] == "06-13 02:00+1400"
    assert local("Sat 02:00..04:00", "2026-06-13T08:00:00Z", "Pacific/Pago_Pago")[0][0] == "06-13 02:00-1100"


def test_a_window_that_never_comes_is_never_due() -> None:
    never = Window(text="never", start="0 2 */29 2 1#5", length=3600)
    found = at(FRIDAY, switches=Switches(notice=False, restart=True, window=never))
    assert found == Agenda() and found.next is None


def test_a_window_ends_where_the_next_one_begins() -> None:
    often = Window(text="often", start="0,30 * * * *", length=3600)
    first, second = islice(spans(often, BRUSSELS, FRIDAY), 2)
    assert first.begin < first.end == second.begin


def test_what_is_due() -> None:
    found = at(FRIDAY)
    assert found.due == (Switch.NOTICE, Switch.DOWNLOAD)
    assert found.span == Span(begin=FRIDAY + 16 * HOUR, end=FRIDAY + 18 * HOUR)
    assert found.restart == found.turn == FRIDAY + 16 * HOUR and found.next == FRIDAY
    inside = at(FRIDAY + 16 * HOUR)
    assert Switch.RESTART in inside.due
    assert Switch.RESTART not in at(FRIDAY + 18 * HOUR).due


@pytest.mark.parametrize("switch", list(Switch))
def test_each_switch_is_for_itself(switch: Switch) -> None:
    only = {s.value: s is switch for s in Switch}
    inside = FRIDAY + 17 * HOUR
    assert at(inside, switches=Switches(**only, window=SATURDAY, jitter=0)).due == (switch,)
    assert Switches(**only).has(switch) and not any(Switches(**only).has(s) for s in Switch if s is not switch)


def test_without_a_window_nothing_restarts() -> None:
    assert at(FRIDAY, switches=Switches(restart=True)).restart is None


def test_a_held_app_is_only_noticed() -> None:
    found = at(FRIDAY + 17 * HOUR, held=True)
    assert found.due == (Switch.NOTICE,) and found.span is None


def test_what_failed_is_tried_again_later_and_later() -> None:
    tried, waits = Tried(), []
    now = FRIDAY
    for _ in range(6):
        tried = noted(tried, Switch.NOTICE, now, "the forge is down", failed=True)
        again = at(now, tried).notice
        assert again and Switch.NOTICE not in at(again - timedelta(seconds=1), tried).due
        waits.append(int((again - now).total_seconds()) // 60)
        now = again
    assert waits == [5, 10, 20, 40, 60, 60]
    well = noted(tried, Switch.NOTICE, now, "read", failed=False)
    assert well.notice == Try(at="2026-06-12T11:15:00Z", failures=0, said="read")
    assert at(now, well).notice == now + HOUR


def test_once_in_a_window_and_again_in_the_next() -> None:
    inside = FRIDAY + 17 * HOUR
    span = at(inside).span
    assert span and span.holds(inside) and not span.holds(span.end)
    tried = ordered(Tried(), span, 7, inside)
    assert (tried.job, tried.until, tried.windows) == (7, "2026-06-13T02:00:00Z", ("2026-06-13T00:00:00Z",))
    assert at(inside, tried).restart == span.begin + timedelta(days=7)
    assert ordered(tried, span, 7, inside).windows == tried.windows


def test_a_look_that_found_nothing_is_repeated_inside_the_window_only() -> None:
    inside = FRIDAY + 16 * HOUR
    nothing = noted(Tried(), Switch.RESTART, inside, "up to date", failed=False)
    assert at(inside, nothing).restart == inside + HOUR
    late = noted(nothing, Switch.RESTART, inside + 1.5 * HOUR, "up to date", failed=False)
    assert at(inside + 1.5 * HOUR, late).restart == inside + timedelta(days=7)
    down = noted(Tried(), Switch.RESTART, inside, "the forge is down", failed=True)
    assert at(inside, down).restart == inside + timedelta(minutes=5)


def test_a_look_of_an_earlier_window_does_not_count() -> None:
    nothing = noted(Tried(), Switch.RESTART, FRIDAY - 6 * 24 * HOUR, "up to date", failed=True)
    assert at(FRIDAY, nothing).restart == FRIDAY + 16 * HOUR


def test_the_clock_was_set_back() -> None:
    tried = Tried(notice=Try(at="2030-01-01T00:00:00Z"), restart=Try(at="2026-06-13T01:30:00Z", failures=3))
    assert Switch.NOTICE in at(FRIDAY, tried).due
    assert at(FRIDAY + 17 * HOUR, tried).restart == FRIDAY + 16 * HOUR


def test_the_turn_of_a_machine() -> None:
    span = Span(begin=FRIDAY, end=FRIDAY + HOUR)
    turns = {turn(span, 900, f"machine {n}") for n in range(200)}
    assert len(turns) > 150 and min(turns) >= FRIDAY and max(turns) <= FRIDAY + timedelta(minutes=15)
    assert {turn(span, 24 * 3600, f"machine {n}") < FRIDAY + HOUR / 2 + timedelta(seconds=1) for n in range(50)} == {
        True
    }


def test_no_text_is_no_moment() -> None:
    assert moment("") is None and moment("2026-06-12T08:00:00Z") == FRIDAY
