"""The token of one forge, and where it may go: to the origin of the API, and nowhere else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urljoin, urlsplit

from cockpitpm.errors import MachineError
from cockpitpm.forges import words

if TYPE_CHECKING:
    from cockpitpm.forges.reach import Reach, Resolve

Warn = Callable[[str], None]
"""Takes one line about something odd that was not an obstacle. It may be called from several threads."""

STORE = "Store a token for this forge; `cockpitpm secret --help` tells how"
"""The way out wherever a forge wants to know who asks."""
_PORTS = {"http": 80, "https": 443}


def origin(url: str) -> tuple[str, str, int]:
    """Scheme, host and port. Raises ValueError for what is no http(s) address, or carries a user name."""
    parts = urlsplit(url)
    port = parts.port or _PORTS.get(parts.scheme, 0)
    if not port or not parts.hostname or "@" in parts.netloc or not _clean(url):
        raise ValueError(f"{words.address(url)} is not an http or https address")
    return parts.scheme, parts.hostname, port


def _clean(url: str) -> bool:
    return url.isascii() and url.isprintable() and " " not in url and "\\" not in url and len(url) <= 4096


def joined(url: str, location: str) -> str:
    """The address that a redirect from `url` leads to; what is no address stays as it is, for `origin` to refuse."""
    try:
        return urljoin(url, location)
    except ValueError:
        return location


def base_of(name: str, url: str) -> SplitResult:
    """The forge's address as `machine.yaml` has it. Raises MachineError."""
    try:
        origin(url)
    except ValueError:
        shown = words.address(url)
        raise MachineError(f"forge {name}: {shown} is not an http or https address", "Correct its url") from None
    return urlsplit(url.rstrip("/"))


def _inward(host: str) -> bool:
    from cockpitpm.forges.reach import inward

    return inward(host)


class Access:
    """What to say in the Authorization header, the `origin` of the API, and the places that may be asked (`reach`).

    Shared by threads; the only thing that ever changes is that the token becomes refused.
    """

    def __init__(
        self,
        name: str,
        base: SplitResult,
        token: str | None,
        warn: Warn,
        storage: Sequence[str] = (),
        resolve: Resolve | None = None,
    ) -> None:
        if token and not (token.isascii() and token.isprintable() and " " not in token):
            raise MachineError(f"forge {name}: the token has characters that no token has", "Store it again")
        self._name = name
        self.origin = origin(base.geturl())
        self._storage, self._resolve = storage, resolve
        self._token = token or None
        self._warn = warn
        self.refused = False
        if token and self.origin[0] == "http" and not _inward(self.origin[1]):
            warn(f"forge {name} has an http address, so its token can be read on the way. Use https")

    @cached_property
    def reach(self) -> Reach:
        """The places that may be asked."""
        from cockpitpm.forges.reach import Reach, look_up  # a verb that only looks at this machine needs no addresses

        return Reach(self.origin, self._storage, self._resolve or look_up)

    @property
    def token(self) -> str | None:
        """The token, None if there is none or the forge has refused it."""
        return None if self.refused else self._token

    def header(self, url: str) -> dict[str, str]:
        """The header for a request to `url`; empty for any other origin."""
        return {"Authorization": f"token {self.token}"} if self.token and origin(url) == self.origin else {}

    def refuse(self) -> None:
        """The forge answered 401 to the token: go on without it, and say so once.

        A revoked token breaks reading even what is public, so one stale secret would stop every upgrade.
        """
        if not self.refused:
            self.refused = True
            self._warn(f"forge {self._name} refused the stored token; going on without it. Store a valid one")
