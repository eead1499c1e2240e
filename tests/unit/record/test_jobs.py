"""What a job tells survives a line that was cut short."""

from __future__ import annotations

from pathlib import Path

from cockpitpm.model.job import JobEvent
from cockpitpm.record import jobs
from cockpitpm.record.roots import layout_of


def event(n: int) -> JobEvent:
    return JobEvent(n=n, at="2026-11-23T10:00:00.000Z", kind="step", app="duo", text=f"step {n}")


def test_a_line_that_was_cut_short_takes_no_other_with_it(root: Path) -> None:
    layout = layout_of(root)
    layout.job(1).mkdir(parents=True)
    jobs.append(layout, 1, [event(1), event(2)])
    file = layout.job(1) / "events.jsonl"
    file.write_bytes(file.read_bytes()[:-20])
    jobs.append(layout, 1, [event(3)])
    assert [one.n for one in jobs.events(layout, 1)] == [1, 3]
