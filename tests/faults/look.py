"""One look at a machine on simulators: what is in place and what runs, in a form that can be compared."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from attrs import frozen

from cockpitpm.errors import StoreError
from cockpitpm.model.codec import encode
from cockpitpm.record import generations, state
from tests.sim.machine import MachineSim


@frozen(kw_only=True)
class Serving:
    """One service: what its process really runs (empty: none), as what it is defined, and what it is meant to do."""

    runs: str
    definition: str
    wanted: str


@frozen(kw_only=True)
class Look:
    """A state that a machine can be in. Two machines in the same state look the same, wherever their roots are.

    `apps` has the sha256 of each receipt of what is installed, by app and binary. `entries` has the sha256 of what
    stands at each name of `bin/` (empty: it leads nowhere). `kept` are the variables that were registered, by app.
    `outside` is everything beside the root.
    """

    apps: Mapping[str, Mapping[str, str]]
    entries: Mapping[str, str]
    services: Mapping[str, Serving]
    kept: Mapping[str, str]
    outside: Mapping[str, str]


def look(machine: MachineSim) -> Look:
    """What is true now. A record that cannot be read is told as such."""
    layout = machine.host().layout
    return Look(
        apps={app: _receipts(machine, app) for app in generations.apps(layout)},
        entries={path.name: sha256_of(path) for path in sorted(layout.bin.glob("[!.]*"))},
        services=_services(machine),
        kept={app: _kept(machine, app) for app in generations.apps(layout)},
        outside={name: text for name, text in _outside(machine).items() if text},
    )


def sha256_of(path: Path) -> str:
    """The sha256 of the bytes that a path leads to, empty if to none."""
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""


def _receipts(machine: MachineSim, app: str) -> dict[str, str]:
    layout = machine.host().layout
    number = generations.number_of(generations.current_live(layout, app))
    try:
        return {r.binary: r.sha256 for r in generations.read(layout, app, number).receipts}
    except StoreError as error:
        return {"": error.message}


def _kept(machine: MachineSim, app: str) -> str:
    try:
        return json.dumps(encode(state.read(machine.host().layout, app).exported), sort_keys=True)
    except StoreError as error:
        return error.message


def _services(machine: MachineSim) -> dict[str, Serving]:
    versions = machine.versions()
    found = {}
    for name, entry in machine.world.state()["services"].items():
        definition = json.dumps(entry["definition"], sort_keys=True).replace(str(machine.root), "<root>")
        found[name] = Serving(runs=versions[name], definition=definition, wanted=entry["wanted"])
    return found


def _outside(machine: MachineSim) -> dict[str, str]:
    """Everything beside the root but the simulated world, whose own half-written file a kill may leave."""
    beside = (p for p in machine.folder.glob("*") if p != machine.root and not p.name.startswith("world."))
    files = (p for place in beside for p in ([place] if place.is_file() else place.rglob("*")) if p.is_file())
    return {str(p.relative_to(machine.folder)): sha256_of(p) for p in files}


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


def difference(now: Look, other: Look) -> str:
    """The first thing by which two looks differ."""
    for what in ("apps", "entries", "services", "kept", "outside"):
        here, there = getattr(now, what), getattr(other, what)
        for name in sorted(here.keys() | there.keys()):
            if here.get(name) != there.get(name):
                return f"{what} {name} is {_short(here.get(name))}, not {_short(there.get(name))}"
    return "nothing differs"


def _short(value: object) -> str:
    if isinstance(value, Serving):
        return f"{value.runs or 'no process'} ({value.wanted})"
    return "not there" if value is None else repr(value)[:60]
