"""What machine.yaml says of upgrades by the clock: spans and windows as people write them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from functools import cache
from itertools import islice, pairwise
from typing import Any

from cockpitpm.model.upgrades import AppUpgrades, Switches, Upgrades, Window

UNITS = {"w": 7 * 86400, "d": 86400, "h": 3600, "m": 60}
DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
SHORTEST, LONGEST = 5 * 60, 24 * 3600
"""Seconds that a window may last."""
OFTENEST = 5 * 60
"""Seconds between two looks, at least."""
PROVED = 8
"""Starts of a window that are looked at when it is read: whether it comes at all, and not before it has ended."""

_SPAN = re.compile(r"(?=\d)(?:\d{1,4}w)?(?:\d{1,4}d)?(?:\d{1,4}h)?(?:\d{1,4}m)?", re.ASCII)
_PLAIN = re.compile(r"(?:([a-z.,]+) +)?(\d\d):(\d\d)\.\.(\d\d):(\d\d)", re.ASCII)
_CRON = re.compile(r"(\S+(?: +\S+){4}) +for +(\S+)", re.ASCII)

Path = tuple[str, ...]


def seconds(text: str) -> int:
    """The seconds of a span such as `15m`, `1h30m`, `2d`. Raises ValueError."""
    if not _SPAN.fullmatch(text):
        raise ValueError(f"{text!r} is no span such as 15m, 1h30m or 2d")
    return sum(int(number) * UNITS[unit] for number, unit in re.findall(r"(\d+)([wdhm])", text))


@cache
def window_of(text: str) -> Window:
    """The window of `Sat 02:00..04:00`, `Mon..Fri 22:00..23:30`, `02:00..04:00`, or `0 2 * * 6L for 2h`.

    Raises ValueError.
    """
    plain, cron = _PLAIN.fullmatch(text.strip().lower()), _CRON.fullmatch(text.strip())
    if plain:
        start, length = _plain(*plain.groups())
    elif cron:
        start, length = " ".join(cron[1].split()), seconds(cron[2])
    else:
        raise ValueError(f"{text!r} is no window such as `Sat 02:00..04:00` or `0 2 * * 6L for 2h`")
    if not SHORTEST <= length <= LONGEST:
        raise ValueError(f"{text!r} lasts {length // 60} minutes; a window has 5 minutes to 24 hours")
    _comes_and_ends(text, start, length)
    return Window(text=text.strip(), start=start, length=length)


def _plain(days: str | None, *clock: str) -> tuple[str, int]:
    hour, minute, last_hour, last_minute = map(int, clock)
    if hour > 23 or minute > 59 or last_minute > 59 or last_hour * 60 + last_minute > 24 * 60:
        raise ValueError("a window is between 00:00 and 24:00")
    length = (last_hour * 60 + last_minute - hour * 60 - minute) * 60
    if not length:
        raise ValueError("a window ends at another hour than it begins; the whole day is 00:00..24:00")
    found = sorted({day for part in days.split(",") for day in _days(part)}) if days else []
    return f"{minute} {hour} * * {','.join(map(str, found)) or '*'}", length % LONGEST or LONGEST


def _days(part: str) -> Iterator[int]:
    """The days of `sat` or `mon..fri`, 0 for Sunday; `fri..mon` goes over the end of the week."""
    first, _, last = part.partition("..")
    for word in (first, last or first):
        if word not in DAYS:
            raise ValueError(f"{word!r} is no day of the week; they are Mon, Tue, Wed, Thu, Fri, Sat and Sun")
    begin, end = DAYS.index(first), DAYS.index(last or first)
    return (day % 7 for day in range(begin, (end if end >= begin else end + 7) + 1))


def _comes_and_ends(text: str, start: str, length: int) -> None:
    from cronsim import CronSim, CronSimError  # only machines that name a window pay for it

    try:
        starts = list(islice(CronSim(start, datetime(2026, 1, 1)), PROVED))
    except CronSimError as error:
        raise ValueError(f"{text!r} is no expression of cron: {error}") from None
    if not starts:
        raise ValueError(f"{text!r} never begins")
    if any(after - before < timedelta(seconds=length) for before, after in pairwise(starts)):
        raise ValueError(f"{text!r} begins again before it has ended")


def upgrades_of(tree: Mapping[str, Any]) -> Upgrades:
    """The settings of a tree that conforms to the machine schema. Raises ValueError."""
    apps = {app: AppUpgrades(**_own(one)) for app, one in tree.get("apps", {}).items()}
    every = {"every": seconds(tree["every"])} if "every" in tree else {}
    return Upgrades(switches=Switches(**_own(tree)), zone=tree.get("zone", ""), apps=apps, **every)


def _own(tree: Mapping[str, Any]) -> dict[str, Any]:
    return {key: READ[key](tree[key]) for key in READ if key in tree}


def _switch(word: bool | str) -> bool:
    return word in (True, "on")


READ: Mapping[str, Callable[[Any], Any]] = {
    "notice": _switch,
    "download": _switch,
    "restart": _switch,
    "window": window_of,
    "jitter": seconds,
}


def faults(tree: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
    """What cannot be meant, although it conforms to the schema: where, and why. No window is asked for twice."""
    for path, own in ((), tree), *((("apps", app), one) for app, one in tree.get("apps", {}).items()):
        for key in ("window", "jitter"):
            if key in own and (told := _unreadable(READ[key], own[key])):
                yield (*path, key), told
        windows = "window" in own or "window" in tree
        if "restart" in own and _switch(own["restart"]) and not windows:
            yield (*path, "restart"), "nothing restarts by itself without a window"
    if "every" in tree and (told := _unreadable(_often, tree["every"])):
        yield ("every",), told
    if "zone" in tree and (told := _unreadable(_zone, tree["zone"])):
        yield ("zone",), told


def _unreadable(read: Callable[[str], object], text: str) -> str:
    try:
        read(text)
    except ValueError as error:
        return str(error)
    return ""


def _often(text: str) -> None:
    if not OFTENEST <= seconds(text) <= 4 * UNITS["w"]:
        raise ValueError(f"{text!r}: a channel is read every 5 minutes at most and every 4 weeks at least")


def _zone(name: str) -> None:
    from zoneinfo import ZoneInfo  # only machines that name a zone pay for it

    try:
        ZoneInfo(name)
    except (KeyError, OSError):
        raise ValueError(f"this machine knows no time zone {name!r}; its zones come with the package tzdata") from None
