"""What stands in the way of putting new bytes in place, known before anything is downloaded."""

from __future__ import annotations

from cockpitpm.decide.drift import drift, out_of_the_way
from cockpitpm.errors import ExitCode, PlanError
from cockpitpm.model.bundle import Bundle
from cockpitpm.model.facts import AppFacts, Entry, FileFact, MachineFacts
from cockpitpm.model.plan import Reason, Refused, Unplanned

MAX_SOCKET_PATH = 107
"""The longest path of a unix socket that the kernel takes, in bytes."""


def not_installed(facts: AppFacts) -> PlanError:
    """The error for a verb that needs an installed app."""
    hint = f"Install it with `cockpitpm install {facts.app}`"
    return PlanError(f"{facts.app} is not installed on this machine", hint)


def damaged(facts: AppFacts) -> Unplanned:
    """The answer to every verb but install while the records of an app cannot be read; the other apps go on."""
    return Unplanned(
        message=f"The records of {facts.app} are damaged: {facts.damaged}",
        hint=f"Install it with `cockpitpm install {facts.app}`",
        exit_code=ExitCode.STORE,
    )


def obstacle(facts: AppFacts, bundle: Bundle, machine: MachineFacts) -> Refused | None:
    """The first thing that forbids it: a name that is taken, bytes that no receipt knows, a socket path too long."""
    return _names(facts, bundle, machine) or _unknown_bytes(facts, bundle) or _sockets(bundle, machine)


def _names(facts: AppFacts, bundle: Bundle, machine: MachineFacts) -> Refused | None:
    """A binary or service that another installed app still has; it moves only once that app is gone."""
    mine = {*(b.name for b in bundle.binaries), *(s.name for s in bundle.services)}
    for other, held in machine.installed.items():
        theirs = {*(b.name for b in held.binaries), *(s.name for s in held.services)}
        if other != facts.app and mine & theirs:
            name = min(mine & theirs)
            return Refused(
                reason=Reason.NAME_TAKEN,
                evidence=f"{name} belongs to {other}, which is installed here",
                way_out=f"Remove that app first: `cockpitpm remove {other}`",
            )
    return None


def may_be_ours(facts: AppFacts, fact: FileFact) -> bool:
    """Whether the file may turn out to be what an install would put there: only the bytes can tell."""
    return facts.installed is None and fact.entry is Entry.FOREIGN and bool(fact.sha256) and not fact.owner


def _unknown_bytes(facts: AppFacts, bundle: Bundle) -> Refused | None:
    for binary in bundle.binaries:
        fact = facts.files.get(binary.name)
        if fact and not may_be_ours(facts, fact) and (told := drift(facts, fact)):
            return Refused(reason=Reason.UNKNOWN_LOCAL, evidence=told, way_out=_way_out(facts, fact))
    return None


def _way_out(facts: AppFacts, fact: FileFact) -> str:
    if fact.unread:
        return f"Make it readable, or move it away: `{out_of_the_way(facts, fact)}`"
    if facts.installed:
        number = facts.installed.number
        return (
            f"Keep them with `cockpitpm adopt {facts.app} --reason WHY`, or put the recorded ones back with "
            f"`cockpitpm rollback {facts.app} --to {number}` (yours are kept aside)"
        )
    return f"Move the file away if nobody needs it: `{out_of_the_way(facts, fact)}`"


def _sockets(bundle: Bundle, machine: MachineFacts) -> Refused | None:
    for service in bundle.services:
        for socket in service.sockets:
            path = f"{machine.socket_root}/{socket.path}" if socket.path else ""
            if len(path.encode()) > MAX_SOCKET_PATH:
                return Refused(
                    reason=Reason.SOCKET_PATH,
                    evidence=f"{path} has {len(path.encode())} bytes, a unix socket takes at most {MAX_SOCKET_PATH}",
                    way_out="Set a shorter socket_root in machine.yaml, or use a shorter root",
                )
    return None
