"""The bytes of an upgrade, fetched while the old build goes on running and long before anything is done with them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from attrs import evolve

from cockpitpm.act.fetch import fetch_all
from cockpitpm.act.machine import Machine
from cockpitpm.model.bundle import Bundle
from cockpitpm.model.plan import AppPlan, Fetch, Held, Install, Staged, Unplanned, Upgrade, Waiting
from cockpitpm.model.upgrades import Ahead, AheadFile
from cockpitpm.record import schedule
from cockpitpm.record.layout import Layout


def fetch_ahead(machine: Machine, app: AppPlan) -> tuple[AppPlan, bool]:
    """Bring what the plan would download into the store, and remember it there until the channel moves on.

    Gives the plan as it was settled by those bytes, and whether bytes were let go that were fetched ahead before.
    Nothing is stopped and no lock is needed: bytes that a cleaning takes away in between are fetched again. Raises
    ForgeError, StoreError.
    """
    if isinstance(app.decision, Unplanned | Waiting | Held):
        return app, False  # nobody knows whether the channel has moved on
    before = schedule.ahead(machine.layout, app.app)
    uuids = {asset.uuid for fetch in app.fetches for asset in fetch.candidates}
    kept = evolve(before, files=tuple(file for file in before.files if file.uuid in uuids))
    schedule.write_ahead(machine.layout, kept)
    settled = app
    if isinstance(app.decision, Install | Upgrade) and app.bundle and not all(there(machine.layout, app)):
        settled = _fetched(machine, app, app.bundle, app.decision, kept)
    return settled, kept != before


def there(layout: Layout, app: AppPlan) -> tuple[bool, ...]:
    """For each download of the plan whether its bytes are in the store already, by their size."""
    bundle = app.bundle
    return tuple(bool(bundle and _known(layout, bundle, f)) for f in app.fetches)


def _known(layout: Layout, bundle: Bundle, fetch: Fetch) -> AheadFile | None:
    asset = fetch.candidates[0]
    member = bundle.member_path(fetch.binary, asset.name)
    return schedule.known(layout, bundle.name, asset.uuid, asset.size, member)


def _fetched(machine: Machine, app: AppPlan, bundle: Bundle, decision: Install | Upgrade, kept: Ahead) -> AppPlan:
    """As in a transaction: where a file cannot run here, the next candidate is fetched as well."""
    staged: dict[str, Staged] = {}
    while True:
        missing = tuple(f for f in app.fetches if f.binary not in staged or staged[f.binary].asset != f.candidates[0])
        staged |= fetch_all(machine, bundle, decision.release, missing, schedule.incoming(machine.layout))
        kept = _with(kept, bundle, staged)
        schedule.write_ahead(machine.layout, kept)
        settled = machine.rules.settle(app, staged)
        if all(staged[f.binary].asset == f.candidates[0] for f in settled.fetches):
            return settled
        app = settled


def _with(kept: Ahead, bundle: Bundle, staged: Mapping[str, Staged]) -> Ahead:
    fresh = [_file(bundle, binary, one) for binary, one in staged.items()]
    return evolve(kept, files=tuple(_each(*kept.files, *fresh)))


def _each(*files: AheadFile) -> Iterable[AheadFile]:
    """One for each upload and member of it, the later one."""
    return {(file.uuid, file.member): file for file in files}.values()


def _file(bundle: Bundle, binary: str, staged: Staged) -> AheadFile:
    return AheadFile(
        asset=staged.asset.name,
        uuid=staged.asset.uuid,
        size=staged.asset.size,
        sha256=staged.sha256,
        md5=staged.md5,
        stored=staged.size,
        member=bundle.member_path(binary, staged.asset.name),
        asset_sha256=staged.asset_sha256,
        asset_md5=staged.asset_md5,
    )
