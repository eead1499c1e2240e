"""From what the channel holds to a decision about one app: install, upgrade, nothing, or why not."""

from __future__ import annotations

from attrs import evolve

from cockpitpm.decide.assets import choose
from cockpitpm.decide.freshness import unfresh, upload_of
from cockpitpm.decide.obstacles import may_be_ours, obstacle
from cockpitpm.decide.steps import registers, retires, steps_towards
from cockpitpm.decide.wanted import wanted_services
from cockpitpm.decide.ways import way_past
from cockpitpm.model.bundle import Bundle
from cockpitpm.model.facts import AppFacts, MachineFacts, Unavailable
from cockpitpm.model.plan import (
    AppPlan,
    Decision,
    Fetch,
    Install,
    Past,
    Reason,
    Refused,
    Reregister,
    Unplanned,
    Upgrade,
    UpToDate,
    Waiting,
)
from cockpitpm.model.receipt import Generation, Receipt
from cockpitpm.model.release import Release
from cockpitpm.model.state import BlockedBuild


def towards_release(facts: AppFacts, machine: MachineFacts, allow: tuple[Reason, ...] = ()) -> AppPlan:
    """What to do so that the app runs what its channel holds, if that is newer. `allow` are refusals to go through."""
    if facts.declared is None:
        return _plain(facts, _unlisted(facts))
    stop = obstacle(facts, facts.declared, machine)
    if stop:
        return _plain(facts, stop)
    if not isinstance(facts.release, Release):
        return _plain(facts, _unavailable(facts.release))
    fetches = choose(facts.declared, facts.release)
    if isinstance(fetches, Refused):
        return _plain(facts, fetches)
    missing = _changed(facts, facts.declared, facts.release, fetches)
    stop = _blocked(facts, facts.release, fetches, allow) or unfresh(facts, facts.release, missing, allow)
    if stop:
        return _plain(facts, stop)
    found = _compare(facts, facts.declared, facts.release, missing, machine)
    return evolve(found, past=_past(facts, facts.release, fetches, allow)) if found.acts else found


def _compare(
    facts: AppFacts, bundle: Bundle, release: Release, missing: tuple[Fetch, ...], machine: MachineFacts
) -> AppPlan:
    if not missing and facts.installed:
        return _same_bytes(facts, bundle, release, machine)
    decision: Decision = Install(release=release)
    if facts.installed:
        decision = Upgrade(release=release, commit=facts.installed.built_from)
    return _full(facts, bundle, decision, missing, machine)


def _changed(facts: AppFacts, bundle: Bundle, release: Release, fetches: tuple[Fetch, ...]) -> tuple[Fetch, ...]:
    """The downloads whose bytes are not here. An upload keeps its uuid for ever, so an equal uuid is equal bytes.

    Of an archive another member may be asked for than the one that is here.
    """
    if facts.installed is None:
        return fetches
    others = {r.binary for r in facts.installed.receipts if _other_member(r, facts.installed.bundle, bundle)}
    if _seen(facts, fetches):
        return tuple(f for f in fetches if f.binary in others)
    have = {r.binary: r for r in facts.installed.receipts if r.binary not in others}
    return tuple(f for f in fetches if f.binary not in have or not upload_of(have[f.binary], f.candidates, release))


def _other_member(receipt: Receipt, held: Bundle, wanted: Bundle) -> bool:
    return held.member_path(receipt.binary, receipt.asset) != wanted.member_path(receipt.binary, receipt.asset)


def _seen(facts: AppFacts, fetches: tuple[Fetch, ...]) -> bool:
    """Whether these uploads were fetched before and turned out to be the bytes that are installed."""
    last, installed = facts.state.observation, facts.installed
    if last is None or installed is None or not last.build:
        return False
    first = tuple(sorted(f.candidates[0].uuid for f in fetches))
    return first == last.uuids and last.build == installed.build and len(fetches) == len(installed.receipts)


def _same_bytes(facts: AppFacts, bundle: Bundle, release: Release, machine: MachineFacts) -> AppPlan:
    assert facts.installed is not None
    held = facts.installed.bundle
    changed = tuple(registers(facts, bundle, machine)) + tuple(retires(facts, bundle))
    if not changed and _runs_as(held) == _runs_as(bundle):
        return _plain(facts, UpToDate(why=_told(facts.installed, release)))
    moved = (s.name for s in bundle.services if s not in held.services)
    services = tuple(dict.fromkeys((*(s.service for s in changed), *moved)))
    return _full(facts, bundle, Reregister(services=services), (), machine)


def _told(installed: Generation, release: Release) -> str:
    commit, moved = installed.built_from, f"{release.tag} moved to {release.commit[:7]}"
    there = all(upload_of(r, release.assets, release) for r in installed.receipts)
    if commit == release.commit or not there:
        return f"{release.tag} holds the build that is installed ({commit[:7]})"
    if release.index and release.index.commit == release.commit:
        return f"{moved}, but nothing that matters changed since the build that is installed ({commit[:7]})"
    return f"{moved}, its files are still those that are installed ({commit[:7]})"


def _runs_as(bundle: Bundle) -> tuple[object, ...]:
    """What a generation keeps of its bundle for rollback and converge; titles and links come from today's."""
    return bundle.services, bundle.activation, bundle.requires, {b.name for b in bundle.binaries}


def _full(
    facts: AppFacts, bundle: Bundle, decision: Decision, fetches: tuple[Fetch, ...], machine: MachineFacts
) -> AppPlan:
    to = max(facts.numbers, default=0) + 1
    wanted = wanted_services(facts, bundle)
    return AppPlan(
        app=facts.app,
        decision=decision,
        channel=facts.channel,
        bundle=bundle,
        steps=steps_towards(facts, bundle, fetches, to, wanted, machine),
        installed=facts.installed.receipts if facts.installed else (),
        origin=facts.installed.number if facts.installed else 0,
        to=to,
        blocked=tuple(b.build for b in _blocks(facts)),
        wanted=wanted,
        local={f.binary: f.sha256 for f in facts.files.values() if f.sha256 and may_be_ours(facts, f)},
    )


def _plain(facts: AppFacts, decision: Decision) -> AppPlan:
    number = facts.installed.number if facts.installed else 0
    return AppPlan(
        app=facts.app, decision=decision, channel=facts.channel, bundle=facts.declared, origin=number, to=number
    )


def _unlisted(facts: AppFacts) -> Refused:
    return Refused(
        reason=Reason.NOT_IN_CATALOG,
        evidence=f"this role's catalog does not hold {facts.app}; it keeps running and is never upgraded",
        way_out=f"Remove it with `cockpitpm remove {facts.app}`",
    )


def _unavailable(problem: Unavailable | None) -> Decision:
    if problem is None:
        return UpToDate(why="no forge was asked")
    if problem.waiting:
        return Waiting(why=problem.message, way_out=problem.hint)
    return Unplanned(message=problem.message, hint=problem.hint, exit_code=problem.exit_code)


def _blocked(
    facts: AppFacts, release: Release, fetches: tuple[Fetch, ...], allow: tuple[Reason, ...]
) -> Refused | None:
    """A build that failed here is not offered again unless somebody asks for that; of an app that is not here every
    request does.
    """
    block = _failed(facts, fetches)
    if block is None or Reason.BLOCKED_BUILD in allow:
        return None
    again = way_past(facts, Reason.BLOCKED_BUILD, allow)
    return Refused(
        reason=Reason.BLOCKED_BUILD,
        evidence=f"{_build(release)} failed here on {block.at}: {block.reason}",
        way_out=f"Publish another build to the channel; if the machine was to blame, try this one again: `{again}`",
    )


def _failed(facts: AppFacts, fetches: tuple[Fetch, ...]) -> BlockedBuild | None:
    """The failure of exactly this build, as far as uploads tell."""
    uuids = {f.candidates[0].uuid for f in fetches}
    return next((b for b in _blocks(facts) if set(b.uuids) == uuids), None)


def _build(release: Release) -> str:
    return f"the build at {release.tag} ({release.built_from[:7]})"


def _blocks(facts: AppFacts) -> tuple[BlockedBuild, ...]:
    return facts.state.blocked if facts.installed else ()


def _past(facts: AppFacts, release: Release, fetches: tuple[Fetch, ...], allow: tuple[Reason, ...]) -> tuple[Past, ...]:
    """What failed here and is tried all the same. Uploads of another name may turn out to be bytes that failed."""
    if Reason.BLOCKED_BUILD not in allow or not _blocks(facts):
        return ()
    block = _failed(facts, fetches)
    told = "it is tried even if its bytes failed here before"
    if block:
        told = f"{_build(release)} failed here on {block.at}, and is tried once more; that time: {block.reason}"
    return (Past(reason=Reason.BLOCKED_BUILD, told=told),)
