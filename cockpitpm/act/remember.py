"""What a machine remembers of a transaction: what is wanted, when it flipped, what the channel held, what failed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from attrs import evolve

from cockpitpm.act.intent import Case, after, timeline
from cockpitpm.act.machine import Machine
from cockpitpm.model.codec import decode
from cockpitpm.model.plan import AppPlan, Fetch, Reason, Refused, Staged
from cockpitpm.model.receipt import ActivationRecord, Generation, Outcome, Verb
from cockpitpm.model.release import Release
from cockpitpm.model.service import Wanted
from cockpitpm.model.state import AppState, BlockedBuild, Observation, Offered, Unfit
from cockpitpm.record import generations, state

FLIPS_KEPT = 8


def remembered(machine: Machine, case: Case, record: ActivationRecord, verdict: dict[str, Any]) -> AppState:
    """The state of the app once the transaction has ended as the record says. What was exported is settled by then."""
    live = generations.current_live(machine.layout, case.app)
    staged = case.journal.last("staged") or {}
    committed = record.outcome is Outcome.COMMITTED
    seen = _observation(staged, record)
    wanted = case.intent.wanted if committed else case.state.wanted
    return evolve(
        case.state,
        wanted=dict(wanted),
        flips=timeline(case)[-FLIPS_KEPT:],
        stamps=generations.stamps(machine.layout, case.app, live) if live else {},
        observation=seen or case.state.observation,
        silence=None if seen else case.state.silence,
        unready=None if seen else case.state.unready,
        blocked=_blocked(machine, case, record, _left(case, staged, record, verdict)),
        exported=state.read(machine.layout, case.app).exported,
        offered=None,
        stops={s: one for s, one in case.state.stops.items() if wanted.get(s) is Wanted.STOPPED},
    )


def unfit(app: AppPlan, settled: AppPlan, staged: Mapping[str, Staged]) -> Unfit | None:
    """What was fetched for the plan `app` and cannot run on this machine, if it was settled for that reason."""
    decision = settled.decision
    if not isinstance(decision, Refused) or decision.reason is not Reason.NOT_RUNNABLE:
        return None
    spent = (staged[f.binary] for f in app.fetches if staged[f.binary].asset == f.candidates[-1])
    last = next(s for s in spent if s.problem)
    uuids = tuple(uuid for fetch in app.fetches for uuid in _useless(fetch, staged[fetch.binary]))
    return Unfit(uuids=uuids, asset=last.asset.name, problem=last.problem)


def _useless(fetch: Fetch, staged: Staged) -> Iterator[str]:
    """The candidates that were passed over until the staged one, and that one if it is no better."""
    for asset in fetch.candidates:
        if asset.uuid != staged.asset.uuid or staged.problem:
            yield asset.uuid
        if asset.uuid == staged.asset.uuid:
            return


def offer(machine: Machine, case: Case) -> None:
    """Put the variables that this run brings for the app's services in force; those of before stay beside them."""
    fresh = machine.exported.get(case.app)
    if fresh is not None:
        known = state.read(machine.layout, case.app)
        offered = Offered(transaction=case.intent.transaction, before=known.exported)
        state.write(machine.layout, evolve(known, exported=fresh, offered=offered))


def withdraw(machine: Machine, case: Case) -> None:
    """Put the variables of before back in force, if this transaction changed them."""
    known = state.read(machine.layout, case.app)
    if known.offered and known.offered.transaction == case.intent.transaction:
        state.write(machine.layout, evolve(known, exported=known.offered.before, offered=None))


def _blocked(
    machine: Machine, case: Case, record: ActivationRecord, left: BlockedBuild | None
) -> tuple[BlockedBuild, ...]:
    """A build that somebody brought back by hand is blocked no longer."""
    now = after(machine.layout, case) if record.outcome is Outcome.COMMITTED else None
    gone = {b.build for b in (now, left) if b}
    kept = tuple(b for b in case.state.blocked if b.build not in gone)
    return (*kept, left) if left else kept


def _left(case: Case, staged: dict[str, Any], record: ActivationRecord, verdict: dict[str, Any]) -> BlockedBuild | None:
    """The build to block: the one that failed, or the one that a rollback left."""
    if verdict.get("blame") and staged.get("build"):
        return BlockedBuild(
            build=staged["build"],
            uuids=tuple(staged["uuids"]),
            tag=staged["tag"],
            commit=staged["commit"],
            reason=record.detail,
            at=record.at,
        )
    moved = case.intent.origin != case.intent.to
    if record.verb is Verb.ROLLBACK and record.outcome is Outcome.COMMITTED and case.before and moved:
        return _abandoned(case.before, record)
    return None


def _abandoned(before: Generation, record: ActivationRecord) -> BlockedBuild:
    first = before.receipts[0]
    return BlockedBuild(
        build=before.build,
        uuids=tuple(sorted(r.uuid for r in before.receipts)),
        tag=first.tag,
        commit=first.commit,
        reason=record.reason or "it was rolled back by its operator",
        at=record.at,
    )


def _observation(staged: dict[str, Any], record: ActivationRecord) -> Observation | None:
    """What the channel held when it was read for this transaction."""
    if not staged.get("build"):
        return None
    return Observation(
        release=decode(Release, staged["release"]),
        channel=staged["channel"],
        tag=staged["tag"],
        commit=staged["commit"],
        release_id=staged["release_id"],
        uuids=tuple(staged["uuids"]),
        at=record.at,
        build=staged["build"],
    )
