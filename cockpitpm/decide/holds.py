"""An app that somebody holds: until when, why, and what that stops. Only what brings other builds is stopped."""

from __future__ import annotations

from cockpitpm.model.facts import AppFacts
from cockpitpm.model.plan import AppPlan, Held
from cockpitpm.model.settings import Hold
from cockpitpm.model.status import Note, Remark


def in_force(hold: Hold | None, now: str) -> Hold | None:
    """The hold, unless it has ended by `now` (in UTC, RFC 3339, to the second)."""
    return hold if hold and (not hold.until or now < hold.until) else None


def held(facts: AppFacts) -> AppPlan | None:
    """A held app gets no build; None if nobody holds it."""
    if facts.hold is None:
        return None
    bundle = facts.installed.bundle if facts.installed else facts.declared
    number = facts.installed.number if facts.installed else 0
    decision = Held(why=facts.hold.reason, until=facts.hold.until, way_out=_way_out(facts.app, facts.hold))
    return AppPlan(app=facts.app, decision=decision, channel=facts.channel, bundle=bundle, origin=number, to=number)


def held_remark(facts: AppFacts) -> Remark | None:
    """What `status` says of the hold; None if there is none."""
    if facts.hold is None:
        return None
    until = f"until {facts.hold.until}" if facts.hold.until else "without an end"
    told = f"it is not upgraded, {until}: {facts.hold.reason}"
    return Remark(note=Note.HELD, evidence=told, next_step=f"cockpitpm unhold {facts.app}")


def _way_out(app: str, hold: Hold) -> str:
    wait = f"Wait until {hold.until} or say" if hold.until else "Say"
    return f"{wait} `cockpitpm unhold {app}`; rollback and remove work meanwhile"
