"""Sessions and form tokens. Nothing is kept in memory: a cookie carries its own seal, so it survives a restart."""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import shlex
import stat
from collections.abc import Callable
from pathlib import Path
from threading import Lock

from attrs import frozen

from cockpitpm import beneath
from cockpitpm.errors import MachineError, StoreError

LASTS = 12 * 3600
"""Seconds after which one signs in again."""
SHORTEST = 16
"""Characters of a token that somebody chose."""
_COOKIE = re.compile(r"([A-Za-z0-9_-]{8,64})\.([0-9]{1,12})\.([0-9a-f]{64})")


@frozen
class Session:
    """One browser. `until` is seconds since 1970."""

    id: str
    until: int


class Sessions:
    """Makes and reads session cookies and the tokens of forms. `now` gives seconds since 1970."""

    def __init__(self, key: bytes, tokens: Callable[[], str], now: Callable[[], float]) -> None:
        self._key = key
        self._tokens = tokens
        self._now = now
        # Two machines behind one host name share its cookies, whatever the port: each has a name of its own.
        self.name = f"cockpit_{self._seal('name')[:8]}"

    def fresh(self) -> Session:
        """A new session."""
        return Session(self._tokens(), int(self._now()) + LASTS)

    def cookie(self, session: Session, realm: str) -> str:
        """The value that proves a session; the realm is what it was given for, such as the token of a listener."""
        return f"{session.id}.{session.until}.{self._seal('session', realm, session.id, str(session.until))}"

    def read(self, value: str, realm: str) -> Session | None:
        """The session of a cookie, ended or not; None for one that we did not make."""
        found = _COOKIE.fullmatch(value)
        if not found:
            return None
        session = Session(found[1], int(found[2]))
        return session if hmac.compare_digest(self.cookie(session, realm), value) else None

    def lasts(self, session: Session) -> bool:
        """Whether it has not ended."""
        return self._now() < session.until

    def form_token(self, session: Session, actor: str) -> str:
        """What a form of this session carries. Nobody else's form has it, even with a cookie that was planted."""
        return self._seal("form", session.id, actor)

    def _seal(self, *words: str) -> str:
        # Each word with its length: no two lists of words give one text.
        text = "".join(f"{len(word)}:{word}" for word in words)
        return hmac.new(self._key, text.encode(), hashlib.sha256).hexdigest()


class Once:
    """Words that open the door one time each."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._left: set[str] = set()

    def give(self, word: str) -> str:
        """Let the word count once."""
        with self._lock:
            self._left.add(_digest(word))
        return word

    def take(self, word: str) -> bool:
        """Whether it counted; from now on it does not."""
        with self._lock:
            counted = _digest(word) in self._left
            self._left.discard(_digest(word))
            return counted


def _digest(word: str) -> str:
    """Of the words only digests are compared, so how long it takes tells nothing about them."""
    return hashlib.sha256(word.encode(errors="surrogateescape")).hexdigest()


def same(token: str, other: str) -> bool:
    """Whether two tokens are one."""
    return hmac.compare_digest(_digest(token), _digest(other))


def key_of(path: Path, make: Callable[[], bytes] = lambda: os.urandom(32)) -> bytes:
    """The key that seals cookies, shared by every server of the machine; made when first needed, 0600.

    Raises StoreError for a file that others may read, or that is none of ours.
    """
    hint = "Delete it; every browser signs in again"
    text = _kept(path, lambda: make().hex(), hint)
    if not re.fullmatch(r"[0-9a-f]{64}", text):
        raise StoreError(f"{path} does not hold a key", hint)
    return bytes.fromhex(text)


def token_of(path: Path, make: Callable[[], str]) -> str:
    """The token in a file, made when there is none. Raises StoreError like `key_of`, MachineError for a short one."""
    # It need not lie below the root, so the way to it is its owner's; the file itself is no link.
    real = Path(beneath.resolved(path.parent), path.name)
    token = _kept(real, make, f"Make it yours alone: chmod 600 {shlex.quote(str(path))}")
    if len(token) < SHORTEST or not token.isascii() or not token.isprintable() or " " in token:
        hint = f"At least {SHORTEST} printable characters without a space; delete {path} and one is made"
        raise MachineError(f"The token in {path} cannot be used", hint)
    return token


def _kept(path: Path, make: Callable[[], str], hint: str) -> str:
    try:
        if beneath.seen(path) is None:
            _put(path, make())
        handle = beneath.open_file(path, os.O_RDONLY | os.O_NONBLOCK)
        try:
            found = os.fstat(handle)
            mine = stat.S_ISREG(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o077
            text = os.read(handle, 4096).decode("ascii").strip()
        finally:
            os.close(handle)
    except OSError as error:
        raise StoreError(f"Cannot read {path}: {error.strerror}", "Run it as the owner of the root") from error
    except UnicodeDecodeError as error:
        raise StoreError(f"{path} is not text", hint) from error
    if not mine:
        raise StoreError(f"{path} is not a file of ours alone", hint)
    return text


def _put(path: Path, text: str) -> None:
    """Two processes may start at once: the first link wins, and both read the same file."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    handle = beneath.open_file(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    try:
        os.fchmod(handle, 0o600)  # one that a dead process left may be anybody's
        os.write(handle, text.encode())
        os.fsync(handle)
    finally:
        os.close(handle)
    try:
        beneath.make_twin(path, of=fresh)
    except FileExistsError:
        return
    finally:
        beneath.unlink(fresh)
