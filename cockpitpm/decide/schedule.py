"""What is due by the clock, and when something will be next. Windows are meant by the wall clock of a zone.

A window is what the wall clock shows between its two ends: where the clocks are put forward over one of them it is
shorter, and one that they skip whole does not come that day. Where they are put back it comes once, at the first of the
two equal hours, and lasts no longer than it is meant to.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from hashlib import sha256
from itertools import pairwise
from typing import assert_never

from attrs import evolve, frozen
from cronsim import CronSim

from cockpitpm.model.upgrades import Switch, Switches, Tried, Try, Window

FIRST, LONGEST = 5 * 60, 6 * 3600
"""Seconds until something that failed is tried again: after the first time, and at most."""
MOVES = timedelta(days=1)
"""More than the clocks of any zone are ever put forward or back."""
REMEMBERED = 32
"""Windows whose job is remembered, so that one stays done although the clock was set back."""


@frozen(kw_only=True)
class Span:
    """A window as it comes, in UTC; `end` is the first moment that is outside."""

    begin: datetime
    end: datetime

    @property
    def key(self) -> str:
        """Its name among all windows of an app."""
        return written(self.begin)

    def holds(self, moment: datetime) -> bool:
        """Whether the moment is inside."""
        return self.begin <= moment < self.end


@frozen(kw_only=True)
class Agenda:
    """What the clock has for one app: what is due now, and the moment of each switch that is on, UTC.

    `span` is the window that runs or comes next and in which nothing was ordered yet; `turn` the moment in it at which
    this machine begins. None where the switch is off, or the app is held.
    """

    due: tuple[Switch, ...] = ()
    notice: datetime | None = None
    download: datetime | None = None
    restart: datetime | None = None
    span: Span | None = None
    turn: datetime | None = None

    @property
    def next(self) -> datetime | None:
        """The first moment at which something is due."""
        return min((at for at in (self.notice, self.download, self.restart) if at), default=None)


def agenda(switches: Switches, every: int, tried: Tried, held: bool, now: datetime, zone: tzinfo, seed: str) -> Agenda:
    """What is due for an app at `now`. A held app is noticed and nothing else. `seed` is the machine's own."""
    most = min(switches.jitter, every // 4)
    found = Agenda()
    if switches.notice:
        found = evolve(found, notice=_again(tried.notice, every, now, most, seed))
    if switches.download and not held:
        found = evolve(found, download=_again(tried.download, every, now, most, seed))
    if switches.restart and switches.window and not held:
        found = _in_window(found, switches.window, switches.jitter, every, tried, now, zone, seed)
    moments = {Switch.NOTICE: found.notice, Switch.DOWNLOAD: found.download, Switch.RESTART: found.restart}
    return evolve(found, due=tuple(switch for switch, at in moments.items() if at and at <= now))


def _in_window(
    found: Agenda, window: Window, jitter: int, every: int, tried: Tried, now: datetime, zone: tzinfo, seed: str
) -> Agenda:
    """The first window in which there is still a moment to begin."""
    for span in spans(window, zone, now):
        if span.key in tried.windows:
            continue
        first = turn(span, jitter, seed)
        last = moment(tried.restart.at)
        looked = last is not None and span.holds(last) and last <= now
        at = max(first, _again(tried.restart, every, now)) if looked else first
        if at < span.end:
            return evolve(found, span=span, turn=first, restart=at)
    return found


def spans(window: Window, zone: tzinfo, now: datetime) -> Iterator[Span]:
    """The windows that have not ended, soonest first, without end. `now` is aware."""
    length = timedelta(seconds=window.length)
    local = now.astimezone(zone).replace(tzinfo=None)
    for start, following in pairwise(CronSim(window.start, local - length - MOVES)):
        begin = _utc(start, zone, fold=0)
        end = min(_first_reading(min(start + length, following), zone), begin + length)
        if begin < end and now < end:
            yield Span(begin=begin, end=end)


def _first_reading(wall: datetime, zone: tzinfo) -> datetime:
    """When the wall clock shows this for the first time; of an hour that it skips, a moment before the leap."""
    return min(_utc(wall, zone, fold=0), _utc(wall, zone, fold=1))


def _utc(wall: datetime, zone: tzinfo, fold: int) -> datetime:
    return wall.replace(tzinfo=zone, fold=fold).astimezone(UTC)


def turn(span: Span, jitter: int, seed: str) -> datetime:
    """When this machine begins in a window: at its begin or up to `jitter` seconds later, in the first half of it."""
    half = int((span.end - span.begin).total_seconds()) // 2
    return span.begin + _offset(seed, span.key, min(jitter, half))


def _offset(seed: str, what: str, most: int) -> timedelta:
    """From 0 to `most` seconds, always the same for the same machine and occasion."""
    digest = sha256(f"{seed} {what}".encode()).digest()
    return timedelta(seconds=int.from_bytes(digest[:8]) % (most + 1))


def _again(tried: Try, every: int, now: datetime, most: int = 0, seed: str = "") -> datetime:
    """When something is tried again. What was tried in the future was tried before the clock was set back."""
    last = moment(tried.at)
    if last is None or last > now:
        return now
    if tried.failures:
        wait = min(FIRST * 2 ** min(tried.failures - 1, 16), max(every, FIRST), LONGEST)
        return last + timedelta(seconds=wait)
    return last + timedelta(seconds=every) + _offset(seed, tried.at, most)


def noted(tried: Tried, switch: Switch, now: datetime, said: str, failed: bool) -> Tried:
    """What is remembered once something was tried; `said` is what came of it."""
    match switch:
        case Switch.NOTICE:
            return evolve(tried, notice=_after(tried.notice, now, said, failed))
        case Switch.DOWNLOAD:
            return evolve(tried, download=_after(tried.download, now, said, failed))
        case Switch.RESTART:
            return evolve(tried, restart=_after(tried.restart, now, said, failed))
    assert_never(switch)


def _after(tried: Try, now: datetime, said: str, failed: bool) -> Try:
    return Try(at=written(now), failures=tried.failures + 1 if failed else 0, said=said)


def ordered(tried: Tried, span: Span, job: int, now: datetime) -> Tried:
    """What is remembered once a job was ordered in a window."""
    windows = (*(key for key in tried.windows if key != span.key), span.key)[-REMEMBERED:]
    known = noted(tried, Switch.RESTART, now, f"job {job}", failed=False)
    return evolve(known, windows=windows, job=job, until=written(span.end))


def written(at: datetime) -> str:
    """A moment in UTC, to the second, RFC 3339."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def moment(text: str) -> datetime | None:
    """The moment that was written; None for an empty text."""
    return datetime.fromisoformat(text) if text else None
