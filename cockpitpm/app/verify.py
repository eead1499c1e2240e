"""`verify`: every byte is hashed again and every record read again. Trusts no stamp, asks nobody, changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from stat import S_ISLNK, S_ISREG
from typing import Any

from attrs import frozen

from cockpitpm import beneath
from cockpitpm.app.host import Host
from cockpitpm.app.names import apps_of
from cockpitpm.errors import PlanError, StoreError
from cockpitpm.model.codec import encode
from cockpitpm.model.facts import Entry
from cockpitpm.model.receipt import Generation, Receipt
from cockpitpm.record import generations, history
from cockpitpm.record.durable import disk
from cockpitpm.record.places import entry_of
from cockpitpm.record.store import hash_file


class Kind(Enum):
    """What a checked file is."""

    ENTRY = "entry"
    LIVE = "live"
    STORE = "store"
    GENERATION = "generation"
    HISTORY = "history"


class Verdict(Enum):
    """DRIFTED: somebody put other bytes there. DAMAGED: what only we write is not what we wrote."""

    RECORDED = "recorded"
    DRIFTED = "drifted"
    MISSING = "missing"
    DAMAGED = "damaged"


@frozen(kw_only=True)
class Checked:
    """One file. `app` is empty for the history; `told` says what is wrong, `next_step` the command that mends it."""

    app: str
    kind: Kind
    path: str
    verdict: Verdict
    sha256: str = ""
    told: str = ""
    next_step: str = ""

    @property
    def differs(self) -> bool:
        """Whether it is not as it was recorded."""
        return self.verdict is not Verdict.RECORDED


def verify(host: Host, names: tuple[str, ...] = ()) -> tuple[Checked, ...]:
    """Every file of these apps, or of all, and the history. Raises PlanError for an app that is not installed."""
    installed = generations.apps(host.layout)
    apps = apps_of(host, names) if names else installed
    for app in apps:
        if app not in installed:
            raise PlanError(f"{app} is not installed", f"Install it with `cockpitpm install {app}`")
    found = [checked for app in apps for checked in _app(host, app)]
    return (*found, _history(host))


def _app(host: Host, app: str) -> Iterator[Checked]:
    try:
        live = generations.current_live(host.layout, app)
    except StoreError as error:
        yield _odd(app, Kind.LIVE, host.layout.current(app), Verdict.DAMAGED, error.message, error.hint)
        return
    seen: set[str] = set()
    for number in generations.numbers(host.layout, app):
        checked, generation = _generation(host, app, number)
        yield checked
        for receipt in generation.receipts if generation else ():
            if number == generations.number_of(live):
                yield _entry(host, receipt)
                yield _live(host, receipt, live, number)
            if receipt.sha256 not in seen:
                yield _stored(host, receipt, number)
            seen.add(receipt.sha256)
    if generations.number_of(live) not in generations.numbers(host.layout, app):
        path = host.layout.generation(app, generations.number_of(live))
        yield _odd(app, Kind.GENERATION, path, Verdict.MISSING, "the current generation has no file", _again(app))


def _generation(host: Host, app: str, number: int) -> tuple[Checked, Generation | None]:
    path = host.layout.generation(app, number)
    try:
        found = generations.read(host.layout, app, number)
    except StoreError as error:
        return _odd(app, Kind.GENERATION, path, Verdict.DAMAGED, error.message, _again(app)), None
    return _fine(app, Kind.GENERATION, path), found


def _entry(host: Host, receipt: Receipt) -> Checked:
    """The link that services execute: ours, gone, or something else."""
    path = host.layout.binary(receipt.binary)
    entry, other = entry_of(host.layout, receipt.app, receipt.binary)
    back = f"cockpitpm rollback {receipt.app} --to {_number(host, receipt.app)}"
    match entry:
        case Entry.OURS:
            return _fine(receipt.app, Kind.ENTRY, path)
        case Entry.ABSENT:
            return _odd(receipt.app, Kind.ENTRY, path, Verdict.MISSING, "it is gone", back)
        case Entry.FOREIGN:
            told = f"it is a link of {other}" if other else "it is not our link"
            return _odd(receipt.app, Kind.ENTRY, path, Verdict.DRIFTED, told, back)


def _live(host: Host, receipt: Receipt, live: str, number: int) -> Checked:
    path = host.layout.copy(receipt.app, live, receipt.binary)
    back = f"cockpitpm rollback {receipt.app} --to {number}"
    return _hashed(receipt, Kind.LIVE, path, Verdict.DRIFTED, back)


def _stored(host: Host, receipt: Receipt, number: int) -> Checked:
    """The pristine bytes. Without them a rollback to their generation refuses; what runs is not touched by that."""
    app, current = receipt.app, number == _number(host, receipt.app)
    again = f"cockpitpm remove {app}, then cockpitpm install {app}" if current else ""
    return _hashed(receipt, Kind.STORE, host.layout.blob(receipt.sha256), Verdict.DAMAGED, again)


def _hashed(receipt: Receipt, kind: Kind, path: Path, otherwise: Verdict, next_step: str) -> Checked:
    with disk("look at"):
        there = beneath.seen(path)
        if there and S_ISLNK(there.st_mode):
            told = f"it is a symbolic link to {beneath.link_text(path)}"
            return _odd(receipt.app, kind, path, otherwise, told, next_step)
        if there is None or not S_ISREG(there.st_mode):
            return _odd(receipt.app, kind, path, Verdict.MISSING, "it is gone", next_step)
    sha256 = hash_file(path)
    if sha256 == receipt.sha256:
        return Checked(app=receipt.app, kind=kind, path=str(path), verdict=Verdict.RECORDED, sha256=sha256)
    told = f"sha256 {sha256[:12]}, the receipt of {receipt.binary} says {receipt.sha256[:12]}"
    return _odd(receipt.app, kind, path, otherwise, told, next_step, sha256)


def _history(host: Host) -> Checked:
    path = host.layout.history
    try:
        lines = history.read(path)
    except StoreError as error:
        return _odd("", Kind.HISTORY, path, Verdict.DAMAGED, error.message, error.hint)
    if not lines and generations.apps(host.layout):
        return _odd("", Kind.HISTORY, path, Verdict.MISSING, "apps are installed and no line says so", "")
    return _fine("", Kind.HISTORY, path)


def _fine(app: str, kind: Kind, path: Path) -> Checked:
    return Checked(app=app, kind=kind, path=str(path), verdict=Verdict.RECORDED)


def _odd(app: str, kind: Kind, path: Path, verdict: Verdict, told: str, next_step: str, sha256: str = "") -> Checked:
    return Checked(app=app, kind=kind, path=str(path), verdict=verdict, told=told, next_step=next_step, sha256=sha256)


def _number(host: Host, app: str) -> int:
    return generations.number_of(generations.current_live(host.layout, app))


def _again(app: str) -> str:
    return f"cockpitpm install {app}"


def to_json(found: tuple[Checked, ...]) -> dict[str, Any]:
    """The public shape of `verify --json`."""
    return {"differs": sum(one.differs for one in found), "files": [encode(one) for one in found]}
