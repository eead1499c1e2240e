"""What the engine tells while it works, as lines.

A narrator never raises: whoever stops reading must not stop a transaction in the middle.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextlib import contextmanager
from threading import RLock

from cockpitpm.app.narration import Reporter
from cockpitpm.cli.terminal import Part, Terminal, bold, dim, green, yellow
from cockpitpm.cli.words import seconds, size
from cockpitpm.errors import CockpitPmError


class Lines(Reporter):
    """Plain lines, `app: what happened`, for logs and other programs."""

    def __init__(self, out: Terminal) -> None:
        self.out = out
        self.lock = RLock()
        self.sizes: dict[tuple[str, str], int] = {}

    def tell(self, app: str, text: str, mark: Part = "") -> None:
        """One line about an app; `mark` is shown only to people."""
        self.write(f"{app}: " if app else "", text)

    def write(self, *parts: Part) -> None:
        """Write a line; a stream that takes no more is forgotten."""
        with self.lock, contextlib.suppress(OSError, ValueError, CockpitPmError):
            self.out.line(*parts)

    def fetch_started(self, app: str, asset: str, size: int) -> None:
        """Tell that it begins, and remember how much it is."""
        self.sizes[app, asset] = size
        self.downloading(app, asset, size)

    def downloading(self, app: str, asset: str, total: int) -> None:
        """Tell that a download begins."""
        self.tell(app, f"downloading {asset} ({size(total)})")

    def fetch_finished(self, app: str, asset: str, seconds: float) -> None:
        """Tell how long it took."""
        self.tell(app, self.fetched(app, asset, seconds), green("✓ "))

    def fetched(self, app: str, asset: str, took: float) -> str:
        """A finished download in one line."""
        total = self.sizes.pop((app, asset), 0)
        rate = f", {size(int(total / took))}/s" if took > 0.05 else ""
        return f"downloaded {asset} ({size(total)} in {seconds(took)}{rate})"

    def step(self, app: str, text: str) -> None:
        """Tell it."""
        self.tell(app, text, _mark(text))

    def warning(self, app: str, text: str) -> None:
        """Tell it as a warning."""
        self.write(f"{app}: " if app else "", yellow("warning: "), text)

    def close(self) -> None:
        """Nothing more will come."""


class Blocks(Lines):
    """For a person: the app once, its steps below it."""

    def app_started(self, app: str, decision: str) -> None:
        """The app's name."""
        self.write()
        self.write(bold(app))

    def tell(self, app: str, text: str, mark: Part = "") -> None:
        """One step."""
        for parts in self.out.wrapped(text, 2, first=mark or dim("· ")):
            self.write(*parts)

    def warning(self, app: str, text: str) -> None:
        """A step that wants attention."""
        self.write("  ", yellow("! "), text)

    def downloading(self, app: str, asset: str, total: int) -> None:
        """Only what has arrived is told."""

    def fetched(self, app: str, asset: str, took: float) -> str:
        """In fewer words, so that it fits into a line."""
        total = self.sizes.pop((app, asset), 0)
        rate = f" at {size(int(total / took))}/s" if took > 0.05 else ""
        return f"{asset} ({size(total)}{rate})"


def _mark(text: str) -> Part:
    """A tick for what is reached; what merely begins has a dot."""
    if " is ready" in text:
        return green("✓ ")
    return yellow("↩ ") if text.startswith("going back") else dim("· ")


@contextmanager
def narrator(out: Terminal) -> Iterator[Lines]:
    """The narrator that suits the stream: bars and blocks for a person, lines for everybody else."""
    told = _for(out)
    try:
        yield told
    finally:
        told.close()


def _for(out: Terminal) -> Lines:
    if not out.live:
        return Lines(out)
    from cockpitpm.cli.bars import Bars

    return Bars(out)
