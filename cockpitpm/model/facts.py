"""What is true on this machine and on the forge right now, as far as a plan needs to know."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from attrs import field, frozen

from cockpitpm.errors import ExitCode
from cockpitpm.model.bundle import Bundle
from cockpitpm.model.process import FileId, Image, ProcessId
from cockpitpm.model.receipt import ActivationRecord, Generation
from cockpitpm.model.release import Ancestry, Release
from cockpitpm.model.service import Definition, Runs, ServiceStatus
from cockpitpm.model.settings import Hold
from cockpitpm.model.state import AppState, Flip
from cockpitpm.model.watched import Copies, Restarts, Unanswered


class Entry(Enum):
    """What stands at `bin/<binary>`: nothing, our own link, or something that is not ours to touch."""

    ABSENT = "absent"
    OURS = "ours"
    FOREIGN = "foreign"


@frozen(kw_only=True)
class FileFact:
    """The bytes that `bin/<binary>` leads to. `sha256` is None where there are none (or the link leads nowhere).

    `owner` is the app whose link stands there if it is another app's. `unread` is why there are bytes that could not be
    read, such as "Permission denied"; mostly empty.
    """

    binary: str
    entry: Entry
    sha256: str | None = None
    owner: str = ""
    unread: str = ""


@frozen(kw_only=True)
class InPlace:
    """What services of an app should execute: for each binary the file in the current live folder and its sha256.

    `scripts` are the binaries that are no ELF files; `older` are the files of the app's other live folders.
    """

    files: Mapping[str, FileId] = field(factory=dict)
    hashes: Mapping[str, str] = field(factory=dict)
    scripts: frozenset[str] = frozenset()
    older: frozenset[FileId] = frozenset()
    flips: tuple[Flip, ...] = ()


@frozen(kw_only=True)
class ServiceFact:
    """One service: the supervisor's word, the process behind it, what its tree executes, the stored definition.

    The last three need more than one look at it; None where nobody took more, or nothing is odd.
    """

    name: str
    status: ServiceStatus
    process: ProcessId | None = None
    images: tuple[Image, ...] = ()
    definition: Definition | None = None
    unanswered: Unanswered | None = None
    restarts: Restarts | None = None
    copies: Copies | None = None


@frozen(kw_only=True)
class Unavailable:
    """Why the forge gave no release; `waiting` says that it will by itself (a draft, an upload under way).

    `wait` is for how many seconds the forge asked not to be asked again, 0 if it did not.
    """

    message: str
    hint: str
    exit_code: ExitCode
    waiting: bool = False
    wait: float = 0.0


@frozen(kw_only=True)
class AppFacts:
    """One app. `declared` is today's bundle (None: this role's catalog does not hold it); `channel` the one to follow.

    `release` is None where nobody asked a forge, `ancestry` where its commit is no question. `live` is the name of the
    folder that `current` leads to, empty if none. `numbers` are the generations that have a file, `generations` those
    that can be read. `damaged` is why the current one is not among them: the app then counts as not installed. `hold`
    is one that is in force now.
    `pinned` says that the machine names one exact release for it. `activations` are the last lines of history that are
    about it, oldest first.
    """

    app: str
    declared: Bundle | None
    channel: str
    state: AppState
    live: str = ""
    installed: Generation | None = None
    generations: tuple[Generation, ...] = ()
    numbers: tuple[int, ...] = ()
    damaged: str = ""
    files: Mapping[str, FileFact] = field(factory=dict)
    in_place: InPlace = InPlace()
    services: Mapping[str, ServiceFact] = field(factory=dict)
    release: Release | Unavailable | None = None
    ancestry: Ancestry | None = None
    hold: Hold | None = None
    pinned: bool = False
    activations: tuple[ActivationRecord, ...] = ()


@frozen(kw_only=True)
class MachineFacts:
    """The machine around the apps: absolute paths, and the bundle of every app that is installed, as it was then.

    `secrets` are all values by context and name; no text that is made of this object has them.
    """

    root: str
    socket_root: str
    installed: Mapping[str, Bundle] = field(factory=dict)
    secrets: Mapping[str, Mapping[str, str]] = field(factory=dict, repr=False)


@frozen(kw_only=True)
class Sight:
    """One look at a service, judged: the supervisor's word, the process, its tree, and what that tree executes."""

    status: ServiceStatus
    process: ProcessId | None
    images: tuple[Image, ...]
    runs: Runs
