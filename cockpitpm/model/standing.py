"""How an app stands: the words, signs and buttons that a face shows for it, decided in one place."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from attrs import field, frozen

from cockpitpm.model.bundle import Bundle
from cockpitpm.model.job import Job
from cockpitpm.model.release import Ancestry
from cockpitpm.model.settings import Hold


class Section(Enum):
    """Where an app is listed."""

    NEEDS_DECISION = "needs_decision"
    UPDATES = "updates"
    IN_ORDER = "in_order"
    NOT_INSTALLED = "not_installed"


class Icon(Enum):
    """The sign beside the words; each has a shape of its own."""

    JOB = "job"
    WARN = "warn"
    BAD = "bad"
    PENDING = "pend"
    NEWER = "up"
    OLDER = "down"
    HELD = "hold"
    BLOCKED = "blocked"
    UNREAD = "unread"
    NOT_READY = "dots"
    CURRENT = "check"
    PINNED = "pin"
    STOPPED = "stop"
    ABSENT = "none"


class Tone(Enum):
    """The colour role. Colour never says anything alone."""

    OK = "ok"
    INFO = "info"
    WARN = "warn"
    BAD = "bad"
    HOLD = "hold"
    MUTE = "mute"


class Dot(Enum):
    """One of the four truths in the chain. NEWER and OLDER are those of the channel."""

    THERE = "there"
    ABSENT = "absent"
    FAILING = "failing"
    UNKNOWN = "unknown"
    NEWER = "newer"
    OLDER = "older"


class Tie(Enum):
    """What two neighbours of the chain have in common: the same bytes, different ones, or nothing can be said."""

    SAME = "same"
    DIFFERS = "differs"
    OPEN = "open"


class Act(Enum):
    """Where a button leads; the value is its label, an ellipsis means that it asks before it does anything."""

    WATCH = "Watch"
    CANCEL = "Cancel…"
    FINISH = "Finish or undo…"
    PUT_BACK = "Put it back…"
    SHOW_LOG = "Show log"
    START = "Start…"
    STOP = "Stop…"
    RESTART = "Restart…"
    CONVERGE = "Finish restart…"
    KEEP = "Keep this build…"
    COMPARE = "Compare"
    ROLL_BACK = "Roll back…"
    UPGRADE = "Upgrade…"
    UPGRADE_ONCE = "Upgrade once…"
    TRY_AGAIN = "Try again…"
    INSTALL = "Install…"
    COMPLETE = "Finish installing…"
    REMOVE = "Remove…"
    HOLD = "Hold…"
    RELEASE = "Release hold…"
    CHANNEL = "Channel…"
    PIN = "Pin…"
    UNPIN = "Unpin…"
    CHECK = "Check now"
    LOOK = "Look again"
    DETAILS = "Details"
    WHAT_FAILED = "See what failed"
    WHAT_IS_WRONG = "What is wrong"
    SHOW_THEM = "Show them"


@frozen(kw_only=True)
class Button:
    """A way to go on. `service`, `job` and `to` (a generation) say where, as far as the act needs them."""

    act: Act
    service: str = ""
    job: int = 0
    to: int = 0


@frozen(kw_only=True)
class Mark:
    """A dot of the chain in its colour."""

    dot: Dot
    tone: Tone = Tone.MUTE


@frozen(kw_only=True)
class Link:
    """A link of the chain in its colour."""

    tie: Tie
    tone: Tone = Tone.MUTE


@frozen(kw_only=True)
class Chain:
    """Process, file, receipt and channel, and the three links between them."""

    marks: tuple[Mark, Mark, Mark, Mark]
    links: tuple[Link, Link, Link]

    @property
    def whole(self) -> bool:
        """Whether all four are there and the same."""
        there = all(m.dot is Dot.THERE for m in self.marks)
        return there and all(one.tie is Tie.SAME for one in self.links)


@frozen(kw_only=True)
class Cell:
    """One cell of a service's row: what is there, and a word on it. `code` says that it is a commit or a digest."""

    value: str
    note: str = ""
    tone: Tone | None = None
    code: bool = True


@frozen(kw_only=True)
class ServiceStanding:
    """One service of an app. `about` is what it is for; `icon` is the sign in front of what runs."""

    name: str
    about: str
    icon: Icon
    tone: Tone
    chain: Chain
    running: Cell
    on_disk: Cell
    build: Cell
    channel: Cell
    supervisor: Cell
    buttons: tuple[Button, ...]


@frozen(kw_only=True)
class Finding:
    """A row of the table of states that matches. `subject` begins the sentence `why`; `at` belongs to the detail."""

    row: int
    section: Section
    icon: Icon
    tone: Tone
    words: str
    detail: str = ""
    at: str = ""
    subject: str = ""
    why: str = ""
    primary: Button | None = None
    others: tuple[Button, ...] = ()
    job: int = 0


@frozen(kw_only=True)
class Standing:
    """One app. `row` numbers the rule that matched first, `more` is how many others matched too.

    `at` is a moment (RFC 3339) that belongs to the detail, empty if none does. `subject` begins the sentence `why`.
    `current` and `offered` are short commits, empty where there is none or nothing else is offered. `as_of` is when
    this was seen, if that is too long ago (row 31); otherwise empty.
    """

    app: str
    title: str
    layer: str
    section: Section
    row: int
    icon: Icon
    tone: Tone
    words: str
    detail: str
    at: str
    subject: str
    why: str
    more: int
    primary: Button | None
    others: tuple[Button, ...]
    menu: tuple[Button, ...]
    chain: Chain
    current: str
    offered: str
    tag: str
    installed_at: str
    generation: int
    job: int
    services: tuple[ServiceStanding, ...]
    as_of: str = ""


@frozen(kw_only=True)
class Known:
    """What is known of an app beside its truths. `hold` is the one that is in force, `pin` a tag, empty for none.

    `jobs` may be those of all apps. `ancestry` is what the published commit is to the installed one, None if nobody
    asked. `bundle` is today's, None if this role's catalog does not hold it. `unread`: the channel could not be read
    when it was last asked. `as_of` is when all this was seen (RFC 3339), if that is too long ago; otherwise empty.
    """

    hold: Hold | None = None
    pin: str = ""
    jobs: tuple[Job, ...] = ()
    ancestry: Ancestry | None = None
    bundle: Bundle | None = None
    unread: bool = False
    as_of: str = ""


@frozen(kw_only=True)
class Summary:
    """The machine in a sentence. `loud` is the part that asks for something; `counts` are those of the sections."""

    head: str
    loud: str
    rest: str
    counts: Mapping[Section, int] = field(factory=dict)
    updates: int = 0

    @property
    def sentence(self) -> str:
        """All of it."""
        parts = ", ".join(filter(None, (self.loud, self.rest)))
        return f"{self.head} {parts}." if parts else self.head
