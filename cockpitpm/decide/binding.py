"""What a saved plan rests on, and whether that still holds."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping

from attrs import evolve

from cockpitpm.decide.wanted import wanted_services
from cockpitpm.model.binding import Binding
from cockpitpm.model.catalog import Catalog
from cockpitpm.model.codec import encode
from cockpitpm.model.facts import AppFacts, Entry, FileFact, MachineFacts
from cockpitpm.model.plan import AppPlan, Ask, Converge, Held, Mend, Plan, Refused, Step, Unplanned, UpToDate, Waiting
from cockpitpm.model.release import Asset, Release
from cockpitpm.model.service import Definition

NOTHING = "nothing"
_DIGEST = re.compile(r"\b([0-9a-f]{12})[0-9a-f]{28,52}\b")


def bind(catalog: Catalog, facts: Mapping[str, AppFacts], machine: MachineFacts) -> Binding:
    """The binding of a plan that is made from these."""
    found = {"the catalog": catalog.digest, "the role": catalog.role.value, "the socket root": machine.socket_root}
    secrets = frozenset(value for context in machine.secrets.values() for value in context.values())
    for mine in facts.values():
        found |= dict(_app(mine, secrets))
    return Binding(facts=tuple(found.items()))


def differences(old: Binding, new: Binding) -> tuple[str, ...]:
    """What changed from what to what, one sentence a thing; empty if nothing did. Digests are cut short."""
    was, now = dict(old.facts), dict(new.facts)
    both = ((name, was.get(name, NOTHING), now.get(name, NOTHING)) for name in {**was, **now})
    return tuple(f"{name} was {_cut(one)}, and is {_cut(other)} now" for name, one, other in both if one != other)


def newly_held(saved: Plan, fresh: Plan) -> tuple[str, ...]:
    """What somebody holds since. Its channel is not even read, so that nothing else of it can be compared."""
    acting = {app.app for app in saved.apps if app.acts}
    now = ((app.app, app.decision) for app in fresh.apps if app.app in acting)
    return tuple(f"{app} is now {decision.told}" for app, decision in now if isinstance(decision, Held))


def objections(saved: Plan, fresh: Plan) -> tuple[str, ...]:
    """Where the same request, planned anew from equal facts, would not do what was saved.

    Which process runs may change at any time, so services that need less or more restarting are no objection.
    """
    now = {app.app: app for app in fresh.apps}
    told = (_objection(app, now.get(app.app)) for app in saved.apps if app.acts)
    return tuple(one for one in told if one)


def _objection(saved: AppPlan, fresh: AppPlan | None) -> str:
    if fresh is None:
        return f"{saved.app} would not be planned now"
    match fresh.decision:
        case Refused(evidence=why) | Unplanned(message=why) | Waiting(why=why) | Held(why=why):
            return f"{saved.app} would not be changed now: {why}"
        case Mend() | UpToDate() if isinstance(saved.decision, Mend):
            return ""
        case _:
            more = next((past.told for past in fresh.past if past not in saved.past), "")
            if more or _lasting(saved) != _lasting(fresh):
                told = f"although {more}" if more else "in another way"
                return f"{saved.app} would be changed {told} now"
            return ""


def _lasting(app: AppPlan) -> tuple[str, tuple[Step, ...]]:
    """What is done, apart from the processes."""
    return app.decision.KIND, tuple(s for s in app.steps if not isinstance(s, Converge | Ask))


def _app(mine: AppFacts, secrets: frozenset[str]) -> Iterator[tuple[str, str]]:
    app = mine.app
    yield f"the current generation of {app}", str(mine.installed.number) if mine.installed else NOTHING
    yield f"the channel of {app}", mine.channel or NOTHING
    yield f"the declaration of {app}", _digest(mine.declared) if mine.declared else NOTHING
    yield from _release(mine)
    yield from ((f"bin/{file.binary}", _file(file)) for file in mine.files.values())
    yield from _services(mine, secrets)
    known = {g.number: f"build {g.build}, file {_digest(g)}" for g in mine.generations}
    yield from ((f"generation {n} of {app}", known.get(n, "unreadable")) for n in mine.numbers)
    yield f"what failed before of {app}", ", ".join(sorted(b.build for b in mine.state.blocked)) or NOTHING


def _file(file: FileFact) -> str:
    bytes_ = f"sha256 {file.sha256}" if file.sha256 else "no bytes"
    if file.entry is Entry.ABSENT:
        return NOTHING
    return bytes_ if file.entry is Entry.OURS else f"{bytes_}, an entry of {file.owner or 'somebody else'}"


def _release(mine: AppFacts) -> Iterator[tuple[str, str]]:
    found = mine.release
    if isinstance(found, Release):
        made = f"{found.id} of {found.repo} at {found.tag}, made {found.created_at}, commit {found.commit}"
        yield f"the release of {mine.app}", made
        for name in dict.fromkeys(a.name for a in found.assets):
            yield f"asset {name} of {mine.app}", _assets(found.named(name))
    elif found:
        yield f"the release of {mine.app}", f"not to be had ({found.message})"


def _assets(found: Iterable[Asset]) -> str:
    """Every upload of one name; the order in which a forge lists them says nothing."""
    return ", ".join(sorted(f"{a.uuid} with {a.size} bytes, made {a.created_at}" for a in found))


def _services(mine: AppFacts, secrets: frozenset[str]) -> Iterator[tuple[str, str]]:
    for fact in mine.services.values():
        told = _digest(_without(fact.definition, secrets)) if fact.definition else NOTHING
        yield f"the definition of {fact.name}", told
    for bundle in (mine.installed.bundle if mine.installed else None, mine.declared):
        if bundle:
            yield from ((f"what {n} is meant to be", w.value) for n, w in wanted_services(mine, bundle).items())


def _without(definition: Definition, secrets: frozenset[str]) -> Definition:
    """The definition without its secrets: from the digest of a short one it could be guessed."""
    return evolve(definition, env=tuple((name, "" if value in secrets else value) for name, value in definition.env))


def _digest(value: object) -> str:
    tree = json.dumps(encode(value), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(tree.encode()).hexdigest()


def _cut(text: str) -> str:
    return _DIGEST.sub(r"\1", text)
