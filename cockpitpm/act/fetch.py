"""Downloads: several at once, hashed while they are written, never whole in memory."""

from __future__ import annotations

import os
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from pathlib import Path
from threading import Event

from attrs import frozen

from cockpitpm import beneath
from cockpitpm.act.machine import Machine
from cockpitpm.act.proofs import Claim, claims_about, proofs_of
from cockpitpm.act.runnable import host
from cockpitpm.act.unpack import unpack_member
from cockpitpm.errors import CockpitPmError, StoreError
from cockpitpm.model.bundle import Bundle
from cockpitpm.model.job import Phase
from cockpitpm.model.plan import Fetch, Staged
from cockpitpm.model.receipt import Proof
from cockpitpm.model.release import Asset, Release
from cockpitpm.model.upgrades import AheadFile
from cockpitpm.ports import Forge
from cockpitpm.record import schedule
from cockpitpm.record.durable import disk, make_folder
from cockpitpm.record.store import Incoming, Stored

AT_ONCE = 4
SPARE = 16 * 1024 * 1024
"""Bytes left free beside what a download needs, so that journals and logs still fit."""
LARGEST = 1024 * 1024 * 1024
GROWTH = 32
"""A member may have this many times the bytes of its archive, and LARGEST at most; no program packs better."""


class _Cancelled(CockpitPmError):
    """Another download of the same app failed."""


@frozen(kw_only=True)
class _Work:
    """What the downloads of one app share."""

    machine: Machine
    bundle: Bundle
    forge: Forge
    claims: tuple[Claim, ...]
    folder: Path
    stop: Event

    def check(self, name: str) -> None:
        """Raises _Cancelled once another download has failed."""
        if self.stop.is_set():
            raise _Cancelled(f"The download of {name} was stopped")


def fetch_all(
    machine: Machine, bundle: Bundle, release: Release, fetches: tuple[Fetch, ...], folder: Path | None = None
) -> dict[str, Staged]:
    """Download the first candidate of each fetch into the store. Gives what arrived, by binary.

    What was fetched ahead is hashed again instead. `folder` is where the bytes arrive, if not where they usually do.
    Raises the first error (ForgeError, StoreError); the other downloads are stopped, and nothing of them is left.
    """
    machine.reporter.phase(bundle.name, Phase.FETCH)
    _check_space(machine, bundle, fetches)
    work = _prepare(machine, bundle, release, fetches, folder or machine.layout.incoming)
    pool = ThreadPoolExecutor(max_workers=AT_ONCE, thread_name_prefix="fetch")
    try:
        jobs = {pool.submit(_fetch, work, f): f.binary for f in fetches}
        wait(jobs, return_when=FIRST_EXCEPTION)
    finally:
        work.stop.set()
        pool.shutdown(wait=True, cancel_futures=True)
    errors = [e for job in jobs if not job.cancelled() and (e := job.exception())]
    for error in sorted(errors, key=lambda e: isinstance(e, _Cancelled)):
        raise error
    return {binary: job.result() for job, binary in jobs.items()}


def _prepare(machine: Machine, bundle: Bundle, release: Release, fetches: tuple[Fetch, ...], folder: Path) -> _Work:
    forge = machine.forge(bundle.repo)
    assets = [f.candidates[0] for f in fetches]
    claims = claims_about(forge, release, assets, lambda text: machine.reporter.warning(bundle.name, text))
    return _Work(machine=machine, bundle=bundle, forge=forge, claims=claims, folder=folder, stop=Event())


def _fetch(work: _Work, fetch: Fetch) -> Staged:
    asset, machine, app = fetch.candidates[0], work.machine, work.bundle.name
    begun = machine.clock.monotonic()
    machine.reporter.fetch_started(app, asset.name, asset.size)
    if known := _ahead(machine, work.bundle, fetch):
        return _taken(work, asset, known, begun)
    with Incoming(work.folder / f"{app}-{fetch.binary}", asset.size) as incoming:

        def sink(piece: bytes | memoryview) -> None:
            work.check(asset.name)
            incoming.write(piece)
            machine.reporter.fetch_moved(app, asset.name, incoming.done)

        work.forge.fetch(asset, sink)
        arrived = incoming.arrived()
        proofs = proofs_of(asset, arrived.sha256, arrived.size, work.claims)
        stored = _keep(work, asset, fetch.binary, incoming)
    machine.reporter.fetch_finished(app, asset.name, machine.clock.monotonic() - begun)
    return _staged(work, asset, arrived, stored, proofs)


def _ahead(machine: Machine, bundle: Bundle, fetch: Fetch) -> AheadFile | None:
    """The first candidate, if it was fetched ahead and is still what it was."""
    asset = fetch.candidates[0]
    member = bundle.member_path(fetch.binary, asset.name)
    return schedule.here(machine.layout, bundle.name, asset.uuid, asset.size, member)


def _taken(work: _Work, asset: Asset, known: AheadFile, begun: float) -> Staged:
    """What is in the store already; the release's own claims are held against it like against a download."""
    packed = known.asset_sha256
    arrived = Stored(
        sha256=known.asset_sha256 if packed else known.sha256,
        md5=known.asset_md5 if packed else known.md5,
        size=known.size,
    )
    proofs = proofs_of(asset, arrived.sha256, arrived.size, work.claims)
    work.machine.reporter.fetch_finished(work.bundle.name, asset.name, work.machine.clock.monotonic() - begun)
    stored = Stored(sha256=known.sha256, md5=known.md5, size=known.stored)
    return _staged(work, asset, arrived, stored, proofs)


def _keep(work: _Work, asset: Asset, binary: str, incoming: Incoming) -> Stored:
    """Into the store: the asset itself, or the member of it that is the binary."""
    store, member = work.machine.layout.store, work.bundle.member_path(binary, asset.name)
    if not member:
        return incoming.keep(store)
    limit = min(LARGEST, GROWTH * asset.size + SPARE)
    with Incoming(incoming.path.with_name(f"{incoming.path.name}.member"), limit, exact=False) as unpacked:

        def write(piece: bytes) -> None:
            work.check(asset.name)
            unpacked.write(piece)

        unpack_member(incoming.path, member, write, limit, asset.name)
        return unpacked.keep(store)


def _staged(work: _Work, asset: Asset, arrived: Stored, stored: Stored, proofs: tuple[Proof, ...]) -> Staged:
    machine = work.machine
    executable = machine.read(machine.layout.blob(stored.sha256))
    packed = arrived.sha256 != stored.sha256
    return Staged(
        asset=asset,
        sha256=stored.sha256,
        md5=stored.md5,
        size=stored.size,
        kind=executable.kind,
        problem=machine.rules.unfit(executable, host([executable.interpreter])),
        caution=machine.rules.caution(executable),
        asset_sha256=arrived.sha256 if packed else "",
        asset_md5=arrived.md5 if packed else "",
        proofs=proofs,
        require=machine.rules.require(work.bundle.repo),
    )


def _check_space(machine: Machine, bundle: Bundle, fetches: tuple[Fetch, ...]) -> None:
    """A download is kept once in the store and once as the copy that runs; an archive lies beside what is in it."""
    need = sum(_room(machine, bundle, f) for f in fetches)
    with disk("look at"):
        make_folder(machine.layout.var)
        with beneath.opened_folder(machine.layout.var) as folder:
            found = os.fstatvfs(folder)
    free = found.f_frsize * found.f_bavail
    if fetches and need + SPARE > free:
        message = f"{machine.layout.var} has {_mb(free)} free, this needs {_mb(need + SPARE)}"
        raise StoreError(message, "Free some space there and run the command again; nothing was changed")


def _room(machine: Machine, bundle: Bundle, fetch: Fetch) -> int:
    """Nobody says how large a member is; programs are packed to a quarter, more or less."""
    asset = fetch.candidates[0]
    member = bundle.member_path(fetch.binary, asset.name)
    known = schedule.known(machine.layout, bundle.name, asset.uuid, asset.size, member)
    return known.stored if known else asset.size * (9 if member else 2)


def _mb(size: int) -> str:
    return f"{size / 1e6:.1f} MB"
