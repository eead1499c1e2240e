"""What the sandbox forge can be told to do wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from attrs import Factory, define

SIGN_IN_PAGE = b"<!DOCTYPE html><html><head><title>Sign In</title></head><body><form></form></body></html>\n"


@define(kw_only=True)
class Fault:
    """A rule for requests whose path contains `path`; the first rule of the list that applies is used.

    It applies `times` times (None: always), after letting `skip` requests pass. What is set happens together:

    - `before`: call this before the answer is made, such as the next step of a publisher; alone it changes no answer
    - `during`: call this when the first piece of the body is out, such as a publisher who replaces it meanwhile
    - `status`: answer that with an error body; `headers`: add or replace these, whatever is answered
    - `body`: answer 200 with these bytes instead; `html`: with a sign-in page
    - `delay`: wait so many seconds before the first byte; `header_trickle`: so many between two bytes of the headers
    - `truncate`: close after so many bytes of the body, whatever was announced; `surplus`: send so many zeros more
    - `trickle`: wait so many seconds after each `trickle_bytes` of the body
    - `gzip`: compress the body; `chunked`: announce no length; `reset`: reset the connection (before any byte, or after
      `truncate` bytes)
    - `raw`: send these bytes instead of any answer, and close
    """

    path: str
    times: int | None = None
    skip: int = 0
    before: Callable[[], object] | None = None
    during: Callable[[], object] | None = None
    status: int | None = None
    headers: Mapping[str, str] = Factory(dict)
    body: bytes | None = None
    html: bool = False
    delay: float = 0.0
    header_trickle: float = 0.0
    truncate: int | None = None
    surplus: int = 0
    trickle: float = 0.0
    trickle_bytes: int = 1
    gzip: bool = False
    chunked: bool = False
    reset: bool = False
    raw: bytes | None = None

    def applies(self, path: str) -> bool:
        """Whether this request meets it; counts it if so."""
        if self.path not in path or self.times == 0:
            return False
        if self.skip:
            self.skip -= 1
            return False
        if self.times is not None:
            self.times -= 1
        return True
