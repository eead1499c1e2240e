"""F6: builds of ours with one safeguard taken out. A sweep that does not see them is worth nothing."""

from __future__ import annotations

import contextlib
import signal
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from cockpitpm.act import converge, transaction
from cockpitpm.errors import ExitCode, LockedError
from cockpitpm.model.receipt import Verb
from cockpitpm.record import generations
from cockpitpm.record.journal import Journal
from tests.faults import oracle
from tests.faults.lines import Point, Tracer, in_child
from tests.faults.oracle import broken, told
from tests.faults.scenes import SCENES, Scene, installed, played
from tests.faults.score import Score
from tests.faults.sweep import Sweep
from tests.sim.machine import MachineSim, builds


def caught(name: str, promises: str, plain: list[str], found: Iterable[list[str]]) -> None:
    """The sweep must see it, by the promise that it breaks: one point that does is enough. `plain` is what is wrong
    with this build where nothing strikes it, which is nothing: or every sweep would be red whatever it struck.
    """
    assert plain == [], f"a build with {name} is wrong by itself: {plain}"
    with Score("F6", f"a build with {name} is caught") as score:
        kinds = tuple(f"{one}: " for one in promises.split())
        told = (one for wrong in found for one in wrong)
        seen = next((one for one in told if one.removeprefix(MEANWHILE).startswith(kinds)), "")
        score.point(name, [] if seen else [f"no sweep sees that it breaks {promises}"])
        print(f"\nF6 {name}: {seen}")
    score.hold()


MEANWHILE = "before recovery, "


def kills(sweep: Sweep, *files: str, step: int = 1) -> Iterable[list[str]]:
    """What the kill sweep finds at the lines of these files."""
    points = [p for p in sweep.points() if p[0].endswith(files or ("",))]
    met = (sweep.signal(signal.SIGKILL, point) for point in points[::step])
    return (sweep.wrong(one.machine) for one in met if one.struck)


def done(sweep: Sweep) -> list[str]:
    """What is wrong after the work, nothing having killed it."""
    machine = sweep.machine()
    return sweep.wrong(machine, played(sweep.scene, machine))


def test_recovery_skipped(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sweep = Sweep(folder)
    monkeypatch.setattr(oracle, "recover", lambda _host: ())
    caught("no recovery", "I7", done(sweep), kills(sweep, step=30))


def test_receipt_before_bytes(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bytes get their name in the store only after the receipt that names them was written."""
    materialise = generations.materialise

    def with_receipt(layout: Any, generation: Any, live: str, same: Any) -> None:
        blobs = [layout.blob(receipt.sha256) for receipt in generation.receipts]
        for blob in blobs:
            blob.rename(blob.with_name(f"late-{blob.name}"))
        generations.write(layout, generation)
        for blob in blobs:
            blob.with_name(f"late-{blob.name}").rename(blob)
        materialise(layout, generation, live, same)

    sweep = Sweep(folder)
    monkeypatch.setattr(generations, "materialise", with_receipt)
    caught("receipts before bytes", "I3", done(sweep), kills(sweep, "durable.py", step=-3))


def test_flip_before_intent(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begin, write = Journal.begin, Journal.write
    late: list[tuple[Any, ...]] = []

    def no_begin(folder: Path, transaction: str, intent: dict[str, Any], room: int = 0) -> Journal:
        late.append((folder, transaction, intent))
        return Journal(folder / f"{transaction}.journal", [{"phase": "intent", **intent}], 0)

    def late_write(self: Journal, phase: str, **facts: Any) -> None:
        self.records.append({"phase": phase, **facts})
        if phase == "flipped":
            fresh = begin(*late.pop())
            self._end = fresh._end
            for record in self.records[1:-1]:
                write(fresh, record["phase"], **{k: v for k, v in record.items() if k != "phase"})
            self._end = fresh._end
            self.records.pop()
            write(self, phase, **facts)
        elif not late:
            self.records.pop()
            write(self, phase, **facts)

    sweep = Sweep(folder)
    monkeypatch.setattr(Journal, "begin", staticmethod(no_begin))
    monkeypatch.setattr(Journal, "write", late_write)
    found = kills(sweep, "swap.py", "generations.py", "durable.py")
    caught("the flip before its intent", "I1 I2", done(sweep), found)


def test_no_lock(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One upgrade stands still in its middle while another one runs; without a lock they meet."""
    sweep = Sweep(folder)
    rooms = ("swap.py", "transaction.py", "stage.py", "generations.py", "conclude.py")
    middles = [p for p in sweep.points() if p[0].endswith(rooms)][::12]
    assert not any(meeting(sweep, middle) for middle in middles[::8])
    monkeypatch.setattr("fcntl.flock", lambda *_: None)
    caught("no lock", "I1 I4 I6", done(sweep), (meeting(sweep, middle) for middle in middles))


def meeting(sweep: Sweep, middle: Point) -> list[str]:
    """What is wrong after the second one tried in the middle of the first, and the first one went on."""
    machine = sweep.machine()

    def second() -> None:
        sys.settrace(None)
        with contextlib.suppress(LockedError):
            machine.run(Verb.UPGRADE, "duo")

    tracer = Tracer(middle, second)
    _, first = in_child(lambda: tracer.run(lambda: told(lambda: machine.run(Verb.UPGRADE, "duo"))))
    return broken(machine, sweep.promise, first)


def crashing(service: str, behaviour: str) -> Scene:
    """An upgrade to such a build, in which a service crashes and comes back by itself as the first is restarted."""
    made = {**builds("2"), "duo_server": builds("2", behaviour)["duo_server"]}

    def ready(machine: MachineSim) -> None:
        installed(machine)
        machine.publish(made)

    def work(machine: MachineSim) -> object:
        return machine.run(Verb.UPGRADE, "duo", during=lambda: machine.world.crash(service))

    code = int(ExitCode.DONE if behaviour == "good" else ExitCode.ROLLED_BACK)
    return evolve(SCENES["upgrade"], name=f"crash of {service}", ready=ready, work=work, passing=made, code=code)


def test_compensation_of_touched_services_only(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A service that nobody touched came onto the new bytes by itself; going back has to take it off them."""
    sweep, plain = Sweep(folder, crashing("duo_admin", "sick")), Sweep(below(folder), SCENES["taken back"])
    assert done(sweep) == []
    real = transaction.converge

    def touched(machine: Any, app: str, place: Any, group: Any, mark: Any, *rest: Any, **more: Any) -> Any:
        journal = mark.__self__.journal
        marked = {r["service"] for r in journal.all("cycling")}
        chosen = [s for s in group if s.name in marked] if more.get("watch") is False else group
        return real(machine, app, place, chosen, mark, *rest, **more)

    monkeypatch.setattr(transaction, "converge", touched)
    caught("compensation of touched services only", "I1 I6", done(plain), [done(sweep)])


def test_cycle_without_only_if(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A service that has come onto the new bytes by itself meanwhile is restarted a second time."""
    sweep, plain = Sweep(folder, crashing("duo_server", "good")), Sweep(below(folder))
    assert done(sweep) == []

    def anyway(machine: Any, service: Any, process: Any) -> None:
        now = machine.processes.identify(machine.supervisor.status(service.name).pid or 0)
        machine.supervisor.cycle(service.name, now)

    real: Callable[..., Any] = converge._cycle
    assert real
    monkeypatch.setattr(converge, "_cycle", anyway)
    caught("cycles that do not look", "I6", done(plain), [done(sweep)])


def test_words_that_nobody_looks_through(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a service wrote before it died is told, with the secret in it."""
    sweep, plain = Sweep(folder, SCENES["taken back"]), Sweep(below(folder))
    assert done(sweep) == []
    monkeypatch.setattr(converge, "discreet", lambda _layout, text: text)
    caught("words that nobody looks through", "I10", done(plain), [done(sweep)])


def below(folder: Path) -> Path:
    """Room for a second sweep."""
    made = folder / "plain"
    made.mkdir()
    return made
