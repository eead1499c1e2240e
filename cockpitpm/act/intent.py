"""What a transaction set out to do, as its journal keeps it; enough to finish it without a catalog or a forge."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import field, frozen

from cockpitpm.act.away import Away
from cockpitpm.errors import StoreError
from cockpitpm.model.codec import Malformed, decode, encode
from cockpitpm.model.process import ProcessId
from cockpitpm.model.receipt import Generation, Verb
from cockpitpm.model.service import Wanted
from cockpitpm.model.state import AppState, Flip
from cockpitpm.record import generations, state
from cockpitpm.record.journal import Journal
from cockpitpm.record.layout import Layout


@frozen(kw_only=True)
class Intent:
    """The first record of a journal.

    `origin`, `to` are generation numbers and `live_from`, `live_to` their live folders (empty: not installed).
    `well` are the services that worked before: going back has to bring back no others. `known` are those that the
    supervisor knew; their definitions hold secrets, so it sets them aside itself. `fresh` says that the transaction
    makes generation `to`. `begun` are the clock ticks of boot `boot_id` at which nothing was changed yet.
    """

    transaction: str
    app: str
    verb: Verb
    origin: int
    to: int
    live_from: str
    live_to: str
    wanted: Mapping[str, Wanted]
    well: tuple[str, ...]
    known: tuple[str, ...]
    fresh: bool
    cycle: tuple[str, ...]
    actor: str
    reason: str
    at: str
    boot_id: str
    begun: int
    allowed: tuple[str, ...] = ()


@frozen(kw_only=True)
class Case:
    """A transaction that is under way: its journal, its intent, and both sides of it as they were stored.

    `away` measures for how long its services are gone.
    """

    journal: Journal
    intent: Intent
    before: Generation | None
    state: AppState
    away: Away = field(factory=Away)

    @property
    def app(self) -> str:
        """The app it is about."""
        return self.intent.app

    @property
    def flips(self) -> bool:
        """Whether other bytes come into place."""
        return self.intent.live_from != self.intent.live_to

    def mark(self, service: str, process: ProcessId | None) -> None:
        """Say that the service is about to be stopped by us."""
        self.journal.write("cycling", service=service, process=encode(process))


def open_case(layout: Layout, journal: Journal) -> Case:
    """Read everything about a transaction from disk. Raises StoreError for a journal that makes no sense."""
    try:
        intent = decode(Intent, journal.intent)
    except Malformed as error:
        hint = "Move the file away, then run `cockpitpm recover`"
        raise StoreError(f"Cannot use the journal {journal.path}: {error}", hint) from error
    # Of one that is done only the cleaning is left, and a removal may have got as far as its own generations.
    needed = intent.origin and not journal.last("done")
    before = generations.read(layout, intent.app, intent.origin) if needed else None
    return Case(journal=journal, intent=intent, before=before, state=state.read(layout, intent.app))


def begin_case(layout: Layout, intent: Intent, room: int) -> Case:
    """Write the intent; from here on a crash is seen by whoever comes next. `room` bytes are set aside beyond usual."""
    journal = Journal.begin(layout.journal, intent.transaction, encode(intent), room)
    return open_case(layout, journal)


def after(layout: Layout, case: Case) -> Generation | None:
    """The generation that the transaction leads to; None for a removal."""
    return generations.read(layout, case.app, case.intent.to) if case.intent.to else None


def timeline(case: Case) -> tuple[Flip, ...]:
    """Every flip that a running process may have been started under, this transaction's own included."""
    records = (r for r in case.journal.records if r["phase"] in ("flipped", "flipped_back"))
    own = (decode(Flip, r["flip"]) for r in records)
    return (*case.state.flips, *(flip for flip in own if flip not in case.state.flips))
