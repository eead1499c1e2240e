"""How a file in place differs from what was recorded."""

from __future__ import annotations

from cockpitpm.model.facts import AppFacts, Entry, FileFact


def drift(facts: AppFacts, fact: FileFact) -> str:
    """How the file in place differs from what the receipts say; empty if it does not."""
    receipt = facts.installed.receipt(fact.binary) if facts.installed else None
    if fact.unread and (receipt or fact.entry is Entry.FOREIGN):
        return f"bin/{fact.binary} cannot be read ({fact.unread})"
    if fact.entry is Entry.FOREIGN:
        what = f"sha256 {fact.sha256[:12]}" if fact.sha256 else "no file"
        said = f"the receipt says {receipt.sha256[:12]}" if receipt else "no receipt knows it"
        return f"bin/{fact.binary} is not our link ({what}); {said}"
    if receipt is None:
        return ""
    if fact.entry is Entry.ABSENT:
        return f"bin/{fact.binary} is gone"
    if fact.sha256 != receipt.sha256:
        found = f"sha256 {fact.sha256[:12]}" if fact.sha256 else "nothing"
        return f"bin/{fact.binary} leads to {found}, the receipt says {receipt.sha256[:12]}"
    return ""


def out_of_the_way(facts: AppFacts, fact: FileFact) -> str:
    """The command, for the root, that moves the bytes at an entry away: a link of ours leads to a copy of its own."""
    place = f"bin/{fact.binary}"
    copy = f"var/cockpitpm/apps/{facts.app}/current/{fact.binary}"
    return f"mv {copy if fact.entry is Entry.OURS else place} {place}.mine"
