"""One report, again and again: redrawn in place where a person looks, block after block elsewhere."""

from __future__ import annotations

import io
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from cockpitpm.cli.terminal import Terminal

HOME, CLEAR_LINE, CLEAR_REST = "\x1b[H", "\x1b[K", "\x1b[J"
HIDE, SHOW = "\x1b[?25l", "\x1b[?25h"


class Screen(io.StringIO):
    """Takes what would go to a person's terminal, so that it can be shown in one write."""

    def __init__(self, encoding: str | None) -> None:
        super().__init__()
        self._encoding = encoding

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """That of the real terminal."""
        return self._encoding or "utf-8"

    def isatty(self) -> bool:
        """Somebody looks."""
        return True


def watch(
    out: Terminal,
    environ: Mapping[str, str],
    show: Callable[[Terminal], None],
    pause: Callable[[], None],
    times: int | None,
) -> None:
    """Show a report until Ctrl-C, or `times` times; `pause` waits between two."""
    steady = out.live and environ.get("TERM") != "dumb"
    with _cursor(out, hidden=steady):
        for number in _numbers(times):
            if number:
                pause()
            if steady:
                out.write(frame(_drawn(out, environ, show), shutil.get_terminal_size().lines))
            else:
                _block(out, show, number)


def frame(text: str, height: int) -> str:
    """The control sequences that put the text over the one before it; nothing is blank in between."""
    lines = text.splitlines()
    room = max(height - 1, 1)
    if len(lines) > room:
        lines = [*lines[: room - 1], f"({len(lines) - room + 1} more lines)"]
    return HOME + "".join(f"{line}{CLEAR_LINE}\n" for line in lines) + CLEAR_REST


def _drawn(out: Terminal, environ: Mapping[str, str], show: Callable[[Terminal], None]) -> str:
    screen = Screen(out.stream.encoding)
    show(Terminal(screen, environ))  # made anew, as the window may have another width now
    return screen.getvalue()


def _block(out: Terminal, show: Callable[[Terminal], None], number: int) -> None:
    if number:
        out.line()
    show(out)
    out.flush()


def _numbers(times: int | None) -> Iterator[int]:
    number = 0
    while times is None or number < times:
        yield number
        number += 1


@contextmanager
def _cursor(out: Terminal, hidden: bool) -> Iterator[None]:
    """Ctrl-C is how watching ends, so it is no error."""
    try:
        if hidden:
            out.write(HIDE)
        yield
    except KeyboardInterrupt:
        pass
    finally:
        if hidden:
            out.write(SHOW)
