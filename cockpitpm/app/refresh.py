"""`status --refresh`: read the channels anew and remember what they hold. Nothing is downloaded, nothing restarts."""

from __future__ import annotations

from attrs import evolve

from cockpitpm.act.machine import instant
from cockpitpm.app.channels import with_channels
from cockpitpm.app.host import Host
from cockpitpm.app.names import apps_of
from cockpitpm.model.facts import AppFacts, Unavailable
from cockpitpm.model.receipt import Generation
from cockpitpm.model.release import Release
from cockpitpm.model.state import Observation
from cockpitpm.observe.apps import on_disk
from cockpitpm.record import generations, state


def refresh(host: Host, names: tuple[str, ...] = ()) -> dict[str, Unavailable]:
    """Read the channel of each installed app completely. Gives the apps whose forge did not tell, and why."""
    apps = [app for app in (apps_of(host, names) or generations.apps(host.layout)) if host.catalog.bundle(app)]
    with host.changing():
        facts = with_channels(host, {app: _facts(host, app) for app in apps}, apps, fresh=True)
        for fact in facts.values():
            _remember(host, fact)
    return {app: fact.release for app, fact in facts.items() if isinstance(fact.release, Unavailable)}


def _facts(host: Host, app: str) -> AppFacts:
    bundle = host.catalog.bundle(app)
    return on_disk(host.layout, app, bundle, host.channel_of(bundle) if bundle else "")


def _remember(host: Host, facts: AppFacts) -> None:
    """What is known of the bytes behind the uploads stays known while the uploads are the same."""
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
    )
    state.write(host.layout, evolve(facts.state, observation=found))


def _known(facts: AppFacts, installed: Generation, seen: Release) -> tuple[tuple[str, ...], str]:
    """The uploads of the channel whose build is known, and that build."""
    there, last = {asset.uuid for asset in seen.assets}, facts.state.observation
    if last and last.uuids and set(last.uuids) <= there:
        return last.uuids, last.build
    mine = tuple(sorted(r.uuid for r in installed.receipts))
    return (mine, installed.build) if set(mine) <= there else ((), "")
