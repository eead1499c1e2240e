"""What reaches a terminal: escaped, coloured only where that is wanted, wrapped, never in the way of the engine."""

from __future__ import annotations

import io

import pytest

from cockpitpm.cli import words
from cockpitpm.cli.bars import Bars
from cockpitpm.cli.columns import write_table
from cockpitpm.cli.narrate import Blocks, Lines
from cockpitpm.cli.terminal import Terminal, bold, visible
from cockpitpm.errors import MachineError


class Screen(io.StringIO):
    """A stream that says it is a terminal."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


class Full(Screen):
    """A stream that takes nothing."""

    def write(self, _text: str) -> int:
        raise OSError(28, "No space left on device")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain ünïcode ✓", "plain ünïcode ✓"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("a\u202eb", "a\\u202eb"),
        ("a\nb\tc\x7f", "a\\x0ab\\x09c\\x7f"),
        ("\x9b2J", "\\x9b2J"),
        ("\U000e0041", "\\U000e0041"),
        ("\ud800", "\\ud800"),
    ],
    ids=repr,
)
def test_what_a_terminal_would_obey_is_spelled_out(text: str, shown: str) -> None:
    assert visible(text) == shown


@pytest.mark.parametrize(
    ("environ", "coloured"),
    [({}, True), ({"NO_COLOR": "1"}, False), ({"NO_COLOR": ""}, True), ({"TERM": "dumb"}, False)],
)
def test_colour(environ: dict[str, str], coloured: bool) -> None:
    screen = Screen()
    Terminal(screen, environ).line(bold("name\x1b"), " text")
    assert screen.getvalue() == ("\x1b[1mname\\x1b\x1b[0m text\n" if coloured else "name\\x1b text\n")


def test_a_stream_that_is_no_terminal_gets_neither_colour_nor_breaks() -> None:
    stream = io.StringIO()
    Terminal(stream, {}).paragraph("word " * 60, first=bold("name  "))
    assert stream.getvalue() == "name  " + ("word " * 60).strip() + "\n"


def test_a_paragraph_hangs_below_its_first_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    screen = Screen()
    Terminal(screen, {"NO_COLOR": "1"}).paragraph("word " * 12, indent=2, first="name  ")
    lines = screen.getvalue().splitlines()
    assert len(lines) > 1 and all(len(line) <= 40 for line in lines)
    assert lines[1].startswith(" " * 8 + "word")


def test_a_table_measures_what_is_shown() -> None:
    stream = io.StringIO()
    write_table(Terminal(stream, {}), ("a", "b"), [["\x1b", "1"], [bold("xx"), "2"]])
    assert stream.getvalue() == "a     b\n\\x1b  1\nxx    2\n"


def test_ascii_terminals() -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    Terminal(stream, {}).line("✓ 1 → 2")
    stream.seek(0)
    assert stream.read() == "ok 1 -> 2\n"


def test_an_output_that_is_full_is_an_error_for_results_and_none_for_progress() -> None:
    with pytest.raises(MachineError):
        Terminal(Full(), {}).line("text")
    for narrator in (Lines(Terminal(Full(), {})), Blocks(Terminal(Full(), {}))):
        narrator.step("app", "text")
        narrator.warning("app", "text")


def test_progress_as_lines() -> None:
    stream = io.StringIO()
    lines = Lines(Terminal(stream, {}))
    lines.app_started("app", "upgrade")
    lines.fetch_started("app", "asset", 1_500_000)
    lines.fetch_moved("app", "asset", 700_000)
    lines.fetch_finished("app", "asset", 2.0)
    lines.step("app", "restarting x")
    lines.warning("", "odd")
    assert stream.getvalue().splitlines() == [
        "app: downloading asset (1.5 MB)",
        "app: downloaded asset (1.5 MB in 2.0 s, 750 kB/s)",
        "app: restarting x",
        "warning: odd",
    ]


@pytest.mark.parametrize("columns", ["30", "80", "200"])
def test_progress_as_bars(monkeypatch: pytest.MonkeyPatch, columns: str) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    screen = Screen()
    bars = Bars(Terminal(screen, {"NO_COLOR": "1"}))
    bars.app_started("app", "upgrade")
    bars.fetch_started("app", "asset\x1b[2J", 1_500_000)
    bars.fetch_moved("app", "asset\x1b[2J", 700_000)
    bars.step("app", "a \u202e step")
    bars.fetch_finished("app", "asset\x1b[2J", 2.0)
    bars.app_finished("app", "done", True)
    bars.close()
    shown = screen.getvalue()
    assert "asset\x1b[2J" not in shown and "\u202e" not in shown
    assert "a \\u202e step" in shown


def test_words() -> None:
    assert [words.size(n) for n in (0, 999, 1500, 99_960, 999_600, 26_500_000, 126_500_000, 5_000_000_000)] == [
        "0 B",
        "999 B",
        "1.5 kB",
        "100 kB",
        "1.0 MB",
        "26.5 MB",
        "126 MB",
        "5.0 GB",
    ]
    assert words.listed([]) == ""
    assert words.listed(["a"]) == "a"
    assert words.listed(["a", "b", "c"]) == "a, b and c"
    assert words.moment("2026-11-23T13:35:06.123Z") == "2026-11-23 13:35"
