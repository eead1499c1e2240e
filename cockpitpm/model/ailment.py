"""What can be wrong with a machine beside its apps, and what mends it."""

from __future__ import annotations

from enum import Enum

from attrs import frozen

from cockpitpm.model.process import ProcessId


class Check(Enum):
    """What was looked at."""

    SETTINGS = "settings"
    CATALOG = "catalog"
    PLACES = "places"
    OWNER = "owner"
    MODES = "modes"
    LOCK = "lock"
    JOURNAL = "journal"
    LEFTOVERS = "leftovers"
    RECORDS = "records"
    FILES = "files"
    SUPERVISOR = "supervisor"
    SERVICES = "services"
    CLOCK = "clock"
    DISK = "disk"
    FORGE = "forge"


class Grade(Enum):
    """WRONG wants to be mended. ODD is worth knowing; the machine does its work."""

    WRONG = "wrong"
    ODD = "odd"


class Remedy(Enum):
    """What `doctor --fix` does: finish what was interrupted (which cleans up too), set a mode, or nothing."""

    NONE = "none"
    RECOVER = "recover"
    MODE = "mode"


@frozen(kw_only=True)
class Symptom:
    """One thing that is not as it should be. `subject` is a path or a name, `next_step` what a person does about it.

    `mode` is the one that a `Remedy.MODE` sets.
    """

    check: Check
    grade: Grade
    subject: str
    told: str
    next_step: str = ""
    remedy: Remedy = Remedy.NONE
    mode: int = 0


class Keeping(Enum):
    """Who may do what with a path. PRIVATE: its owner alone. PROGRAM: all may run it. OPEN: all may read it."""

    PRIVATE = "private"
    PROGRAM = "program"
    OPEN = "open"


@frozen(kw_only=True)
class Spot:
    """One path of the machine as the disk has it. `mode` is its permission bits, `keeping` what they should be like."""

    path: str
    keeping: Keeping
    mode: int
    uid: int
    folder: bool = False


@frozen(kw_only=True)
class Space:
    """What is left on the root's file system, in bytes; files are inodes, 0 of 0 where it does not count them."""

    free: int
    size: int
    files_free: int = 0
    files: int = 0


@frozen(kw_only=True)
class LockFact:
    """Whom the lock names, and whether that process lives."""

    process: ProcessId
    command: str
    since: str
    alive: bool


@frozen(kw_only=True)
class Registered:
    """A service that the supervisor holds. `app` is the installed app that declares it, empty for none; `external` says
    that the definition is somebody else's.
    """

    name: str
    app: str
    command: tuple[str, ...] = ()
    external: bool = False
