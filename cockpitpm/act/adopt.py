"""Bytes that somebody put in place: into the store, with a receipt that says so."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from cockpitpm import beneath
from cockpitpm.act.machine import Machine
from cockpitpm.errors import StoreError
from cockpitpm.model.plan import Adopt, AppPlan
from cockpitpm.model.receipt import Generation, Receipt
from cockpitpm.model.release import CommitSource
from cockpitpm.record.durable import disk
from cockpitpm.record.places import bytes_of
from cockpitpm.record.store import PIECE, Incoming, Stored

MANUAL = "manual"
"""The tag of a receipt whose bytes came from nowhere but this machine."""


def adopted(machine: Machine, app: AppPlan) -> dict[str, Receipt]:
    """A receipt for each binary that the plan adopts; its bytes are in the store when this returns."""
    if not isinstance(app.decision, Adopt):
        return {}
    return {binary: _receipt(machine, app, binary) for binary in app.decision.binaries}


def in_place(machine: Machine, target: Generation) -> Mapping[str, str]:
    """Where foreign files stand at the entries of the target, by the sha256 that each should have.

    A process that executes one must go on executing it. Whoever uses them hashes them first.
    """
    entries = {r.sha256: bytes_of(machine.layout, target.app, r.binary) for r in target.receipts}
    return {sha256: str(path) for sha256, path in entries.items() if path}


def _receipt(machine: Machine, app: AppPlan, binary: str) -> Receipt:
    path = bytes_of(machine.layout, app.app, binary)
    if path is None:
        raise StoreError(f"There is nothing at bin/{binary} any more", "Look at the plan again and confirm that one")
    stored = _take_in(machine, app.app, binary, path)
    return Receipt(
        app=app.app,
        binary=binary,
        tag=MANUAL,
        channel=app.channel,
        commit="unknown",
        commit_known_by=CommitSource.MANUAL,
        asset=f"bin/{binary}",
        uuid=f"{MANUAL}-{stored.sha256}",
        url=machine.layout.binary(binary).as_uri(),
        size=stored.size,
        md5=stored.md5,
        sha256=stored.sha256,
        fetched_at=machine.now(),
    )


def _take_in(machine: Machine, app: str, binary: str, path: Path) -> Stored:
    with disk("read", path), beneath.reading(path) as source:
        size = os.fstat(source.fileno()).st_size
        with Incoming(machine.layout.incoming / f"{app}-{binary}", size) as incoming:
            while piece := source.read(PIECE):
                incoming.write(piece)
            return incoming.keep(machine.layout.store)
