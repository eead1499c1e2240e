"""I4: what the history says of a work, line by line."""

from __future__ import annotations

from collections.abc import Iterator

from attrs import evolve, frozen

from cockpitpm.model.receipt import Outcome
from cockpitpm.record import generations, history
from tests.sim.machine import MachineSim


@frozen(kw_only=True)
class Line:
    """One line of history. The transaction has another name in each run, so it takes no part in comparisons."""

    app: str
    verb: str
    outcome: Outcome
    old: int
    new: int


def chronicle(machine: MachineSim) -> tuple[Line, ...]:
    """What the history says, oldest first."""
    return tuple(
        Line(app=e.app, verb=e.verb.value, outcome=e.outcome, old=e.from_generation, new=e.to_generation)
        for e in (line.entry for line in history.read(machine.host().layout.history))
    )


def misrecorded(machine: MachineSim, before: tuple[Line, ...], recorded: tuple[Line, ...], done: bool) -> Iterator[str]:
    """What the history says and is not so. `before` are the lines that were there, `recorded` those that the work adds:
    all of them once it is `done`, otherwise some, which may say that it was taken back."""
    layout = machine.host().layout
    now = chronicle(machine)
    if now[: len(before)] != before:
        yield "I4: the history has lost what it said before"
    fresh = now[len(before) :]
    if done and fresh != recorded:
        yield f"I4: it was done, and the history got {_short(fresh)}, not {_short(recorded)}"
    if _attempts(fresh) != _attempts(recorded)[: len(fresh)]:
        yield f"I4: the history got {_short(fresh)}, which nobody did"
    named = [line.entry.transaction for line in history.read(layout.history)]
    if len(set(named)) != len(named):
        yield "I7: the history has a transaction twice"
    for app in {line.app for line in now} | set(generations.apps(layout)):
        last = [line.new for line in now if line.app == app and line.outcome is Outcome.COMMITTED][-1:]
        number = generations.number_of(generations.current_live(layout, app))
        if (last or [0]) != [number]:
            yield f"I4: history says generation {last} of {app}, current is {number}"


def _attempts(lines: tuple[Line, ...]) -> tuple[Line, ...]:
    return tuple(evolve(line, outcome=Outcome.COMMITTED) for line in lines)


def _short(lines: tuple[Line, ...]) -> str:
    return ", ".join(f"{line.verb} {line.old} to {line.new} {line.outcome.value}" for line in lines) or "no line"
