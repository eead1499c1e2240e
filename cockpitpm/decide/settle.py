"""The second half of a decision, once the bytes are here and before anything was stopped."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import evolve

from cockpitpm.decide.proofs import unproven
from cockpitpm.model.plan import (
    AppPlan,
    Fetch,
    FileKind,
    Reason,
    Refused,
    Register,
    Reregister,
    Retire,
    Staged,
    Upgrade,
    UpToDate,
)
from cockpitpm.model.receipt import build_of


def settle(plan: AppPlan, staged: Mapping[str, Staged]) -> AppPlan:
    """Shorten the plan: bytes that must be proven and are not are refused, and so is a build that failed here; the same
    bytes need no restart; a binary that cannot run here gives way to the next candidate that the plan lists, and the
    note of its Fetch says so. `staged` has an entry for each Fetch.

    Nothing is decided while a Fetch has another first candidate than the one that was staged for it.
    """
    if not plan.fetches or any(staged[f.binary].asset != f.candidates[0] for f in plan.fetches):
        return plan
    if refusal := unproven(staged[f.binary] for f in plan.fetches):
        return evolve(plan, decision=refusal, steps=())
    unfit = {f.binary: f for f in plan.fetches if _problem(staged[f.binary])}
    if unfit:
        return _next(plan, unfit, staged)
    if refusal := _other_bytes(plan, staged):
        return evolve(plan, decision=refusal, steps=())
    build = build_of([staged[f.binary].sha256 for f in plan.fetches] + [r.sha256 for r in plan.kept])
    if build in plan.blocked and not any(p.reason is Reason.BLOCKED_BUILD for p in plan.past):
        again = f"Wait for another; if the machine was to blame: `cockpitpm upgrade {plan.app} --retry-failed`"
        return _refuse(plan, Reason.BLOCKED_BUILD, f"build {build[:12]} failed on this machine before", again)
    if plan.origin and build == build_of(r.sha256 for r in plan.installed):
        return _same(plan)
    return evolve(
        plan, steps=tuple(_told(plan, s, staged[s.binary]) if isinstance(s, Fetch) else s for s in plan.steps)
    )


def _told(plan: AppPlan, fetch: Fetch, found: Staged) -> Fetch:
    """The same download; what is to be known of the bytes that will run takes the place of what was told before."""
    remarks = [text for text in (found.caution, _swapped(plan, fetch, found)) if text]
    return evolve(fetch, note=f"{found.asset.name}: {'; '.join(remarks)}") if remarks else fetch


def _swapped(plan: AppPlan, fetch: Fetch, found: Staged) -> str:
    """What replaced a file that nobody made a commit for."""
    match plan.decision:
        case Upgrade(release=release, commit=commit) if release.built_from == commit:
            old = next((r.sha256 for r in plan.installed if r.binary == fetch.binary), "")
            same = f"it was replaced at {release.tag} under the same commit {commit[:12]}"
            return f"{same}, sha256 {old[:12]} before, {found.sha256[:12]} now" if old not in ("", found.sha256) else ""
        case _:
            return ""


def _problem(staged: Staged) -> str:
    other = "it is neither an ELF file nor a script with an interpreter line" if staged.kind is FileKind.OTHER else ""
    return staged.problem or other


def _next(plan: AppPlan, unfit: Mapping[str, Fetch], staged: Mapping[str, Staged]) -> AppPlan:
    spent = [f for f in unfit.values() if len(f.candidates) == 1]
    if spent:
        told = staged[spent[0].binary]
        evidence = f"{told.asset.name} cannot run here: {_problem(told)}"
        return _refuse(plan, Reason.NOT_RUNNABLE, evidence, "Publish a build for this machine")
    steps = (_given_way(s, staged) if isinstance(s, Fetch) and s.binary in unfit else s for s in plan.steps)
    return evolve(plan, steps=tuple(steps))


def _given_way(fetch: Fetch, staged: Mapping[str, Staged]) -> Fetch:
    first, *others = fetch.candidates
    told = f"{first.name} cannot run here: {_problem(staged[fetch.binary])}; {others[0].name} is taken instead"
    return evolve(fetch, candidates=tuple(others), note=told)


def _other_bytes(plan: AppPlan, staged: Mapping[str, Staged]) -> Refused | None:
    """A file that is in place already and is not what was downloaded; equal ones are taken over as they are."""
    for fetch in plan.fetches:
        here, there = plan.local.get(fetch.binary), staged[fetch.binary].sha256
        if here and here != there:
            evidence = f"bin/{fetch.binary} is not ours (sha256 {here[:12]}), the release holds {there[:12]}"
            way_out = f"Move the file away if nobody needs it: `mv bin/{fetch.binary} bin/{fetch.binary}.mine`"
            return Refused(reason=Reason.UNKNOWN_LOCAL, evidence=evidence, way_out=way_out)
    return None


def _refuse(plan: AppPlan, reason: Reason, evidence: str, way_out: str) -> AppPlan:
    return evolve(plan, decision=Refused(reason=reason, evidence=evidence, way_out=way_out), steps=())


def _same(plan: AppPlan) -> AppPlan:
    """The channel was published again with the bytes that are here."""
    changed = tuple(s.service for s in plan.steps if isinstance(s, (Register, Retire)))
    if not changed:
        return evolve(plan, decision=UpToDate(why="the same bytes were published again"), steps=())
    steps = tuple(s for s in plan.steps if not isinstance(s, Fetch))
    return evolve(plan, decision=Reregister(services=changed), steps=steps)
