"""Requests to one forge: one pool for all threads, retries for what passes by itself, foreign errors wrapped here.

Redirects, encodings and bodies are the caller's; urllib3 would follow https to http and pass custom headers on.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from http.client import IncompleteRead, RemoteDisconnected
from socket import EAI_NONAME, gaierror
from ssl import SSLCertVerificationError, SSLError
from typing import Final
from urllib.parse import urlsplit

import urllib3
from urllib3 import exceptions as foreign
from urllib3.response import BaseHTTPResponse

from cockpitpm import __version__
from cockpitpm.errors import ForgeError, ForgeUnreachable
from cockpitpm.forges import words
from cockpitpm.forges.outage import NoConnection
from cockpitpm.forges.patience import Deadline, Patience
from cockpitpm.forges.reach import Reach
from cockpitpm.forges.watch import Watch, current, pool_manager

AGENT: Final = f"cockpitpm/{__version__}"
PIECE: Final = 256 * 1024
_BUSY: Final = frozenset({429, 502, 503, 504})
_FAULTS: Final = (foreign.HTTPError, OSError)


class Torn(ForgeUnreachable):
    """The connection broke in the middle of a body, in a way that passes by itself."""


class Cut(Torn):
    """The body ended before its announced end."""


class Wire:
    """Sends GET requests, to where `reach` allows. Safe for several threads at once."""

    def __init__(self, patience: Patience, connections: int = 8, reach: Reach | None = None) -> None:
        self.patience = patience
        self._reach = reach
        self._pool = pool_manager(connections)

    @contextmanager
    def get(self, url: str, headers: dict[str, str], deadline: Deadline) -> Iterator[BaseHTTPResponse]:
        """The response to one GET, its body unread, whatever its status but 429, 502, 503 and 504.

        Those and lost connections are tried again. Raises ForgeUnreachable, or ForgeError for an answer whose length
        can be read in two ways.
        """
        with Watch(deadline.left, self._reach) as watch:
            response = self._insist(url, headers, deadline, watch)
            try:
                _framed(response, url, deadline)
                yield response
            finally:
                # A connection whose body was not read to its end must not serve the next request.
                if response.length_remaining != 0:
                    response.close()
                else:
                    # Nothing is left, but one without a body still holds the connection until somebody reads that.
                    response.drain_conn()
                response.release_conn()

    def _insist(self, url: str, headers: dict[str, str], deadline: Deadline, watch: Watch) -> BaseHTTPResponse:
        attempt = 1
        while True:
            deadline.check()
            last = attempt >= self.patience.attempts
            watch.within(self.patience.answer_within, f"no whole answer came within {self.patience.answer_within:g} s")
            try:
                response = self._send(url, headers, deadline)
            except _FAULTS as error:
                if last or deadline.left <= 0 or watch.late or not passes(error):
                    raise wrapped(error, url, deadline) from error
                asked = None
            else:
                if response.status not in _BUSY:
                    watch.within(math.inf)
                    return response
                asked = _retry_after(response.headers)
                response.close()
                response.release_conn()
                if last:
                    told = f"{deadline.who}: answers {response.status}"
                    raise ForgeUnreachable(told, "Try again later", max(asked or 0.0, 0.0))
            watch.let_go()
            deadline.rest(attempt, asked)
            attempt += 1

    def _send(self, url: str, headers: dict[str, str], deadline: Deadline) -> BaseHTTPResponse:
        left = max(deadline.left, 0.001)
        return self._pool.request(
            "GET",
            url,
            headers={"User-Agent": AGENT, "Accept-Encoding": "identity", **headers},
            timeout=urllib3.Timeout(connect=min(self.patience.connect, left), read=min(self.patience.silence, left)),
            redirect=False,
            retries=False,
            preload_content=False,
            decode_content=False,
        )


def pieces(response: BaseHTTPResponse, url: str, deadline: Deadline) -> Iterator[bytes]:
    """The body as it comes, undecoded, in pieces of at most 256 KiB. Raises ForgeUnreachable."""
    watch, window = current(), deadline.patience.window
    while True:
        deadline.check()
        try:
            if watch:
                watch.within(window, f"nothing of it came for {window:g} s")
            # read1 returns what is there; read would wait for the whole piece, and a trickle would never time out.
            piece = response.read1(PIECE, decode_content=False)
        except _FAULTS as error:
            raise wrapped(error, url, deadline) from error
        finally:
            if watch:
                watch.within(math.inf)
        if not piece:
            if watch and watch.late:
                raise _late(urlsplit(url).netloc, deadline, watch)
            return
        yield piece


def _framed(response: BaseHTTPResponse, url: str, deadline: Deadline) -> None:
    """Refuse an answer of which two readers would take different bytes for the body."""
    lengths, coding = response.headers.getlist("Content-Length"), response.headers.get("Transfer-Encoding")
    told = ""
    if len(lengths) > 1 or any("," in one for one in lengths):
        told = "two lengths"
    elif coding is not None and lengths:
        told = "a length and chunks"
    elif coding is not None and coding.lower() != "chunked":
        told = f"Transfer-Encoding {words.plain(coding, 30)}"
    if told:
        host = urlsplit(url).netloc
        raise ForgeError(f"{deadline.who}: the answer has {told}", f"Check what stands in front of {host}")


def _late(host: str, deadline: Deadline, watch: Watch) -> ForgeUnreachable:
    if deadline.left <= 0:
        return ForgeUnreachable(f"{deadline.who}: not finished within {deadline.allowed:g} s", f"Is {host} overloaded?")
    return ForgeUnreachable(f"{deadline.who}: {host} is too slow: {watch.late}", "Try again later")


def wrapped(error: Exception, url: str, deadline: Deadline) -> ForgeError:
    """What a foreign error means, in our words."""
    host, watch = urlsplit(url).netloc, current()
    if isinstance(error, foreign.NewConnectionError | foreign.ConnectTimeoutError):
        return NoConnection(f"{deadline.who}: no connection to {host}", f"Is {host} up, and its name right?")
    if deadline.left <= 0:
        return ForgeUnreachable(f"{deadline.who}: not finished within {deadline.allowed:g} s", f"Is {host} overloaded?")
    if watch and watch.late:
        return _late(host, deadline, watch)
    if isinstance(error, foreign.SSLError):
        return _insecure(error, host, deadline)
    if isinstance(error, foreign.TimeoutError):
        return Torn(f"{deadline.who}: {host} fell silent", "Try again later")
    reason, hint = _reason(error, host)
    kind = Cut if _is_cut(error) else Torn if passes(error) else ForgeUnreachable
    return kind(f"{deadline.who}: the connection to {host} broke: {reason}", hint)


def _insecure(error: Exception, host: str, deadline: Deadline) -> ForgeUnreachable:
    inner = next((part for part in error.args if isinstance(part, SSLError)), None)
    if isinstance(inner, SSLCertVerificationError):
        why = words.plain(inner.verify_message, 80).rstrip(".")
        return ForgeUnreachable(f"{deadline.who}: no trust in {host}: {why}", f"Check the certificate of {host}")
    why = words.plain((inner and inner.reason) or "no reason told", 80).lower().replace("_", " ")
    return ForgeUnreachable(f"{deadline.who}: no TLS with {host}: {why}", f"Does {host} speak https?")


def _reason(error: Exception, host: str) -> tuple[str, str]:
    """Why a connection broke and the way out; the foreign text would be the insides of a program."""
    parts = (error, *error.args)
    if _is_cut(error):
        return "it ended in the middle of an answer", "Try again later"
    if any(isinstance(part, RemoteDisconnected) for part in parts):
        return "it was closed without an answer", "Try again later"
    told = next((part.strerror for part in parts if isinstance(part, OSError) and part.strerror), "")
    return (words.plain(told, 80), "Try again later") if told else ("the answer is not HTTP", f"Is {host} a forge?")


def _is_cut(error: Exception) -> bool:
    """Whether the peer closed in the middle of a body; a chunked one arrives wrapped."""
    return isinstance(error, IncompleteRead) or any(isinstance(part, IncompleteRead) for part in error.args)


def passes(error: Exception) -> bool:
    """Whether trying again makes sense: a connection that was lost, refused or silent. A GET changes nothing.

    What is no HTTP, no trust or no name stays so.
    """
    if isinstance(error, foreign.NameResolutionError):
        cause = error.__cause__
        return not (isinstance(cause, gaierror) and cause.errno == EAI_NONAME)
    if isinstance(error, foreign.ProtocolError):
        return any(isinstance(part, OSError) for part in error.args)
    return isinstance(error, foreign.TimeoutError | foreign.NewConnectionError)


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """The seconds that the forge asks for: a number, or a date, which is compared with the forge's own clock."""
    value = headers.get("Retry-After", "")
    if value.isascii() and value.isdecimal() and len(value) < 9:
        return float(value)
    try:
        return (parsedate_to_datetime(value) - parsedate_to_datetime(headers.get("Date", ""))).total_seconds()
    except (ValueError, TypeError):
        return None
