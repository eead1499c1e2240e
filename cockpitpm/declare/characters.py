"""Which characters no text that people declare may hold: those a terminal, a log or a page would obey.

They are the Unicode categories Cc (control; newline and tab are allowed), Cf (format, such as the marks that turn the
direction of writing), Cs (surrogates), and Zl and Zp (line separators that YAML counts and editors do not). The
ranges are written out because asking `unicodedata` for all of them takes a tenth of a second; a test compares.
"""

from __future__ import annotations

import re

_RANGES = (
    "\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180e\u200b-\u200f\u2028-\u202e"
    "\u2060-\u2064\u2066-\u206f\ud800-\udfff\ufeff\ufff9-\ufffb\U000110bd\U000110cd\U00013430-\U0001343f"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0001\U000e0020-\U000e007f"
)
_FORBIDDEN = re.compile(f"[{_RANGES}]")


def forbidden(text: str) -> re.Match[str] | None:
    """The first character of `text` that may not be there, None if there is none. A carriage return counts."""
    return _FORBIDDEN.search(text)


def spelled(character: str) -> str:
    """How an error names a character without showing it: `U+202E`."""
    return f"U+{ord(character):04X}"
