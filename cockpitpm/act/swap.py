"""The flip and the links at `bin/`: what makes services find other bytes."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from shlex import quote

from cockpitpm import beneath
from cockpitpm.act.intent import Case
from cockpitpm.act.machine import Machine
from cockpitpm.errors import StoreError
from cockpitpm.model.codec import encode
from cockpitpm.model.facts import Entry
from cockpitpm.model.receipt import Generation, Verb
from cockpitpm.model.state import Flip
from cockpitpm.record import generations
from cockpitpm.record.durable import disk, make_folder, remove, replace_link, sync_folder
from cockpitpm.record.places import entry_of
from cockpitpm.record.store import hash_file


def flip(machine: Machine, case: Case, live: str, generation: Generation | None, phase: str) -> None:
    """Make `live` current and write down when that was. Doing it again changes nothing."""
    boot, begun = machine.processes.now()
    if generations.current_live(machine.layout, case.app) == live:
        # It was flipped by a process that died before it could say so: any moment since the intent is possible.
        boot, begun = case.intent.boot_id, case.intent.begun
    else:
        _check_copies(machine, case, live, generation)
        generations.flip(machine.layout, case.app, live)
    if case.journal.last(phase) is None:
        case.journal.write(phase, flip=encode(_mark(machine, live, generation, boot, begun)))
        _let_ticks_pass(machine)


def _check_copies(machine: Machine, case: Case, live: str, generation: Generation | None) -> None:
    """Before services find them: the copies are the very files that were made, or at least hold their bytes."""
    made = (case.journal.last("staged") or {}).get("stamps", {}) if live == case.intent.live_to else None
    if made is None or generation is None:
        return  # going back: what ran before is no worse for what happened to it since
    stamps = generations.stamps(machine.layout, case.app, live)
    for receipt in generation.receipts:
        path, found = machine.layout.copy(case.app, live, receipt.binary), stamps.get(receipt.binary)
        if (found is None or encode(found) != made.get(receipt.binary)) and not _holds(path, receipt.sha256):
            told = f"{path} is not the file that was made for {receipt.binary}"
            raise StoreError(told, "See who else writes there, and run the command again")


def _mark(machine: Machine, live: str, generation: Generation | None, boot: str, begun: int) -> Flip:
    now_boot, now = machine.processes.now()
    hashes = {r.binary: r.sha256 for r in generation.receipts} if generation else {}
    # After a reboot every process is younger than the flip, whatever the ticks of this boot say.
    return Flip(live=live, boot_id=boot, begun=begun, ended=now if now_boot == boot else begun, hashes=hashes)


def _let_ticks_pass(machine: Machine) -> None:
    """Start ticks count hundredths of a second: what starts from here on must be told from what started before."""
    _, flipped = machine.processes.now()
    while machine.processes.now()[1] <= flipped:
        machine.clock.sleep(0.002)


def link(machine: Machine, case: Case, generation: Generation) -> None:
    """Give each binary its entry at `bin/`. Foreign bytes are never overwritten; a rollback moves them aside.

    Raises StoreError where something foreign stands in the way.
    """
    layout = machine.layout
    with disk("link"):
        make_folder(layout.bin, 0o755)
    for receipt in generation.receipts:
        entry, _ = entry_of(layout, case.app, receipt.binary)
        if entry is Entry.FOREIGN and not _holds(layout.binary(receipt.binary), receipt.sha256):
            _set_aside(machine, case, receipt.binary)
        if entry is not Entry.OURS:
            relink(machine, case, receipt.binary)


def _holds(path: Path, sha256: str) -> bool:
    """Whether the file is the very bytes that come into place: our link leads to them too, so nothing is lost."""
    with disk("look at"):
        return beneath.is_file(path) and hash_file(path) == sha256


def relink(machine: Machine, case: Case, binary: str) -> None:
    """Put our entry for this binary in place."""
    with disk("link"):
        replace_link(machine.layout.binary(binary), machine.layout.link_text(case.app, binary))


def _set_aside(machine: Machine, case: Case, binary: str) -> None:
    path = machine.layout.binary(binary)
    if case.intent.verb is not Verb.ROLLBACK:
        hint = f"Move it away (`mv {quote(str(path))} {quote(f'{path}.mine')}`) and run the command again"
        raise StoreError(f"{path} is not ours and no receipt knows its bytes", hint)
    kept = machine.layout.kept(case.intent.transaction, binary)
    with disk("set aside"):
        make_folder(kept.parent)
        beneath.move(path, kept)
        sync_folder(kept.parent)
        sync_folder(path.parent)
    machine.reporter.warning(case.app, f"bin/{binary} was not ours; its bytes are kept as {kept}")


def keep_patched(machine: Machine, case: Case) -> None:
    """Bytes that somebody wrote through our links into the live folder that was left: kept, not deleted with it."""
    for receipt in case.before.receipts if case.before and case.flips else ():
        path = machine.layout.copy(case.app, case.intent.live_from, receipt.binary)
        kept = machine.layout.kept(case.intent.transaction, receipt.binary)
        if not _holds(path, receipt.sha256) and beneath.is_file(path):
            with disk("set aside"):
                make_folder(kept.parent)
                beneath.move(path, kept)
                sync_folder(kept.parent)
            told = f"bin/{receipt.binary} had been changed by hand; those bytes are kept as {kept}"
            machine.reporter.warning(case.app, told)


def put_back(machine: Machine, case: Case, adopted: Generation) -> None:
    """Before an adoption is taken back: what our links replaced stands at `bin/` again, the very files."""
    layout = machine.layout
    with disk("restore"):
        for binary in (r.binary for r in adopted.receipts if not case.before or r not in case.before.receipts):
            mine = layout.copy(case.app, case.intent.live_to, binary)
            patched = layout.copy(case.app, case.intent.live_from, binary)  # through our link: it leads there again
            ours = entry_of(layout, case.app, binary)[0] is Entry.OURS
            if ours and beneath.is_file(mine) and not (beneath.is_file(patched) and _same(mine, patched)):
                beneath.move(mine, layout.binary(binary))
                sync_folder(mine.parent)
                sync_folder(layout.bin)


def _same(one: Path, other: Path) -> bool:
    a, b = beneath.look(one), beneath.look(other)
    return (a.st_dev, a.st_ino) == (b.st_dev, b.st_ino)


def restore_aside(machine: Machine, case: Case) -> None:
    """Give back what this transaction had moved aside."""
    mark = f"{case.intent.transaction}-"
    layout = machine.layout
    with disk("restore"):
        for name in beneath.names(layout.aside):
            if name.startswith(mark):
                beneath.move(layout.aside / name, layout.binary(name.removeprefix(mark)))
                sync_folder(layout.bin)


def unlink(machine: Machine, case: Case, binaries: Iterable[str]) -> None:
    """Remove the entries of these binaries that are still our own."""
    for binary in binaries:
        if entry_of(machine.layout, case.app, binary)[0] is Entry.OURS:
            with disk("unlink"):
                remove(machine.layout.binary(binary))
