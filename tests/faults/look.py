"""One look at a machine on simulators: what is in place and what runs, in a form that can be compared."""

from __future__ import annotations

import functools
import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from attrs import frozen

from cockpitpm.errors import StoreError
from cockpitpm.model.codec import encode
from cockpitpm.model.receipt import Generation
from cockpitpm.record import generations, state
from cockpitpm.record.layout import Layout
from tests.sim.machine import MachineSim

TRANSACTION = r"[0-9]+T[0-9]+-[0-9a-f]+"
PLACES = ("home", "tmp")
"""The home and the temporary folder of whoever works on a machine, if they are beside its folder: see conftest.py."""


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
    stands at each name of `bin/` (empty: it leads nowhere). `kept` are the variables that were registered, `wanted`
    what each service is meant to do, `blocked` the builds that failed here, all by app. `aside` are the bytes that were
    moved out of our way: whose, and their sha256. `outside` is everything beside the root.
    """

    apps: Mapping[str, Mapping[str, str]]
    entries: Mapping[str, str]
    services: Mapping[str, Serving]
    kept: Mapping[str, str]
    wanted: Mapping[str, Mapping[str, str]]
    blocked: Mapping[str, tuple[str, ...]]
    aside: tuple[str, ...]
    outside: Mapping[str, str]


@functools.lru_cache(maxsize=64)
def _generation(layout: Layout, app: str, number: int, _bytes: bytes) -> Generation:
    return generations.read(layout, app, number)


def generation(layout: Layout, app: str, number: int) -> Generation:
    """A generation as its file says. The same bytes say the same, and are read thousands of times."""
    path = layout.generation(app, number)
    return _generation(layout, app, number, path.read_bytes() if path.is_file() else b"")


def look(machine: MachineSim) -> Look:
    """What is true now. A record that cannot be read is told as such."""
    layout = machine.host().layout
    apps = generations.apps(layout)
    return Look(
        apps={app: _receipts(machine, app) for app in apps},
        entries={path.name: sha256_of(path) for path in sorted(layout.bin.glob("[!.]*"))},
        services=_services(machine),
        **_remembered(machine, apps),
        aside=tuple(sorted(_aside(layout.aside))),
        outside=dict(_outside(machine)),
    )


def sha256_of(path: Path) -> str:
    """The sha256 of the bytes that a path leads to, empty if to none."""
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""


def _receipts(machine: MachineSim, app: str) -> dict[str, str]:
    layout = machine.host().layout
    number = generations.number_of(generations.current_live(layout, app))
    try:
        return {r.binary: r.sha256 for r in generation(layout, app, number).receipts}
    except StoreError as error:
        return {"": error.message}


def _remembered(machine: MachineSim, apps: tuple[str, ...]) -> dict[str, Any]:
    found: dict[str, dict[str, Any]] = {"kept": {}, "wanted": {}, "blocked": {}}
    for app in apps:
        try:
            known = state.read(machine.host().layout, app)
        except StoreError as error:
            found["kept"][app] = error.message
            continue
        found["kept"][app] = json.dumps(encode(known.exported), sort_keys=True)
        found["wanted"][app] = {service: wanted.value for service, wanted in known.wanted.items()}
        found["blocked"][app] = tuple(sorted(one.build for one in known.blocked))
    return found


def _aside(folder: Path) -> Iterator[str]:
    for path in folder.glob("*"):
        yield f"{re.sub(f'^{TRANSACTION}-', '', path.name)} {sha256_of(path)}"


def _services(machine: MachineSim) -> dict[str, Serving]:
    versions = machine.versions()
    found = {}
    for name, entry in machine.world.state()["services"].items():
        definition = json.dumps(entry["definition"], sort_keys=True).replace(str(machine.root), "<root>")
        found[name] = Serving(runs=versions[name], definition=definition, wanted=entry["wanted"])
    return found


def _outside(machine: MachineSim) -> Iterator[tuple[str, str]]:
    """Everything beside the root but the simulated world, whose own half-written file a kill may leave."""
    beside = [p for p in machine.folder.glob("*") if p != machine.root and not p.name.startswith("world.")]
    places = [machine.folder.parent / name for name in PLACES]
    for place in (*beside, *(p for p in places if p != machine.folder)):
        for path in (place, *place.rglob("*")) if place.exists() or place.is_symlink() else ():
            yield str(path.relative_to(machine.folder.parent)), _what(path)


def _what(path: Path) -> str:
    if path.is_symlink():
        return f"a link to {path.readlink()}"
    return f"{path.lstat().st_mode:o} {sha256_of(path) or 'a folder'}"


def picture(root: Path) -> dict[str, str]:
    """Everything that is on disk, to see whether anything was written."""
    found = {}
    for path in sorted(root.rglob("*")):
        stat = path.lstat()
        what = path.readlink() if path.is_symlink() else path.read_bytes() if path.is_file() else ""
        # The lock names its last holder; taking it is no write to the machine.
        if path != root / "var/cockpitpm/lock":
            found[str(path.relative_to(root))] = f"{stat.st_mode:o} {stat.st_ino} {stat.st_mtime_ns} {what!r}"
    return found


def difference(now: Look, other: Look) -> str:
    """The first thing by which two looks differ."""
    for what in ("apps", "entries", "services", "kept", "wanted", "blocked", "outside"):
        here, there = getattr(now, what), getattr(other, what)
        for name in sorted(here.keys() | there.keys()):
            if here.get(name) != there.get(name):
                return f"{what} {name} is {_short(here.get(name))}, not {_short(there.get(name))}"
    return "nothing differs" if now.aside == other.aside else f"set aside is {now.aside}, not {other.aside}"


def _short(value: object) -> str:
    if isinstance(value, Serving):
        return f"{value.runs or 'no process'} ({value.wanted})"
    return "not there" if value is None else repr(value)[:60]
