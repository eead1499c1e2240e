"""Who may ask what: one pure decision over the facts of a request. A refusal names its reason and the way out."""

from __future__ import annotations

import re
from enum import Enum

from attrs import frozen

METHODS = ("GET", "HEAD", "POST")
RPC = "/rpc"
EVENTS = "/events"
SESSION = "/session"
"""Where one signs in: open to whoever has no session yet."""

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
OWN = ("none", "same-origin")
DRESS = re.compile(r"/static/[a-z]+\.[0-9a-f]{12}\.(?:css|svg)")
"""What the page where one signs in looks with: open as that page is, and the same on every machine of this build."""
_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::[0-9]{1,5})?")
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})


class Proof(Enum):
    """How a request shows who sends it. OWNER: the kernel says that it is us, or root. SESSION: a cookie of ours."""

    OWNER = "owner"
    OTHER_USER = "other_user"
    TOKEN = "token"
    SESSION = "session"
    EXPIRED = "expired"
    WRONG = "wrong"
    NONE = "none"


PROVEN = frozenset({Proof.OWNER, Proof.TOKEN, Proof.SESSION})


@frozen(kw_only=True)
class Names:
    """The hosts under which a listener is known, in small letters, with their port where it belongs to the name.

    `loopback`: this machine's own names with any port, for a unix socket that a proxy of this machine leads to.
    """

    exact: frozenset[str] = frozenset()
    loopback: bool = False

    def know(self, host: str) -> bool:
        """Whether a request for this host means us. A name that is given without a port is known with any."""
        found = _HOST.fullmatch(host.lower())
        if not found:
            return False
        return found[0] in self.exact or found[1] in self.exact or (self.loopback and found[1] in _LOOPBACK)


@frozen(kw_only=True)
class Asked:
    """The facts of one request. A header that stands there twice is a tuple of two; one that is missing is empty."""

    method: str
    path: str
    host: tuple[str, ...]
    proof: Proof
    origin: tuple[str, ...] = ()
    site: tuple[str, ...] = ()
    mode: tuple[str, ...] = ()
    dest: tuple[str, ...] = ()
    content_type: tuple[str, ...] = ()


@frozen(kw_only=True)
class Refusal:
    """Why a request is not passed on. `code` is a word for programs, `said` and `hint` are for people."""

    status: int
    code: str
    said: str
    hint: str = ""


def allowed(asked: Asked, names: Names) -> Refusal | None:
    """None if the request may pass. The order of the checks tells a stranger as little as possible."""
    return (
        _method(asked) or _host(asked, names) or _origin(asked) or _site(asked) or _proof(asked) or _content_type(asked)
    )


def _method(asked: Asked) -> Refusal | None:
    if asked.method in METHODS:
        return None
    return Refusal(status=405, code="method", said="This method is not answered here", hint="Use GET or POST")


def _host(asked: Asked, names: Names) -> Refusal | None:
    if len(asked.host) == 1 and names.know(asked.host[0]):
        return None
    hint = "Ask under a name that this machine knows, or add it with `cockpitpm serve --host NAME`"
    return Refusal(status=421, code="host", said="The request is for a host that is not this one", hint=hint)


def _origin(asked: Asked) -> Refusal | None:
    """A page of another origin may not ask at all, whatever it asks. `null` is some page that hides its origin."""
    own = {(f"{scheme}://{asked.host[0].lower()}",) for scheme in ("http", "https")}
    if not asked.origin or asked.origin in own:
        return None
    return Refusal(status=403, code="origin", said="Another site's page asked this", hint="Open the page itself")


def _site(asked: Asked) -> Refusal | None:
    if not asked.site or (len(asked.site) == 1 and asked.site[0] in OWN):
        return None
    navigates = asked.mode == ("navigate",) and asked.dest == ("document",)
    reads = asked.method != "POST" and asked.path not in (RPC, EVENTS)
    if reads and navigates and asked.site in {("cross-site",), ("same-site",)}:
        return None
    return Refusal(status=403, code="site", said="Another site asked this", hint="Open the page itself")


def _proof(asked: Asked) -> Refusal | None:
    if asked.proof is Proof.OTHER_USER:
        hint = "Ask as the owner of the machine"
        return Refusal(status=403, code="user", said="This socket belongs to another user", hint=hint)
    if asked.proof in PROVEN or asked.path == SESSION or DRESS.fullmatch(asked.path):
        return None
    if asked.proof is Proof.EXPIRED:
        return Refusal(status=401, code="expired", said="Your session ended", hint="Sign in again; jobs go on")
    if asked.proof is Proof.WRONG:
        return Refusal(status=401, code="token", said="The token is not this server's", hint="Read it where it started")
    hint = "Send the token that the server printed when it started: `Authorization: Bearer …`"
    return Refusal(status=401, code="token", said="This needs a token", hint=hint)


def _content_type(asked: Asked) -> Refusal | None:
    if asked.method != "POST":
        return None
    wanted = JSON if asked.path == RPC else FORM
    if len(asked.content_type) == 1 and asked.content_type[0].partition(";")[0].strip().lower() == wanted:
        return None
    said = "The body is not of the type that is read here"
    return Refusal(status=415, code="content_type", said=said, hint=f"Send it as {wanted}")
