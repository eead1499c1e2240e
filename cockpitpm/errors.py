"""The errors of cockpitpm and the exit codes they end in.

Every error names the thing, the reason and the way out. The first two are the message, the last is the hint;
both are one line. A refusal is not an error but a value of the plan (`cockpitpm.model.plan.Refused`).
"""

from __future__ import annotations

from enum import IntEnum
from typing import ClassVar


class ExitCode(IntEnum):
    """What the process tells its caller; documented in the README, so a number never changes its meaning."""

    DONE = 0
    BUG = 1
    USAGE = 2
    BUNDLE = 3
    MACHINE = 4
    PLAN = 5
    FORGE = 6
    SUPERVISOR = 7
    PROBE = 8
    STORE = 9
    TRANSACTION = 10
    ROLLED_BACK = 20
    REFUSED = 21
    DRIFT = 22
    LOCKED = 23
    CHANGES_PENDING = 24


class CockpitPmError(Exception):
    """A request that could not be carried out; the machine is as it was unless the message says otherwise."""

    exit_code: ClassVar[ExitCode] = ExitCode.BUG

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}. {self.hint}" if self.hint else self.message


class UsageError(CockpitPmError):
    """The words of the request make no sense together."""

    exit_code = ExitCode.USAGE


class BundleError(CockpitPmError):
    """A bundle, or a set of bundles, that cannot be used."""

    exit_code = ExitCode.BUNDLE


class MachineError(CockpitPmError):
    """The root, its settings or its owner are not as they must be."""

    exit_code = ExitCode.MACHINE


class PlanError(CockpitPmError):
    """A request that cannot be planned at all: an unknown name, an app that is not installed."""

    exit_code = ExitCode.PLAN


class UnknownName(PlanError):
    """A name that this machine's catalog does not hold and that is not installed either."""


class UnknownJob(PlanError):
    """A number that is no job of this machine, or of one that was forgotten."""


class ForgeError(CockpitPmError):
    """The forge did not give what was asked; see the subclasses for what can be told apart."""

    exit_code = ExitCode.FORGE


class ForgeUnreachable(ForgeError):
    """No answer, or none that can be read, within the time allowed.

    `wait` is for how many seconds the forge asked not to be asked again, 0 if it did not.
    """

    def __init__(self, message: str, hint: str = "", wait: float = 0.0) -> None:
        super().__init__(message, hint)
        self.wait = wait


class ReleaseNotFound(ForgeError):
    """The forge answered that there is no such repository, tag or release (or none this token may see)."""


class ReleaseNotReady(ForgeError):
    """A release that exists but is not published yet (draft, or in the middle of an upload)."""


class ForgeDenied(ForgeError):
    """The forge refused the token, or asks for one."""


class AssetBroken(ForgeError):
    """The bytes that arrived are not the bytes that were announced."""


class SupervisorError(CockpitPmError):
    """The supervisor is down, or answered something that is not an answer."""

    exit_code = ExitCode.SUPERVISOR


class ProbeError(CockpitPmError):
    """A service did not give the answer that its probe expects."""

    exit_code = ExitCode.PROBE


class StoreError(CockpitPmError):
    """The disk refused, or holds something that is not what was written."""

    exit_code = ExitCode.STORE


class TransactionError(CockpitPmError):
    """A transaction could be finished neither forward nor back; its journal is kept."""

    exit_code = ExitCode.TRANSACTION


class LockedError(CockpitPmError):
    """Another process is changing this machine."""

    exit_code = ExitCode.LOCKED
