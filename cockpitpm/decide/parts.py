"""Which binaries of an installed app are here, and what brings the others."""

from __future__ import annotations

from collections.abc import Iterator

from attrs import frozen

from cockpitpm.model.facts import AppFacts, Entry
from cockpitpm.model.status import Note, Remark


@frozen(kw_only=True)
class Parts:
    """`binaries` are those of today's bundle. Of them `gone` were installed and have no entry in `bin/` any more, and
    `missing` never were.
    """

    binaries: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


def parts(facts: AppFacts) -> Parts:
    """Of an app that is not in the catalog any more, what was installed counts."""
    if facts.installed is None:
        return Parts()
    names = tuple(b.name for b in (facts.declared or facts.installed.bundle).binaries)
    absent = [name for name in names if facts.files[name].entry is Entry.ABSENT]
    known = {r.binary for r in facts.installed.receipts}
    return Parts(
        binaries=names,
        gone=tuple(name for name in absent if name in known),
        missing=tuple(name for name in absent if name not in known),
    )


def partial(facts: AppFacts, found: Parts) -> Iterator[Remark]:
    """What is not here. A binary that is gone and has a service is told there."""
    if facts.installed is None:
        return
    bundle, number = facts.installed.bundle, facts.installed.number
    served = {s.binary or bundle.binaries[0].name for s in bundle.services}
    if alone := [name for name in found.gone if name not in served]:
        again = f"cockpitpm rollback {facts.app} --to {number}"
        yield Remark(note=Note.PARTIAL, evidence=f"bin/{alone[0]} is gone", next_step=again)
    if found.missing:
        told = f"{found.missing[0]} belongs to it and was never installed here"
        yield Remark(note=Note.PARTIAL, evidence=told, next_step=f"cockpitpm upgrade {facts.app}")
