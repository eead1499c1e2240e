"""What must hold of a machine after any fault and recovery, whatever the fault was."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from cockpitpm.model.codec import encode
from cockpitpm.model.receipt import Outcome
from cockpitpm.record import generations, history
from tests.sim.machine import SERVICES, MachineSim


def violations(machine: MachineSim, versions: tuple[str, ...]) -> list[str]:
    """Every promise that is broken; empty if the machine is whole and runs one of these versions."""
    return list(_violations(machine, versions))


def _violations(machine: MachineSim, versions: tuple[str, ...]) -> Iterator[str]:
    layout = machine.host().layout
    live = generations.current_live(layout, "duo")
    if not live:
        yield "duo is not installed any more"
        return
    generation = generations.read(layout, "duo", generations.number_of(live))
    running = machine.versions()
    version = running["duo_server"].partition("-")[0]
    if version not in versions:
        yield f"duo_server runs {version!r}, which is neither old nor new"
    for service in SERVICES:
        binary = "duo_admin" if service == "duo_admin" else "duo_server"
        if running[service] != f"{version}-{binary}":
            yield f"{service} runs {running[service]!r} beside {version!r}"
    for receipt in generation.receipts:
        data = layout.binary(receipt.binary).read_bytes()
        if hashlib.sha256(data).hexdigest() != receipt.sha256:
            yield f"bin/{receipt.binary} is not what its receipt says"
        if f'"{version}-{receipt.binary}"'.encode() not in data:
            yield f"bin/{receipt.binary} is not the version that runs"
    yield from _left_behind(machine, live)
    yield from _told(machine, generation.number)


def _left_behind(machine: MachineSim, live: str) -> Iterator[str]:
    layout = machine.host().layout
    if left := [p.name for p in layout.journal.glob("*")] + [p.name for p in layout.journal.glob(".*")]:
        yield f"journal left: {left}"
    if left := [p.name for p in layout.incoming.glob("*")]:
        yield f"downloads left: {left}"
    if extra := [p.name for p in generations.lives(layout, "duo") if p.name != live]:
        yield f"live folders left: {extra}"
    numbers = generations.numbers(layout, "duo")
    named = {r.sha256 for n in numbers for r in generations.read(layout, "duo", n).receipts}
    stored = {p.name for p in layout.store.glob("*")}
    if stored != named:
        yield f"the store holds {len(stored)} files, the generations name {len(named)}"
    strange = list(layout.root.rglob(".*.new"))
    if strange:
        yield f"half-written files left: {strange}"


def _told(machine: MachineSim, number: int) -> Iterator[str]:
    lines = history.read(machine.host().layout.history)
    committed = [x.entry for x in lines if x.entry.outcome is Outcome.COMMITTED]
    if committed[-1].to_generation != number:
        yield f"history says generation {committed[-1].to_generation}, current is {number}"
    transactions = [x.entry.transaction for x in lines]
    if len(set(transactions)) != len(transactions):
        yield "history has a transaction twice"
    for report in machine.status().apps:
        for service in report.services:
            if service.remarks:
                yield f"status has remarks on {service.name}: {encode(service.remarks)}"


def picture(root: Path) -> dict[str, str]:
    """Everything that is on disk, to see whether anything was written."""
    found = {}
    for path in sorted(root.rglob("*")):
        stat = path.lstat()
        what = path.readlink() if path.is_symlink() else path.read_bytes() if path.is_file() else ""
        # The lock names its last holder; taking it is no write to the machine.
        if path.name != "lock":
            found[str(path.relative_to(root))] = f"{stat.st_mode:o} {stat.st_ino} {stat.st_mtime_ns} {what!r}"
    return found
