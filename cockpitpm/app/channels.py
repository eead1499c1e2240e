"""What the channels of the apps hold, with no more requests than the question needs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta

from attrs import evolve

from cockpitpm.act.machine import instant
from cockpitpm.app.host import Host
from cockpitpm.decide.freshness import asks_ancestry, upload_of
from cockpitpm.model.facts import AppFacts, Unavailable
from cockpitpm.model.receipt import Generation
from cockpitpm.model.release import Release
from cockpitpm.model.state import Observation, Silence, Unready
from cockpitpm.observe.apps import with_ancestry, with_release
from cockpitpm.observe.releases import Question, ancestry, releases
from cockpitpm.record import state

LONGEST = timedelta(days=366)
"""A forge that asks to wait for longer is not taken at its word."""


def with_channels(host: Host, facts: Mapping[str, AppFacts], apps: Iterable[str], fresh: bool) -> dict[str, AppFacts]:
    """The same facts, those of `apps` with what their channel holds and how its commit stands to the installed one.

    An unchanged release costs one request. `fresh` reads everything anew, which also sees a tag that moved without
    any file.
    """
    found = releases(host.forge, [_question(facts[app], fresh) for app in apps if facts[app].declared])
    known = {app: with_release(fact, found[app]) if app in found else fact for app, fact in facts.items()}
    return {app: _with_ancestry(host, fact) if app in found else fact for app, fact in known.items()}


def _question(facts: AppFacts, fresh: bool) -> Question:
    assert facts.declared is not None
    last = facts.state.observation
    seen = last.release if last and last.channel == facts.channel and not fresh else None
    return Question(app=facts.app, repo=facts.declared.repo, channel=facts.channel, seen=seen)


def _with_ancestry(host: Host, facts: AppFacts) -> AppFacts:
    if not asks_ancestry(facts) or facts.declared is None or facts.installed is None:
        return facts
    assert isinstance(facts.release, Release)
    old, new = facts.installed.built_from, facts.release.built_from
    return with_ancestry(facts, ancestry(host.forge, facts.declared.repo, old, new))


def remember(host: Host, facts: AppFacts) -> None:
    """Keep what the channel of an installed app held: the next look at an equal release costs one request.

    What is known of the bytes behind the uploads stays known while the uploads are the same.
    """
    if not isinstance(facts.release, Release) or facts.installed is None:
        return
    seen = facts.release
    uuids, build = _known(facts, facts.installed, seen)
    found = Observation(
        channel=facts.channel,
        tag=seen.tag,
        commit=seen.commit,
        release_id=seen.id,
        uuids=uuids,
        at=instant(host.clock.now()),
        build=build,
        release=seen,
        ancestry=facts.ancestry,
    )
    state.write(host.layout, evolve(facts.state, observation=found, silence=None, unready=None))


def remember_silence(host: Host, facts: AppFacts) -> None:
    """Keep why the forge told nothing of an installed app's channel; a release that will come by itself is an answer,
    and what it waits for is kept as such.

    What was read before stays known.
    """
    told = facts.release
    if not isinstance(told, Unavailable) or facts.installed is None:
        return
    if told.waiting:
        unready = Unready(channel=facts.channel, why=told.message)
        state.write(host.layout, evolve(facts.state, silence=None, unready=unready))
        return
    until = instant(host.clock.now() + min(timedelta(seconds=told.wait), LONGEST)) if told.wait else ""
    silence = Silence(channel=facts.channel, why=told.message, until=until)
    state.write(host.layout, evolve(facts.state, silence=silence))


def _known(facts: AppFacts, installed: Generation, seen: Release) -> tuple[tuple[str, ...], str]:
    """The uploads of the channel whose build is known, and that build."""
    mine = [upload_of(receipt, seen.assets, seen) for receipt in installed.receipts]
    if all(mine):
        return tuple(sorted(asset.uuid for asset in mine if asset)), installed.build
    there, last = {asset.uuid for asset in seen.assets}, facts.state.observation
    return (last.uuids, last.build) if last and last.uuids and set(last.uuids) <= there else ((), "")
