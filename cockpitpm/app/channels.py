"""What the channels of the apps hold, with no more requests than the question needs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from cockpitpm.app.host import Host
from cockpitpm.decide.freshness import asks_ancestry
from cockpitpm.model.facts import AppFacts
from cockpitpm.model.release import Release
from cockpitpm.observe.apps import with_ancestry, with_release
from cockpitpm.observe.releases import Question, ancestry, releases


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
    old, new = facts.installed.built_from, facts.release.commit
    return with_ancestry(facts, ancestry(host.forge, facts.declared.repo, old, new))
