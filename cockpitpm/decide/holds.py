"""An app that somebody holds: until when, why, and what that stops. Only what brings other builds is stopped."""

from __future__ import annotations

from cockpitpm.decide.ways import way_past
from cockpitpm.model.facts import AppFacts
from cockpitpm.model.plan import AppPlan, Held, Past, Reason
from cockpitpm.model.settings import Hold
from cockpitpm.model.status import Note, Remark


def in_force(hold: Hold | None, now: str) -> Hold | None:
    """The hold, unless it has ended by `now` (in UTC, RFC 3339, to the second)."""
    return hold if hold and (not hold.until or now < hold.until) else None


def held(facts: AppFacts, allow: tuple[Reason, ...] = ()) -> AppPlan | None:
    """A held app gets no build; None if nobody holds it, or if whoever asks goes past the hold."""
    if facts.hold is None or Reason.HOLD in allow:
        return None
    bundle = facts.installed.bundle if facts.installed else facts.declared
    number = facts.installed.number if facts.installed else 0
    decision = Held(why=facts.hold.reason, until=facts.hold.until, way_out=_way_out(facts, facts.hold, allow))
    return AppPlan(app=facts.app, decision=decision, channel=facts.channel, bundle=bundle, origin=number, to=number)


def past_hold(facts: AppFacts) -> tuple[Past, ...]:
    """The hold that a build is taken in spite of: it is in force before and after."""
    if facts.hold is None:
        return ()
    until = f"until {facts.hold.until}" if facts.hold.until else "without an end"
    return (Past(reason=Reason.HOLD, told=f"it is held {until} ({facts.hold.reason}), and stays so afterwards"),)


def held_remark(facts: AppFacts) -> Remark | None:
    """What `status` says of the hold; None if there is none."""
    if facts.hold is None:
        return None
    until = f"until {facts.hold.until}" if facts.hold.until else "without an end"
    told = f"it is not upgraded, {until}: {facts.hold.reason}"
    return Remark(note=Note.HELD, evidence=told, next_step=f"cockpitpm unhold {facts.app}")


def _way_out(facts: AppFacts, hold: Hold, allow: tuple[Reason, ...]) -> str:
    wait = f"Wait until {hold.until} or say" if hold.until else "Say"
    once = f"`{way_past(facts, Reason.HOLD, allow)}` takes the build once and keeps the hold"
    return f"{wait} `cockpitpm unhold {facts.app}`; {once}; rollback and remove work meanwhile"
