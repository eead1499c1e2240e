"""Facts become the four truths and the remarks on them."""

from __future__ import annotations

from collections.abc import Iterator

from cockpitpm.decide.assets import choose
from cockpitpm.decide.drift import drift, out_of_the_way
from cockpitpm.decide.freshness import stale
from cockpitpm.decide.holds import held_remark
from cockpitpm.decide.parts import partial, parts
from cockpitpm.decide.running import judge
from cockpitpm.decide.wanted import wanted_services
from cockpitpm.decide.watched import unapplied, watched_remarks
from cockpitpm.decide.withheld import lookalike, withheld
from cockpitpm.model.bundle import Service
from cockpitpm.model.facts import AppFacts, Entry, FileFact, MachineFacts, ServiceFact
from cockpitpm.model.plan import Refused
from cockpitpm.model.receipt import Generation
from cockpitpm.model.release import Ancestry
from cockpitpm.model.service import Runs, ServiceState, Wanted
from cockpitpm.model.state import Stop
from cockpitpm.model.status import AppReport, ChannelTruth, FileTruth, Note, Remark, ServiceReport

LEANING: dict[Ancestry | None, ChannelTruth] = {
    Ancestry.DOWNGRADE: ChannelTruth.AHEAD,
    Ancestry.DIVERGED: ChannelTruth.DIVERGED,
}
OFFERED = {
    ChannelTruth.BEHIND: (Note.BEHIND, "upgrade"),
    ChannelTruth.AHEAD: (Note.AHEAD, "plan"),
    ChannelTruth.DIVERGED: (Note.DIVERGED, "plan"),
    ChannelTruth.STALE: (Note.STALE, "plan"),
}
"""What to say of a build of the channel that is not the installed one, and the verb that goes on from there."""


def report(facts: AppFacts, installed_at: str, unfinished: str, machine: MachineFacts | None = None) -> AppReport:
    """What is true of an app. `unfinished` is the transaction that was interrupted on it, empty if none.

    Without `machine` nothing is said of definitions.
    """
    bundle = facts.installed.bundle if facts.installed else facts.declared
    services: tuple[ServiceReport, ...] = ()
    if facts.installed:
        generation = facts.installed
        services = tuple(_service(facts, generation, s, installed_at, machine) for s in generation.bundle.services)
    kept, silence = withheld(facts) if facts.installed else None, facts.state.silence
    silent = silence if silence and silence.channel == facts.channel else None
    found = parts(facts)
    return AppReport(
        name=facts.app,
        title=bundle.title if bundle else "",
        layer=bundle.layer.value if bundle else "",
        generation=facts.installed.number if facts.installed else 0,
        channel=facts.channel,
        services=services,
        silence=silent.why if silent else "",
        silent_until=silent.until if silent else "",
        withheld=kept.why if kept else "",
        published=kept.files if kept else None,
        binaries=found.binaries,
        gone=found.gone,
        missing=found.missing,
        remarks=(*_about_app(facts, unfinished), *partial(facts, found)),
    )


def _about_app(facts: AppFacts, unfinished: str) -> Iterator[Remark]:
    if unfinished:
        yield Remark(
            note=Note.UNFINISHED,
            evidence=f"transaction {unfinished} was interrupted",
            next_step="cockpitpm recover",
        )
    if facts.damaged:
        yield Remark(note=Note.DAMAGED, evidence=facts.damaged, next_step=f"cockpitpm install {facts.app}")
    if facts.installed and facts.declared is None:
        yield Remark(
            note=Note.UNLISTED,
            evidence="this role's catalog does not hold it; it keeps running and is never upgraded",
            next_step=f"cockpitpm remove {facts.app}",
        )
    if remark := held_remark(facts):
        yield remark
    if kept := withheld(facts) if facts.installed else None:
        note = Note.UNFIT if kept.truth is ChannelTruth.UNFIT else Note.UNREADY
        yield Remark(note=note, evidence=kept.why, next_step=f"cockpitpm status {facts.app} --refresh")


def _service(
    facts: AppFacts, generation: Generation, service: Service, installed_at: str, machine: MachineFacts | None
) -> ServiceReport:
    fact = facts.services[service.name]
    binary = service.binary or generation.bundle.binaries[0].name
    receipt = generation.receipt(binary)
    file = facts.files[binary]
    runs = judge(service, fact, facts.in_place)
    wanted = wanted_services(facts, generation.bundle)[service.name]
    seen = facts.state.observation
    resting = wanted is Wanted.STOPPED and runs is Runs.NOTHING
    stop = facts.state.stops.get(service.name) if resting else None
    names = unapplied(facts, service, fact, machine)
    return ServiceReport(
        name=service.name,
        app=facts.app,
        state=fact.status.state,
        raw=fact.status.raw,
        wanted=wanted,
        pid=fact.process.pid if fact.process else None,
        receipt=receipt,
        installed_at=installed_at,
        process=runs,
        process_sha256=receipt.sha256 if receipt and runs is Runs.CURRENT else None,
        file=_file(facts, file),
        file_sha256=file.sha256,
        channel=_channel(facts, generation),
        channel_tag=seen.tag if seen else "",
        channel_commit=seen.commit if seen else "",
        channel_read_at=seen.at if seen else "",
        channel_ancestry=seen.ancestry if seen else None,
        remarks=(
            *_drifted(facts, generation, file),
            *_process(fact, runs, wanted, stop),
            *watched_remarks(fact, runs, names),
            *_behind(facts, generation),
        ),
        unanswered=fact.unanswered if runs is not Runs.NOTHING else None,
        restarts=fact.restarts,
        copies=fact.copies,
        unapplied=names,
        stop=stop,
        file_build=lookalike(facts, file) if drift(facts, file) else None,
    )


def _file(facts: AppFacts, file: FileFact) -> FileTruth:
    if file.entry is Entry.ABSENT:
        return FileTruth.MISSING
    if file.unread:
        return FileTruth.UNKNOWN
    return FileTruth.DRIFTED if drift(facts, file) else FileTruth.RECORDED


def _channel(facts: AppFacts, generation: Generation) -> ChannelTruth:
    seen, kept = facts.state.observation, withheld(facts)
    if kept and kept.truth is ChannelTruth.NOT_READY:
        return kept.truth
    if seen is None or seen.channel != facts.channel:
        return ChannelTruth.UNKNOWN
    if seen.build == generation.build or set(seen.uuids) == {r.uuid for r in generation.receipts}:
        return ChannelTruth.SAME
    blocked = any(set(b.uuids) == set(seen.uuids) for b in facts.state.blocked)
    if blocked or kept:
        return ChannelTruth.BLOCKED if blocked else ChannelTruth.UNFIT
    return LEANING.get(seen.ancestry, ChannelTruth.STALE if _stale(facts) else ChannelTruth.BEHIND)


def _stale(facts: AppFacts) -> str:
    """Why the release that was read last cannot be what it says; empty if nothing says so."""
    seen = facts.state.observation.release if facts.state.observation else None
    fetches = choose(facts.declared, seen) if facts.declared and seen else None
    if seen is None or fetches is None or isinstance(fetches, Refused):
        return ""
    found = stale(facts, seen, fetches)
    return found.evidence if found else ""


def _behind(facts: AppFacts, generation: Generation) -> Iterator[Remark]:
    seen = facts.state.observation
    channel = _channel(facts, generation)
    if seen and channel in OFFERED:
        told = f"{seen.tag} held {seen.commit[:12]} on {seen.at}, installed is {generation.built_from[:12]}"
        note, verb = OFFERED[channel]
        told = _stale(facts) if channel is ChannelTruth.STALE else told
        yield Remark(note=note, evidence=told, next_step=f"cockpitpm {verb} {facts.app}")


def _drifted(facts: AppFacts, generation: Generation, file: FileFact) -> Iterator[Remark]:
    told = drift(facts, file)
    if told and file.unread:
        yield Remark(note=Note.UNVERIFIED, evidence=told, next_step=out_of_the_way(facts, file))
    elif told:
        again = f"cockpitpm rollback {facts.app} --to {generation.number}"
        yield Remark(note=Note.DRIFTED, evidence=told, next_step=again)


def _process(fact: ServiceFact, runs: Runs, wanted: Wanted, stop: Stop | None) -> Iterator[Remark]:
    converge = f"cockpitpm converge {fact.name}"
    pid = fact.process.pid if fact.process else None
    if wanted is Wanted.STOPPED:
        if runs is Runs.NOTHING:
            who = f"{f' by {stop.by}' if stop.by else ''} on {stop.at}" if stop else ""
            told = f"it was stopped on purpose{who}"
            yield Remark(note=Note.STOPPED, evidence=told, next_step=f"cockpitpm start {fact.name}")
    elif runs is Runs.NOTHING and fact.restarts is None:
        told = (
            f"it is meant to run and has no process; the supervisor says {fact.status.raw or fact.status.state.value}"
        )
        yield Remark(note=Note.FAILED, evidence=told, next_step=converge)
    elif runs in (Runs.OLD, Runs.OTHER):
        what = "older bytes of the app" if runs is Runs.OLD else "something that is not the app's binary"
        yield Remark(note=Note.PENDING, evidence=f"process {pid} executes {what}", next_step=converge)
    elif runs is Runs.UNVERIFIED:
        told = f"process {pid} is a script that may have been started before the bytes changed"
        yield Remark(note=Note.UNVERIFIED, evidence=told, next_step=converge)
    if fact.status.state is ServiceState.FAILED and runs is not Runs.NOTHING:
        told = f"the supervisor says {fact.status.raw or 'failed'}, but process {pid} lives"
        yield Remark(note=Note.FAILED, evidence=told, next_step=f"cockpitpm logs {fact.name}")
