"""`status --refresh`: read the channels anew and remember what they hold. Nothing is downloaded, nothing restarts."""

from __future__ import annotations

from attrs import evolve

from cockpitpm.app.channels import remember, remember_silence, with_channels
from cockpitpm.app.host import Host
from cockpitpm.app.names import apps_of
from cockpitpm.model.facts import AppFacts, Unavailable
from cockpitpm.observe.apps import on_disk
from cockpitpm.record import generations


def refresh(host: Host, names: tuple[str, ...] = ()) -> dict[str, Unavailable]:
    """Read the channel of each installed app completely. Gives the apps whose forge did not tell, and why."""
    apps = [app for app in (apps_of(host, names) or generations.apps(host.layout)) if host.catalog.bundle(app)]
    # Forges may take their time: the machine is held only to write down what they said.
    facts = with_channels(host, {app: _facts(host, app) for app in apps}, apps, fresh=True)
    with host.changing():
        for app, fact in facts.items():
            found = evolve(_facts(host, app), release=fact.release, ancestry=fact.ancestry)
            remember(host, found)
            remember_silence(host, found)
    return {app: fact.release for app, fact in facts.items() if isinstance(fact.release, Unavailable)}


def _facts(host: Host, app: str) -> AppFacts:
    bundle = host.catalog.bundle(app)
    return on_disk(host.layout, app, bundle, host.channel_of(bundle) if bundle else "")
