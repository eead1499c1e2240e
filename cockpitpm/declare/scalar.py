"""What a plain (unquoted) YAML scalar means: YAML 1.2 core, narrowed so that nothing changes in silence.

`true`, `false` and `null` in their three spellings, `~` and nothing at all mean what the core schema says. A number is
a number only if it is written the way it is printed: `3`, `-1`, `0.5`. Everything else stays the text that was
written, so `no`, `on`, `12:30`, `0123`, `1.10`, `1e3`, `0x1F` and an md5 of digits only are strings. What looks like a
number in a place for text (`1.5`) is refused by the schema there, and never printed back in another form.
"""

from __future__ import annotations

import re

_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys(("null", "Null", "NULL", "~", ""), None),
}
_INTEGER = re.compile(r"0|-?[1-9][0-9]{0,14}")
"""At most 15 digits: every JSON reader keeps these exactly."""
_FLOAT = re.compile(r"-?(0|[1-9][0-9]{0,16})(\.[0-9]{1,324})?(e[+-][0-9]{2,3})?")


def plain(text: str) -> str | int | float | bool | None:
    """The value of a plain scalar."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in "-0123456789":
        return text
    if _INTEGER.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text) and repr(float(text)) == text:
        return float(text)
    return text
