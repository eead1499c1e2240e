"""Downloads as bars, for a person at a terminal. rich is imported when the first one begins."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cockpitpm.cli.narrate import Blocks
from cockpitpm.cli.terminal import Part, Terminal, visible

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

WIDEST = 100
"""Columns that bars take at most; further apart the eye loses the line."""


class Bars(Blocks):
    """Steps as lines, downloads as bars below them that go when they are done."""

    def __init__(self, out: Terminal) -> None:
        super().__init__(out)
        self._progress: Progress | None = None
        self._tasks: dict[tuple[str, str], TaskID] = {}

    def write(self, *parts: Part) -> None:
        """Write a line, above the bars where there are some."""
        with self.lock:
            if self._progress is None:
                super().write(*parts)
                return
            from rich.text import Text

            text = "".join(self.out.shown(part) for part in parts)
            self._progress.console.print(Text.from_ansi(text), soft_wrap=True)

    def downloading(self, app: str, asset: str, total: int) -> None:
        """Open a bar."""
        with self.lock:
            if self._progress is None:
                self._progress = _bars(self.out)
                self._progress.start()
            self._tasks[app, asset] = self._progress.add_task(visible(asset), total=total)

    def fetch_moved(self, app: str, asset: str, done: int) -> None:
        """Move the bar."""
        with self.lock:
            if self._progress is not None and (app, asset) in self._tasks:
                self._progress.update(self._tasks[app, asset], completed=done)

    def fetch_finished(self, app: str, asset: str, seconds: float) -> None:
        """Close the bar; the line stays."""
        with self.lock:
            task = self._tasks.pop((app, asset), None)
            if self._progress is not None and task is not None:
                self._progress.remove_task(task)
            super().fetch_finished(app, asset, seconds)
            if not self._tasks:
                self.close()

    def app_finished(self, app: str, outcome: str, ok: bool) -> None:
        """A download that failed leaves its bar behind."""
        self.close()

    def close(self) -> None:
        """Take the bars away."""
        with self.lock:
            if self._progress is not None:
                self._progress.stop()
            self._progress = None
            self._tasks.clear()


def _bars(out: Terminal) -> Progress:
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, ProgressColumn, TextColumn, TransferSpeedColumn
    from rich.table import Column

    name = TextColumn(
        "{task.description}", markup=False, table_column=Column(ratio=1, no_wrap=True, overflow="ellipsis")
    )
    columns: list[ProgressColumn] = [TextColumn(" "), name, DownloadColumn(), TransferSpeedColumn()]
    if out.width >= 76:
        columns.insert(2, BarColumn(bar_width=16))
    console = Console(file=out.stream, no_color=not out.color, width=min(out.width, WIDEST), highlight=False)
    return Progress(*columns, console=console, transient=True, expand=True)
