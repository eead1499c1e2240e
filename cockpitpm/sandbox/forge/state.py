"""Everything the sandbox forge knows: repositories, tokens, faults, and what it was asked."""

from __future__ import annotations

import itertools
import threading
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from attrs import Factory, define, frozen

from cockpitpm.sandbox.forge.fault import Fault
from cockpitpm.sandbox.forge.repository import Repository

READ = "read:repository"
WRITE = "write:repository"
BOTH: Final = frozenset({READ, WRITE})


@frozen(kw_only=True)
class Token:
    """Whose token it is and what it may do. A token that is not in the state is a revoked one."""

    user: str
    scopes: frozenset[str] = BOTH
    public_only: bool = False


@define(kw_only=True)
class RequestRecord:
    """One request. `credentials`: whether it carried any; `user`: whose they are; `bytes` of the body sent so far."""

    method: str
    path: str
    credentials: bool
    user: str | None
    agent: str
    status: int = 0
    bytes: int = 0

    @property
    def authenticated(self) -> bool:
        """Whether its credentials were good."""
        return self.user is not None


def _utc_now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


@define(kw_only=True)
class ForgeState:
    """The state of one forge. `clock` gives aware times, of which whole seconds are used.

    `gitea` answers as Gitea does where it differs: drafts are 404, uploads have no type. `digests` tells the `sha256`
    of uploads, as none does yet; `ignores_not` lists commits as a server from before 2023. `require_signin` closes the
    forge to anonymous readers. Take `lock` for a change of several steps that requests must not see in part.
    `mishaps` are mistakes of the sandbox itself: a test can look that there are none.
    """

    clock: Callable[[], datetime] = _utc_now
    gitea: bool = False
    digests: bool = False
    ignores_not: bool = False
    require_signin: bool = False
    repositories: dict[str, Repository] = Factory(dict)
    renames: dict[str, str] = Factory(dict)
    tokens: dict[str, Token] = Factory(dict)
    faults: list[Fault] = Factory(list)
    requests: deque[RequestRecord] = Factory(lambda: deque(maxlen=100_000))
    mishaps: list[BaseException] = Factory(list)
    lock: threading.RLock = Factory(threading.RLock)
    _ids: itertools.count[int] = Factory(lambda: itertools.count(1))

    def now(self) -> datetime:
        """The forge's time, in whole seconds: ties are real."""
        return self.clock().replace(microsecond=0)

    def repo(self, full_name: str, *, private: bool = False) -> Repository:
        """The repository `owner/name`, made if it is new."""
        known = self.repositories.get(full_name.lower())
        if known is None:
            owner, name = full_name.split("/")
            known = Repository(owner=owner, name=name, now=self.now, next_id=lambda: next(self._ids), private=private)
            self.repositories[full_name.lower()] = known
        return known

    def rename(self, old: str, new: str) -> None:
        """Rename a repository; the old name answers with a redirect."""
        with self.lock:
            found = self.repositories.pop(old.lower())
            found.owner, found.name = new.split("/")
            self.repositories[new.lower()] = found
            self.renames[old.lower()] = new

    def token(
        self, value: str, user: str = "", *, public_only: bool = False, scopes: frozenset[str] | None = None
    ) -> str:
        """Make a token known and return it. Without a user it belongs to `ci`, who may read and write everything."""
        self.tokens[value] = Token(
            user=user or "ci", public_only=public_only, scopes=frozenset({READ, WRITE}) if scopes is None else scopes
        )
        return value

    def fault(self, path: str) -> Fault | None:
        """The fault that this request meets."""
        with self.lock:
            return next((f for f in self.faults if f.applies(path)), None)

    def count(self, path: str = "") -> int:
        """How many requests had `path` in theirs."""
        return sum(path in r.path for r in list(self.requests))
