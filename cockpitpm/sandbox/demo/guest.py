"""A guest of a machine: whoever stands outside and has the token of its router, a browser or a program."""

from __future__ import annotations

import http.client
import itertools
import json
import subprocess
import sys
import time
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import urldefrag, urljoin, urlsplit

from attrs import field, frozen

from cockpitpm.sandbox.demo.stage import Untrue, environment

COCKPIT = "/hero_cockpit/rpc"
PATIENCE = 10.0  # seconds for one answer
JOB_WITHIN = 120.0  # seconds for one job
STARTS_WITHIN = 20.0  # seconds for a router
HOPS = 5
ENDED = ("done", "rolled_back", "refused", "failed", "cancelled", "unknown")
AWAY = (OSError, http.client.HTTPException)
"""What it looks like when nobody answers."""


@frozen(kw_only=True)
class Page:
    """An answer. `path` is where it came from in the end, after all redirections."""

    path: str
    status: int
    body: bytes

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode("utf-8", "replace")

    @property
    def links(self) -> dict[str, str]:
        """The path that each link leads to, by its words; the first of equal words counts."""
        return dict(reversed(self._hrefs()))

    @property
    def paths(self) -> tuple[str, ...]:
        """Every path that a link leads to, once."""
        return tuple(dict.fromkeys(path for _, path in self._hrefs()))

    def _hrefs(self) -> list[tuple[str, str]]:
        reader = _Links()
        reader.feed(self.text)
        found = [(words, urljoin(self.path, urldefrag(href).url)) for words, href in reader.found]
        return [(words, path) for words, path in found if not urlsplit(path).netloc]


class _Links(HTMLParser):
    """Collects `(words, href)` of every `<a>`."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, str]] = []
        self._href: str | None = None
        self._words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self._href, self._words = dict(attrs).get("href"), []

    def handle_data(self, data: str) -> None:
        self._words.append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag == "a" and self._href is not None:
            self.found.append((" ".join("".join(self._words).split()), self._href))
            self._href = None


class Declined(Exception):
    """A JSON-RPC error: its code and what it says."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(f"{message} ({code})")
        self.code = code


@frozen
class Guest:
    """Talks to one machine through its router, as one guest: what a page gives as a cookie is kept."""

    url: str
    token: str = field(repr=False)
    _cookies: dict[str, str] = field(factory=dict, init=False, repr=False)
    _ids: Any = field(factory=lambda: itertools.count(1), init=False, repr=False)

    def link(self, path: str) -> str:
        """The address that lets a browser in."""
        return f"{self.url}{path}?token={self.token}"

    def page(self, path: str) -> Page:
        """What a browser shows for a path, redirections followed."""
        for _ in range(HOPS):
            status, body, leads = self._ask("GET", path)
            if not leads:
                return Page(path=path, status=status, body=body)
            path = urljoin(path, leads)
        raise Untrue(f"{path} leads from one place to the next, {HOPS} times")

    def rpc(self, path: str, method: str, **params: Any) -> Any:
        """The result of a JSON-RPC method of the service whose socket the path leads to. Raises Declined."""
        question = {"jsonrpc": "2.0", "id": next(self._ids), "method": method}
        status, body, _ = self._ask("POST", path, json.dumps(question | ({"params": params} if params else {})))
        try:
            answer = json.loads(body)
        except ValueError as error:
            raise Untrue(f"{path} answered {status}: {body[:120].decode('utf-8', 'replace')}") from error
        if "error" in answer or "result" not in answer:
            told = answer.get("error")
            code, message = (told.get("code", 0), told["message"]) if isinstance(told, dict) else (status, told)
            raise Declined(code, str(message))
        return answer["result"]

    def cockpit(self, method: str, **params: Any) -> Any:
        """The result of a method of Cockpit."""
        return self.rpc(COCKPIT, f"cockpit.{method}", **params)

    def ended(self, number: int) -> dict[str, Any]:
        """A job when it has ended. Cockpit may be away for a while: the job may be about Cockpit itself."""
        deadline = time.monotonic() + JOB_WITHIN
        while True:
            try:
                job: dict[str, Any] = self.cockpit("job", id=number)
                if job["state"] in ENDED:
                    return job
            except (*AWAY, Untrue, Declined):
                if time.monotonic() > deadline:
                    raise
            if time.monotonic() > deadline:
                raise Untrue(f"job {number} goes on for more than {JOB_WITHIN:.0f} s")
            time.sleep(0.2)

    def _ask(self, method: str, path: str, body: str | None = None) -> tuple[int, bytes, str]:
        """Status, body, and where a redirection leads."""
        place = urlsplit(self.url)
        connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=PATIENCE)
        headers = {"Authorization": f"Bearer {self.token}", "Connection": "close"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        if self._cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            for line in answer.headers.get_all("Set-Cookie", []):
                name, _, value = line.partition(";")[0].partition("=")
                self._cookies[name.strip()] = value.strip()
            leads = answer.headers.get("Location", "") if answer.status in (301, 302, 303, 307, 308) else ""
            return answer.status, answer.read(), leads
        finally:
            connection.close()


def open_router(machine: Path, demo: Path) -> Guest:
    """Start the router of a machine, on a free port with a token of its own; it lives as long as the demo's folder.

    Raises Untrue if it does not come up.
    """
    said, wrong = demo / f"{machine.name}.router", demo / f"{machine.name}.router.log"
    command = [sys.executable, "-m", "cockpitpm", "router", "serve", "--port", "0", "--json", "--root", str(machine)]
    with said.open("wb") as output, wrong.open("wb") as log:
        started = subprocess.Popen(
            command,
            env=environment(machine, demo),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=log,
            start_new_session=True,
        )
    # The world outside ends it, but we are its parent: somebody must take its exit status.
    Thread(target=started.wait, daemon=True, name=f"router of {machine.name}").start()
    told = _until(lambda: _json(said.read_text(encoding="utf-8", errors="replace")), STARTS_WITHIN)
    if told is None:
        raise Untrue(f"the router of {machine} did not come up: {wrong.read_text(errors='replace')[-200:]}")
    return Guest(told["url"], str(told["link"]).rpartition("token=")[2])


def _json(text: str) -> Any | None:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _until(look: Callable[[], Any | None], within: float) -> Any | None:
    deadline = time.monotonic() + within
    while (found := look()) is None and time.monotonic() < deadline:
        time.sleep(0.05)
    return found
