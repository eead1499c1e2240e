"""Text in columns."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TypeVar

from cockpitpm.cli.terminal import Ink, Part, Terminal, dim, length, visible

GAP = "  "
NARROW = 16
"""Columns below which wrapping does more harm than good."""
FEW = 3
"""As many apps with nothing to do have a line each; more share one."""
T = TypeVar("T")


def write_table(out: Terminal, header: Sequence[str], rows: Sequence[Sequence[Part]], indent: int = 0) -> None:
    """Write rows below a header, each column as wide as its widest cell; the last one is wrapped where it must be."""
    widths = [max(map(length, column)) for column in zip(header, *rows, strict=True)]
    left = indent + sum(width + len(GAP) for width in widths[:-1])
    for row in ([dim(title) for title in header], *rows):
        first, *more = _pieces(row[-1], out.width - left)
        out.line(" " * indent, *_cells(row[:-1], widths), first)
        for piece in more:
            out.line(" " * left, piece)


def _pieces(cell: Part, room: int) -> list[Part]:
    """The cell in lines that fit, if there is room to speak of."""
    text, style = (cell, "") if isinstance(cell, str) else cell
    if room < NARROW or length(text) <= room:
        return [cell]
    return [inked(piece, style) for piece in textwrap.wrap(visible(text), room, break_on_hyphens=False)]


def write_pairs(out: Terminal, pairs: Sequence[tuple[str, Part]], indent: int = 2) -> None:
    """Write labelled values, the labels dim and equally wide; a long value is wrapped below itself."""
    width = max((len(label) for label, _ in pairs), default=0)
    for label, value in pairs:
        text, style = (value, "") if isinstance(value, str) else value
        out.paragraph(text, indent=indent, style=style, first=dim(label.ljust(width + len(GAP))))


def _cells(row: Sequence[Part], widths: Sequence[int]) -> list[Part]:
    return [part for cell, width in zip(row, widths, strict=False) for part in (cell, _fill(cell, width))]


def _fill(cell: Part, width: int) -> str:
    return " " * (width - length(cell)) + GAP


def padded(text: str, width: int) -> str:
    """The text filled up with spaces."""
    return text + " " * max(0, width - length(text))


def inked(text: str, style: str) -> Part:
    """Text in a style that may be none."""
    return Ink(text, style) if style else text


def quiet_ones(apps: Sequence[T], nothing: Sequence[bool]) -> tuple[list[T], list[T]]:
    """The apps with nothing to do, if they are too many for a line each, and the others."""
    if sum(nothing) <= FEW:
        return [], list(apps)
    pairs = list(zip(apps, nothing, strict=True))
    return [app for app, idle in pairs if idle], [app for app, idle in pairs if not idle]
