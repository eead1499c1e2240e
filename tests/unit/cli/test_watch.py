"""`status --watch`: redrawn in place for a person, block after block elsewhere."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest

from cockpitpm.cli.terminal import Terminal, green
from cockpitpm.cli.watch import CLEAR_LINE, CLEAR_REST, HIDE, HOME, SHOW, frame, watch
from tests.unit.cli.conftest import Cli


class Tty(io.StringIO):
    def isatty(self) -> bool:
        return True


class Report:
    """Counts how often it was shown."""

    def __init__(self) -> None:
        self.shown = 0

    def __call__(self, out: Terminal) -> None:
        self.shown += 1
        out.line("look ", green(str(self.shown)))


def watched(stream: io.StringIO, times: int | None, pause: Callable[[], None] = lambda: None, term: str = "x") -> str:
    environ = {"TERM": term}
    watch(Terminal(stream, environ), environ, Report(), pause, times)
    return stream.getvalue()


def test_a_person_sees_one_report_that_changes_in_place() -> None:
    first, second = (f"{HOME}look \x1b[32m{n}\x1b[0m{CLEAR_LINE}\n{CLEAR_REST}" for n in (1, 2))
    assert watched(Tty(), 2) == HIDE + first + second + SHOW


def test_nothing_is_cleared_before_it_is_written_again() -> None:
    text = watched(Tty(), 3)
    assert "\x1b[2J" not in text and text.count(HOME) == text.count(CLEAR_REST) == 3


@pytest.mark.parametrize(("stream", "term"), [(io.StringIO, "x"), (Tty, "dumb")])
def test_elsewhere_it_is_block_after_block(stream: type[io.StringIO], term: str) -> None:
    assert watched(stream(), 2, term=term) == "look 1\n\nlook 2\n"


@pytest.mark.parametrize(("stream", "end"), [(io.StringIO, "look 1\n"), (Tty, SHOW)])
def test_ctrl_c_ends_it_and_the_cursor_is_back(stream: type[io.StringIO], end: str) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    assert watched(stream(), None, interrupt).endswith(end)


def test_what_does_not_fit_is_counted() -> None:
    text = "".join(f"line {n}\n" for n in range(10))
    shown = frame(text, 6).replace(HOME, "").replace(CLEAR_REST, "").replace(CLEAR_LINE, "").splitlines()
    assert shown == ["line 0", "line 1", "line 2", "line 3", "(6 more lines)"]
    assert frame("one\n", 1).count("\n") == 1


def test_status_is_watched_as_often_as_asked(cli: Cli) -> None:
    once = cli("status")
    twice = cli("status", "--watch", "--times", "2", "--interval", "0.1")
    assert (twice.code, twice.out) == (0, f"{once.out}\n{once.out}")


def test_json_is_not_watched(cli: Cli) -> None:
    assert cli("status", "--watch", "--json").code == 2
