"""How a file in place differs from what was recorded."""

from __future__ import annotations

from cockpitpm.model.facts import AppFacts, Entry, FileFact


def drift(facts: AppFacts, fact: FileFact) -> str:
    """How the file in place differs from what the receipts say; empty if it does not."""
    receipt = facts.installed.receipt(fact.binary) if facts.installed else None
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
