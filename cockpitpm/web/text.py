"""How foreign text, times, sizes and names are written into a page."""

from __future__ import annotations

import re
import unicodedata
from typing import Any
from urllib.parse import quote

from markupsafe import Markup, escape

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
UNSEEN = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
"""The categories of characters that show nothing, or change how their neighbours are shown."""
_PLAIN = re.compile(r"[\x20-\x7e]*", re.ASCII)
_MOMENT = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)", re.ASCII)


def visible(value: Any) -> Any:
    """The text with every control, format and bidi character as a visible escape. What is markup already stays.

    Jinja passes every value of every template through it, so no page can forget it.
    """
    if isinstance(value, Markup):
        return value
    text = str(value)
    if _PLAIN.fullmatch(text):
        return text
    return "".join(_shown(c) for c in text)


def _shown(character: str) -> str:
    if unicodedata.category(character) not in UNSEEN:
        return character
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def name(value: str) -> Markup:
    """A name that may be broken after each underscore, and nowhere else."""
    return Markup("_<wbr>").join(escape(visible(part)) for part in value.split("_"))


def part(value: str) -> str:
    """One piece of a path."""
    return quote(value, safe="")


def short(commit: str) -> str:
    """The first seven digits."""
    return commit[:7]


def size(count: int) -> str:
    """`18.4 MB`; powers of ten."""
    amount = float(count)
    for unit in ("B", "kB", "MB"):
        if amount < 999.5:
            return f"{amount:.0f} {unit}" if unit == "B" or amount >= 99.95 else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} GB"


def lasted(milliseconds: int | None) -> str:
    """`6 ms`, `1.2 s`, `2 min 5 s`; empty for None."""
    if milliseconds is None:
        return ""
    if milliseconds < 100:
        return f"{milliseconds} ms"
    seconds = milliseconds / 1000
    return f"{seconds:.1f} s" if seconds < 60 else f"{int(seconds // 60)} min {int(seconds % 60)} s"


def age(seconds: int) -> str:
    """`20 days`, `3 hours`, `less than a minute`."""
    for length, unit in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= length:
            return counted(seconds // length, unit)
    return "less than a minute"


def counted(number: int, thing: str) -> str:
    """`1 app`, `3 apps`."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def listed(names: tuple[str, ...]) -> str:
    """`a, b and c`."""
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1]))) if names else ""


def moment(value: str) -> Markup | str:
    """`3 Nov, 14:02` as a `<time>` that holds the whole of it."""
    return _time(value, lambda y, mo, d, h, mi, s: f"{d} {mo}, {h}:{mi}")


def day(value: str) -> Markup | str:
    """`3 Nov` as a `<time>`."""
    return _time(value, lambda y, mo, d, h, mi, s: f"{d} {mo}")


def clock(value: str) -> Markup | str:
    """`14:02:31` as a `<time>`."""
    return _time(value, lambda y, mo, d, h, mi, s: f"{h}:{mi}:{s}")


def date(value: str) -> str:
    """`3 Nov 2026`, plain."""
    found = _MOMENT.match(value)
    return f"{int(found[3])} {MONTHS[int(found[2]) - 1]} {found[1]}" if found else value


def _time(value: str, told: Any) -> Markup | str:
    found = _MOMENT.match(value)
    if not found or not 1 <= int(found[2]) <= 12:
        return value
    y, mo, d, h, mi, s = found.groups()
    text = told(y, MONTHS[int(mo) - 1], int(d), h, mi, s)
    return Markup('<time datetime="{}" title="{} UTC">{}</time>').format(
        visible(value), visible(value[:19].replace("T", " ")), text
    )


FILTERS = {
    "visible": visible,
    "name": name,
    "part": part,
    "short": short,
    "size": size,
    "lasted": lasted,
    "age": age,
    "moment": moment,
    "day": day,
    "clock": clock,
    "date": date,
    "listed": listed,
    "counted": counted,
}
