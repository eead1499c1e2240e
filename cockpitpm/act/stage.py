"""The first half of a transaction: everything that can be prepared while the old build goes on running."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import evolve

from cockpitpm.act.adopt import adopted
from cockpitpm.act.adopt import in_place as in_place_now
from cockpitpm.act.conclude import clean
from cockpitpm.act.fetch import fetch_all
from cockpitpm.act.intent import Case, Intent, begin_case
from cockpitpm.act.machine import Machine
from cockpitpm.act.remember import offer, unfit, withdraw
from cockpitpm.act.unpacked import unpack
from cockpitpm.model.bundle import Bundle, Service
from cockpitpm.model.codec import encode
from cockpitpm.model.facts import InPlace
from cockpitpm.model.job import Phase
from cockpitpm.model.plan import (
    NAMED,
    Adopt,
    AppPlan,
    Install,
    Mend,
    Plan,
    Remove,
    Reregister,
    Staged,
    Upgrade,
    UpToDate,
)
from cockpitpm.model.receipt import Generation, Receipt, build_of
from cockpitpm.model.release import Release
from cockpitpm.model.service import Healthy
from cockpitpm.model.state import Observation
from cockpitpm.record import generations, state
from cockpitpm.record.places import in_place


def open_transaction(machine: Machine, plan: Plan, app: AppPlan) -> Case:
    """Write the intent of one app of a plan. Raises SupervisorError, with nothing written, if nobody would obey."""
    layout = machine.layout
    live = generations.current_live(layout, app.app)
    before = generations.read(layout, app.app, app.origin) if app.origin else None
    services = _registered(app, before)
    if services:
        machine.supervisor.ensure_running()
    for name in services:
        # Of a transaction whose journal somebody took away; it must not be taken for what is there now.
        machine.supervisor.drop_aside(name)
    transaction = f"{machine.clock.now():%Y%m%dT%H%M%S}-{machine.token()}"
    boot, ticks = machine.processes.now()
    intent = Intent(
        transaction=transaction,
        app=app.app,
        verb=plan.verb,
        origin=app.origin,
        to=app.to,
        live_from=live,
        live_to=_live_to(app, live, transaction),
        wanted=app.wanted,
        well=_well(machine, app, before, live, services),
        known=tuple(name for name in services if machine.supervisor.definition(name)),
        fresh=isinstance(app.decision, (Install, Upgrade, Reregister, Adopt)),
        cycle=app.cycle,
        actor=plan.actor,
        reason=plan.reason,
        allowed=_allowed(plan, app),
        at=machine.now(),
        boot_id=boot,
        begun=ticks,
    )
    release = _release(app)
    return begin_case(layout, intent, room=len(repr(release)) * 2 if release else 0)


def _allowed(plan: Plan, app: AppPlan) -> tuple[str, ...]:
    """What was gone through here. A hold or a failed build only where there was one: others may have been asked for."""
    past = {one.reason for one in app.past}
    return tuple(r.value for r in plan.allowed if r not in NAMED or r in past)


def _live_to(app: AppPlan, live: str, transaction: str) -> str:
    match app.decision:
        case Mend():
            return live
        case Remove():
            return ""
        case _:
            return f"{app.to}.{transaction}"


def _well(
    machine: Machine, app: AppPlan, before: Generation | None, live: str, services: tuple[str, ...]
) -> tuple[str, ...]:
    """The services that run and answer now; of an app that is not installed, those that somebody else runs."""
    if before is None:
        return tuple(name for name in services if machine.supervisor.status(name).pid)
    hashes = {r.binary: r.sha256 for r in before.receipts}
    place = in_place(machine.layout, app.app, live, hashes, state.read(machine.layout, app.app).flips)
    return tuple(s.name for s in before.bundle.services if _answers(machine, s, place))


def _answers(machine: Machine, service: Service, place: InPlace) -> bool:
    if machine.rules.look(service, place).process is None:
        return False
    question = machine.rules.question(service)
    return question is None or isinstance(machine.prober.probe(question), Healthy)


def _registered(app: AppPlan, before: Generation | None) -> tuple[str, ...]:
    """The services of either side that we register."""
    bundles: list[Bundle] = [b for b in (before.bundle if before else None, app.bundle) if b]
    return tuple(dict.fromkeys(s.name for bundle in bundles for s in bundle.services if not s.external))


def stage(machine: Machine, case: Case, app: AppPlan) -> AppPlan:
    """Fetch, settle and make the live folder. Gives the plan as it was settled; without steps there is nothing staged.

    Raises ForgeError, StoreError; what was made until then is for `abandon`.
    """
    offer(machine, case)
    if not case.flips or app.bundle is None:
        case.journal.write("staged")
        return app
    settled, staged = _fetch(machine, app, app.bundle)
    if not settled.steps:
        _remember(machine, case, app, settled, staged)
        return settled
    generation = _generation(machine, case, settled, staged)
    twins = _twins(machine, case, generation)
    generations.materialise(machine.layout, generation, case.intent.live_to, twins)
    unpack(machine, generation, case.intent.live_to)
    if case.intent.fresh:
        generations.write(machine.layout, generation)
    _write_staged(machine, case, _release(app), generation, settled.channel)
    return settled


def _fetch(machine: Machine, app: AppPlan, bundle: Bundle) -> tuple[AppPlan, dict[str, Staged]]:
    """Download, settle, and once more where the plan falls back to another candidate."""
    staged: dict[str, Staged] = {}
    release = _release(app)
    if not app.fetches or release is None:
        return app, staged
    _tell(machine, app, {})
    while True:
        missing = tuple(f for f in app.fetches if _stale(staged.get(f.binary), f.candidates[0].uuid))
        staged |= fetch_all(machine, bundle, release, missing)
        machine.reporter.phase(app.app, Phase.VERIFY)
        settled = machine.rules.settle(app, staged)
        _tell(machine, settled, {f.binary: f.note for f in app.fetches})
        if all(not _stale(staged.get(f.binary), f.candidates[0].uuid) for f in settled.fetches):
            return settled, staged
        app = settled


def _tell(machine: Machine, app: AppPlan, told: Mapping[str, str]) -> None:
    """What the operator should know about the choice of files and has not been told."""
    for fetch in app.fetches:
        if fetch.note and fetch.note != told.get(fetch.binary):
            machine.reporter.warning(app.app, fetch.note)


def _stale(staged: Staged | None, uuid: str) -> bool:
    return staged is None or staged.asset.uuid != uuid


def _release(app: AppPlan) -> Release | None:
    return app.decision.release if isinstance(app.decision, (Install, Upgrade)) else None


def _generation(machine: Machine, case: Case, settled: AppPlan, staged: Mapping[str, Staged]) -> Generation:
    """The target: sealed receipts for what was fetched, and those that stay."""
    if not case.intent.fresh:
        return generations.read(machine.layout, case.app, case.intent.to)
    assert settled.bundle is not None
    release = _release(settled)
    fetched = {f.binary for f in settled.fetches}
    receipts = {r.binary: r for r in settled.kept} | adopted(machine, settled)
    for binary in fetched:
        assert release is not None
        receipts[binary] = _receipt(machine, settled, release, binary, staged[binary])
    ordered = tuple(receipts[b.name] for b in settled.bundle.binaries)
    return Generation(
        app=case.app,
        number=case.intent.to,
        made_at=machine.now(),
        bundle=settled.bundle,
        receipts=ordered,
        commit=_commit(case, settled),
    )


def _commit(case: Case, settled: AppPlan) -> str:
    """What the generation stands at: bytes that somebody made by hand stand at no commit that a forge knows."""
    if isinstance(settled.decision, Adopt):
        return "unknown"
    release = _release(settled)
    return release.built_from if release else case.before.built_from if case.before else ""


def _receipt(machine: Machine, app: AppPlan, release: Release, binary: str, staged: Staged) -> Receipt:
    return Receipt(
        app=app.app,
        binary=binary,
        tag=release.tag,
        channel=app.channel,
        commit=release.built_from,
        commit_known_by=release.known_by,
        asset=staged.asset.name,
        uuid=staged.asset.uuid,
        url=staged.asset.url,
        size=staged.size,
        md5=staged.md5,
        sha256=staged.sha256,
        fetched_at=machine.now(),
        asset_md5=staged.asset_md5,
        asset_sha256=staged.asset_sha256,
        proofs=staged.proofs,
    )


def _twins(machine: Machine, case: Case, target: Generation) -> Mapping[str, str]:
    """Where bytes of the target lie already, by sha256: what does not change keeps its inode."""
    live = case.intent.live_from
    before = case.before.receipts if case.before and live else ()
    known = {r.sha256: str(machine.layout.copy(case.app, live, r.binary)) for r in before}
    return {**known, **in_place_now(machine, target)}


def _write_staged(machine: Machine, case: Case, release: Release | None, generation: Generation, channel: str) -> None:
    # What was made is what is flipped to: see `swap.flip`.
    stamps = encode(generations.stamps(machine.layout, case.app, case.intent.live_to))
    if release is None:
        case.journal.write("staged", stamps=stamps)
        return
    case.journal.write(
        "staged",
        stamps=stamps,
        build=generation.build,
        uuids=sorted(r.uuid for r in generation.receipts),
        tag=release.tag,
        commit=release.commit,
        release_id=release.id,
        release=encode(release),
        channel=channel,
    )


def _remember(machine: Machine, case: Case, app: AppPlan, settled: AppPlan, staged: Mapping[str, Staged]) -> None:
    """What these uploads turned out to be, so that the same ones are not downloaded again: what is here, or unfit."""
    release, known = _release(app), isinstance(settled.decision, UpToDate)
    useless = unfit(app, settled, staged)
    if release is None or not (known or useless):
        return
    here = [*(s.asset.uuid for s in staged.values()), *(r.uuid for r in app.kept)] if known else []
    seen = Observation(
        channel=app.channel,
        tag=release.tag,
        commit=release.commit,
        release_id=release.id,
        release=release,
        uuids=tuple(sorted(here)),
        at=machine.now(),
        build=build_of(r.sha256 for r in app.installed) if known else "",
    )
    found = evolve(case.state, observation=seen, silence=None, unready=None, unfit=useless or case.state.unfit)
    state.write(machine.layout, found)


def abandon(machine: Machine, case: Case) -> None:
    """Nothing was flipped and nothing was stopped: delete what was prepared."""
    withdraw(machine, case)
    if case.flips:
        # Whoever executes a file of it (bytes that were adopted) was started from another name of that file.
        generations.discard(machine.layout, case.app, case.intent.live_to)
    clean(machine, case)
