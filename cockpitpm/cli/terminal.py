"""What reaches a person: the one place that colours text, and that keeps foreign characters from being obeyed."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Iterator, Mapping
from typing import NamedTuple, TextIO

from cockpitpm.errors import MachineError


class Ink(NamedTuple):
    """Text with the number of its ANSI style."""

    text: str
    code: str


Part = str | Ink

ASCII = str.maketrans({"✓": "ok", "✗": "x", "→": "->", "·": "-", "…": "...", "●": "*", "○": "o", "–": "-"})
"""For a terminal that is not UTF-8."""
ENDLESS = 1_000_000


def bold(text: str) -> Ink:
    """The name of a thing."""
    return Ink(text, "1")


def dim(text: str) -> Ink:
    """What can be skipped."""
    return Ink(text, "2")


def red(text: str) -> Ink:
    """What went wrong."""
    return Ink(text, "31")


def green(text: str) -> Ink:
    """What went well."""
    return Ink(text, "32")


def yellow(text: str) -> Ink:
    """What wants attention."""
    return Ink(text, "33")


def cyan(text: str) -> Ink:
    """What one can type."""
    return Ink(text, "36")


def visible(text: str) -> str:
    r"""The text with everything that a terminal would obey spelled out, as \x1b or \u202e."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else _spelled(ord(c)) for c in text)


def _spelled(code: int) -> str:
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def length(part: Part) -> int:
    """How many columns it takes."""
    return len(visible(part if isinstance(part, str) else part.text))


class Terminal:
    """One output stream. `live` is whether a person looks at it, `width` its columns (0: lines may be any length)."""

    def __init__(self, stream: TextIO, environ: Mapping[str, str]) -> None:
        self.stream = stream
        self.live = stream.isatty()
        self.color = self.live and not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"
        self.width = shutil.get_terminal_size().columns if self.live else 0
        self._unicode = (stream.encoding or "utf-8").lower().replace("-", "") == "utf8"

    def line(self, *parts: Part) -> None:
        """Write one line. Raises BrokenPipeError when nobody reads any more, MachineError when it cannot be written."""
        self.write("".join(self.shown(part) for part in parts).rstrip(" ") + "\n")

    def paragraph(self, text: str, indent: int = 0, style: str = "", first: Part = "") -> None:
        """Write a text that is wrapped where a person reads it. `first` stands in front, the rest hangs below it."""
        for parts in self.wrapped(text, indent, style, first):
            self.line(*parts)

    def wrapped(self, text: str, indent: int = 0, style: str = "", first: Part = "") -> Iterator[tuple[Part, ...]]:
        """The lines of a paragraph."""
        hang = length(first)
        room = max(24, self.width - indent - hang) if self.width else ENDLESS
        lines = textwrap.wrap(visible(text), room, break_on_hyphens=False) or [""]
        for number, line in enumerate(lines):
            yield " " * indent, " " * hang if number else first, Ink(line, style) if style else line

    def shown(self, part: Part) -> str:
        """The part as this stream takes it."""
        text = visible(part if isinstance(part, str) else part.text)
        if not self._unicode:
            text = text.translate(ASCII)
        return f"\x1b[{part.code}m{text}\x1b[0m" if self.color and isinstance(part, Ink) and text else text

    def write(self, text: str) -> None:
        """Write what was made safe already."""
        try:
            self.stream.write(text)
            if self.live:
                self.stream.flush()
        except BrokenPipeError:
            raise
        except OSError as error:
            raise _unwritable(error) from error

    def flush(self) -> None:
        """Hand over everything. Raises as `line` does."""
        try:
            self.stream.flush()
        except BrokenPipeError:
            raise
        except OSError as error:
            raise _unwritable(error) from error


def _unwritable(error: OSError) -> MachineError:
    return MachineError(f"The output cannot be written: {error.strerror}", "Send it somewhere else")
